"""What Alembic runs for every service's migrations: on the connection that `migrate` hands in."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table_schema=attributes["schema"],
    transactional_ddl=True,
)
context.run_migrations()
