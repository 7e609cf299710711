"""The tables of the first release. Databases made before there were versions have some of them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    there = sa.inspect(op.get_bind())
    tables = sa.MetaData()
    _define(tables)
    for table in tables.sorted_tables:
        if not there.has_table(table.name):
            table.create(op.get_bind())
            continue
        names = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in names:  # what came without a version may be empty
                op.add_column(table.name, sa.Column(column.name, column.type))


def _define(tables: sa.MetaData) -> None:
    sa.Table(
        "compositions",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("tempo_bpm", sa.Float()),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("tracks", sa.JSON(), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False, index=True),
    )
    sa.Table(
        "takes",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        _of_composition(),
        sa.Column("generation_id", sa.String(32)),
        sa.Column("track", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("seed", sa.BigInteger()),
        sa.Column("model", sa.String(500)),
        sa.Column("blob_key", sa.String(128), nullable=False),
        sa.Column("content_type", sa.String(64), nullable=False),
        sa.Column("num_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("gain_db", sa.Float(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
    )
    sa.Table(
        "selections",
        tables,
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        _of_composition(),
        sa.Column("takes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
    )
    sa.Table(
        "generations",
        tables,
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), unique=True, nullable=False),
        _of_composition(),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.Float()),
        sa.Column("model", sa.String(500)),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float()),
        sa.Column("ended_at", sa.Float()),
        sa.UniqueConstraint("composition_id", "idempotency_key"),
        sa.Index("generations_by_state", "state", "number"),
    )
    sa.Table(
        "models",
        tables,
        sa.Column("uri", sa.String(500), primary_key=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
    )


def _of_composition() -> sa.Column[str]:
    key = sa.ForeignKey("compositions.id", ondelete="CASCADE")
    return sa.Column("composition_id", sa.String(32), key, nullable=False, index=True)
