"""The tables as this program knows them; the newest migration makes exactly these."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, SmallInteger, Table, Text

from monitor.store._codes import ERRORS, TASKS, TIMINGS, TOKEN_SOURCES
from monitor.store._columns import Code, Count, Duration, HexId, Moment, Note, Real

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)


def _names(table: str) -> Table:
    """Long names, each kept once; rows elsewhere hold the key."""
    return Table(
        table,
        metadata,
        Column("key", Integer, primary_key=True),
        Column("id", Note, nullable=False, unique=True),
    )


endpoint = _names("endpoint")
vantage = _names("vantage")
probe = _names("probe")

state = Table(
    "state",
    metadata,
    Column("endpoint", ForeignKey(endpoint.c.key), primary_key=True),
    Column("state", Text, nullable=False),
)

sample = Table(
    "sample",
    metadata,
    # Appending order, and what an outbox cursor points at. AUTOINCREMENT: a number is never given twice, even when
    # retention has emptied the table, or a cursor would pass over new samples.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", HexId, nullable=False, unique=True),
    Column("endpoint", ForeignKey(endpoint.c.key), nullable=False),
    Column("vantage", ForeignKey(vantage.c.key), nullable=False),
    Column("probe", ForeignKey(probe.c.key), nullable=False),
    Column("task", Code(TASKS), nullable=False),
    Column("scheduled_at", Moment, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("error", Code(ERRORS)),
    Column("blame", SmallInteger),  # null: as the error says; see _rows
    Column("status_code", Count),
    Column("detail", Note),
    Column("answer_ok", Boolean),
    Column("lag_s", Duration),
    Column("cold", Boolean),
    Column("dns_s", Duration),
    Column("connect_s", Duration),
    Column("tls_s", Duration),
    Column("headers_s", Duration),
    Column("ttft_s", Duration),
    Column("ttat_s", Duration),
    Column("e2e_s", Duration),
    Column("itl_p50_s", Duration),
    Column("itl_p99_s", Duration),
    Column("itl_max_s", Duration),
    Column("prompt_tokens", Count),
    Column("output_tokens", Count),
    Column("reasoning_tokens", Count),
    Column("cached_tokens", Count),
    Column("tokens_from", Code(TOKEN_SOURCES)),
    Column("output_tps", Real),
    Column("tpot_s", Duration),
    Column("e2e_tps", Real),
    Column("cost_usd", Real),
    Column("rtt_s", Duration),
    Column("retransmits", Count),
    Column("server_s", Duration),
    Column("retry_after_s", Duration),
    Column("rx_lag_s", Duration),
    Column("merged_reads", Count),
    Column("timing", Code(TIMINGS)),
    Column("clock_step", Boolean),
    # The one index beside that of ids: a span of time is one range of it per endpoint, so that a query costs what it
    # returns. `error` and `task` are in it because tallies, the widest query, then never touch the table.
    Index("ix_sample_span", "endpoint", "started_at", "error", "task"),
    sqlite_autoincrement=True,
)
