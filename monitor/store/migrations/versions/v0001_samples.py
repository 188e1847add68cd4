"""Samples, the names in them, and a state per endpoint."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("endpoint", "vantage", "probe"):
        op.create_table(
            name,
            sa.Column("key", sa.Integer(), nullable=False),
            sa.Column("id", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("key", name=f"pk_{name}"),
            sa.UniqueConstraint("id", name=f"uq_{name}_id"),
        )
    op.create_table(
        "state",
        sa.Column("endpoint", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint"], ["endpoint.key"], name="fk_state_endpoint"),
        sa.PrimaryKeyConstraint("endpoint", name="pk_state"),
    )
    op.create_table(
        "sample",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint", sa.Integer(), nullable=False),
        sa.Column("vantage", sa.Integer(), nullable=False),
        sa.Column("probe", sa.Integer(), nullable=False),
        sa.Column("task", sa.SmallInteger(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.SmallInteger()),
        sa.Column("blame", sa.SmallInteger()),
        sa.Column("status_code", sa.BigInteger()),
        sa.Column("detail", sa.Text()),
        sa.Column("answer_ok", sa.Boolean()),
        sa.Column("lag_s", sa.BigInteger()),
        sa.Column("cold", sa.Boolean()),
        sa.Column("dns_s", sa.BigInteger()),
        sa.Column("connect_s", sa.BigInteger()),
        sa.Column("tls_s", sa.BigInteger()),
        sa.Column("headers_s", sa.BigInteger()),
        sa.Column("ttft_s", sa.BigInteger()),
        sa.Column("ttat_s", sa.BigInteger()),
        sa.Column("e2e_s", sa.BigInteger()),
        sa.Column("itl_p50_s", sa.BigInteger()),
        sa.Column("itl_p99_s", sa.BigInteger()),
        sa.Column("itl_max_s", sa.BigInteger()),
        sa.Column("prompt_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("cached_tokens", sa.BigInteger()),
        sa.Column("tokens_from", sa.SmallInteger()),
        sa.Column("output_tps", sa.Double()),
        sa.Column("tpot_s", sa.BigInteger()),
        sa.Column("e2e_tps", sa.Double()),
        sa.Column("cost_usd", sa.Double()),
        sa.Column("rtt_s", sa.BigInteger()),
        sa.Column("retransmits", sa.BigInteger()),
        sa.Column("server_s", sa.BigInteger()),
        sa.Column("retry_after_s", sa.BigInteger()),
        sa.Column("rx_lag_s", sa.BigInteger()),
        sa.Column("merged_reads", sa.BigInteger()),
        sa.Column("timing", sa.SmallInteger()),
        sa.Column("clock_step", sa.Boolean()),
        sa.ForeignKeyConstraint(["endpoint"], ["endpoint.key"], name="fk_sample_endpoint"),
        sa.ForeignKeyConstraint(["vantage"], ["vantage.key"], name="fk_sample_vantage"),
        sa.ForeignKeyConstraint(["probe"], ["probe.key"], name="fk_sample_probe"),
        sa.PrimaryKeyConstraint("seq", name="pk_sample"),
        sa.UniqueConstraint("id", name="uq_sample_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sample_span", "sample", ["endpoint", "started_at", "error"])
