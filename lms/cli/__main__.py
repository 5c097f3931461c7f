"""`python -m lms.cli`, where no script is installed."""

from lms.cli import main

main(prog_name="lms")
