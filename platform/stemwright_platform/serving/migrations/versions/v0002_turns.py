"""Generations get a class, an owner and a turn, so that the queue is fair."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("generations", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("generations", sa.Column("owner", sa.String(64), nullable=False, server_default=""))
    op.add_column("generations", sa.Column("cost", sa.Float(), nullable=False, server_default="0"))
    op.add_column("generations", sa.Column("turn", sa.Float(), nullable=False, server_default="0"))
    op.drop_index("generations_by_state", "generations")
    op.create_index("generations_by_turn", "generations", ["state", "priority", "turn", "number"])
