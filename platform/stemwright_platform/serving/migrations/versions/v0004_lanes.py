"""Compositions have a name, a metre, and lanes that remember gain, pan and mute."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("compositions", sa.Column("name", sa.String(200), nullable=False, server_default=""))
    op.add_column(
        "compositions", sa.Column("beats_per_bar", sa.Integer(), nullable=False, server_default="4")
    )
    op.add_column("compositions", sa.Column("lanes", sa.JSON(), nullable=False, server_default="{}"))
