"""The database's tables, release by release: Alembic runs what a database lacks when it is opened.

A change of `tables.py` needs a file in `versions/`, written by hand; a test compares the two. Columns are
added and filled, never taken from under a replica of the release before, which still runs for a while.
"""

HEAD = "0006"
"""The newest version; a database that has it needs no Alembic."""
