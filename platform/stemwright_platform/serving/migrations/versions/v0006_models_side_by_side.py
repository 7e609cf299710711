"""Compositions name their model, and generations wait for it: several are served side by side.

Empty in rows of before: they are whichever model's is there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for table in ("compositions", "generations"):
        op.add_column(table, sa.Column("model_uri", sa.String(500), nullable=False, server_default=""))
