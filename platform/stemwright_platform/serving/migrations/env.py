"""Alembic's entry: runs on the connection, in the transaction, that it is called with."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
