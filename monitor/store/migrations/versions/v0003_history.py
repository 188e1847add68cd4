"""History for years: blocks of samples, rollups of hours and days, sinks with their cursors, retention's horizon."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIGURES = (
    "lag_s dns_s connect_s tls_s headers_s ttft_s ttat_s e2e_s itl_p50_s itl_p99_s itl_max_s "
    "output_tps e2e_tps rtt_s server_s"
)


def upgrade() -> None:
    op.add_column("endpoint", sa.Column("first_at", sa.BigInteger()))
    op.execute(
        "UPDATE endpoint SET first_at = (SELECT min(started_at) FROM sample WHERE sample.endpoint = endpoint.key)"
    )
    op.create_table(
        "block",
        sa.Column("endpoint", sa.Integer(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint"], ["endpoint.key"], name="fk_block_endpoint"),
        sa.PrimaryKeyConstraint("endpoint", "hour", name="pk_block"),
    )
    op.create_index("ix_block_hour", "block", ["hour"])
    for name in ("hourly", "daily"):
        op.create_table(
            name,
            *_bucket(name),
            sa.Column("counts", sa.Text(), nullable=False),
            sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
            sa.Column("output_tokens", sa.BigInteger(), nullable=False),
            sa.Column("reasoning_tokens", sa.BigInteger(), nullable=False),
            sa.Column("cost_usd", sa.Double(), nullable=False),
            *(sa.Column(figure, sa.LargeBinary()) for figure in FIGURES.split()),
        )
        op.create_index(f"ix_{name}_bucket", name, ["bucket"])
    for name in ("stale_hour", "stale_day"):
        op.create_table(name, *_bucket(name))
    op.create_table(
        "sink",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sink"),
    )
    op.create_table(
        "set_aside",
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["sink"], ["sink.name"], name="fk_set_aside_sink"),
        sa.PrimaryKeyConstraint("sink", "id", name="pk_set_aside"),
    )
    op.create_table(
        "horizon",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_horizon"),
    )
    # What is there already has to be rolled up, too.
    op.execute(
        "INSERT INTO stale_hour (endpoint, task, vantage, bucket) "
        "SELECT DISTINCT endpoint, task, vantage, started_at / 3600000000 FROM sample"
    )


def _bucket(table: str) -> Iterator[sa.schema.SchemaItem]:
    yield sa.Column("endpoint", sa.Integer(), nullable=False)
    yield sa.Column("task", sa.SmallInteger(), nullable=False)
    yield sa.Column("vantage", sa.Integer(), nullable=False)
    yield sa.Column("bucket", sa.Integer(), nullable=False)
    yield sa.ForeignKeyConstraint(["endpoint"], ["endpoint.key"], name=f"fk_{table}_endpoint")
    yield sa.ForeignKeyConstraint(["vantage"], ["vantage.key"], name=f"fk_{table}_vantage")
    yield sa.PrimaryKeyConstraint("endpoint", "task", "vantage", "bucket", name=f"pk_{table}")
