"""Real traffic: counts of reported requests, their tokens by day and application, and which were counted already."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "traffic",
        sa.Column("endpoint", sa.Integer(), nullable=False),
        sa.Column("span_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("error", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint"], ["endpoint.key"], name="fk_traffic_endpoint"),
        sa.PrimaryKeyConstraint("endpoint", "span_s", "bucket", "error", name="pk_traffic"),
    )
    op.create_index("ix_traffic_span", "traffic", ["span_s", "bucket"])
    op.create_table(
        "activity",
        sa.Column("endpoint", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint"], ["endpoint.key"], name="fk_activity_endpoint"),
        sa.PrimaryKeyConstraint("endpoint", "day", "app", name="pk_activity"),
    )
    op.create_index("ix_activity_day", "activity", ["day"])
    op.create_table(
        "traffic_batch",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("call_keys", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traffic_batch"),
    )
    op.create_index("ix_traffic_batch_at", "traffic_batch", ["at"])
