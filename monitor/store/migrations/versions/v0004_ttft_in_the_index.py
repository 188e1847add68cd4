"""The index of spans also holds `ttft_s`, so that a day of it reads nothing else."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_sample_span", "sample")
    op.create_index("ix_sample_span", "sample", ["endpoint", "started_at", "error", "task", "ttft_s"])
