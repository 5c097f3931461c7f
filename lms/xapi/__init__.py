"""The learning record store; usable alone. Nothing in it knows of courses."""
