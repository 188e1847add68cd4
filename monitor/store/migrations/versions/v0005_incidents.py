"""Incidents: spans in which an endpoint was not up."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("endpoint", sa.Integer(), nullable=False),
        sa.Column("worst", sa.SmallInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("causes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint"], ["endpoint.key"], name="fk_incident_endpoint"),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_index("ix_incident_began", "incident", ["began_at"])
    op.create_index("ix_incident_endpoint", "incident", ["endpoint", "began_at"])
    op.create_index("ix_incident_ended", "incident", ["ended_at"])
