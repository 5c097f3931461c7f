"""What Alembic runs: the migrations asked for, on the connection that it was given."""

from alembic import context

from lms.migrations.options import OPTIONS

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    **OPTIONS,
)
# The transaction is the caller's (lms.migrations): all of it or nothing.
context.run_migrations()
