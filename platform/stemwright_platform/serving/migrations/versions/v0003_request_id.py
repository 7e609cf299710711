"""Generations remember the call that asked for them, so that logs can be followed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("generations", sa.Column("request_id", sa.String(64), nullable=True))
