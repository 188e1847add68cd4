"""The tables of this version; the newest migration creates exactly these."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from monitor.store._codes import ERRORS, TASKS, TIMINGS, TOKEN_SOURCES, WORST
from monitor.store._columns import Code, Count, Duration, HexId, Moment, Note, Real
from monitor.store.rollup import FIGURES

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)


def _names(table: str) -> Table:
    """A table of names; rows of other tables hold the key."""
    return Table(
        table,
        metadata,
        Column("key", Integer, primary_key=True),
        Column("id", Note, nullable=False, unique=True),
    )


endpoint = _names("endpoint")
endpoint.append_column(Column("first_at", Moment))
"""Start of its first sample; None: there is only a state."""
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
    # The order of appending, which outbox cursors refer to. AUTOINCREMENT: a number is never used twice, even after
    # retention has emptied the table. Otherwise a cursor would skip new samples.
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
    # The only index besides ids: a span of time is one range per endpoint, so a query costs what it returns. `error`
    # and `task` are included so that tallies, the widest query, do not read the table; `ttft_s`, the most requested
    # figure, so that a day of it does not read a page of the table for each sample.
    Index("ix_sample_span", "endpoint", "started_at", "error", "task", "ttft_s"),
    sqlite_autoincrement=True,
)

block = Table(
    "block",
    metadata,
    Column("endpoint", ForeignKey(endpoint.c.key), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),  # hours since 1970-01-01T00:00Z
    Column("samples", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),  # see _blocks
    Index("ix_block_hour", "hour"),
)
"""Samples before the newest hours, one row per endpoint and hour. Late samples stay in `sample`."""


def _bucket_key() -> tuple[Column[Any], ...]:
    """The key of a rollup; `bucket` counts hours or days since 1970."""
    return (
        Column("endpoint", ForeignKey(endpoint.c.key), primary_key=True),
        Column("task", Code(TASKS), primary_key=True),
        Column("vantage", ForeignKey(vantage.c.key), primary_key=True),
        Column("bucket", Integer, primary_key=True, autoincrement=False),
    )


def _rollups(name: str) -> Table:
    """One `rollup.Rollup` per endpoint, task, vantage and bucket. A figure's column holds its sketch."""
    return Table(
        name,
        metadata,
        *_bucket_key(),
        Column("counts", Text, nullable=False),
        Column("prompt_tokens", BigInteger, nullable=False),
        Column("output_tokens", BigInteger, nullable=False),
        Column("reasoning_tokens", BigInteger, nullable=False),
        Column("cost_usd", Double, nullable=False),
        *(Column(figure, LargeBinary) for figure in FIGURES),
        Index(f"ix_{name}_bucket", "bucket"),
    )


def _stale(name: str) -> Table:
    """The rollups that have to be computed because of new samples."""
    return Table(name, metadata, *_bucket_key())


hourly = _rollups("hourly")
daily = _rollups("daily")
stale_hour = _stale("stale_hour")
stale_day = _stale("stale_day")

sink = Table(
    "sink",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # of the newest sample that was delivered
    Column("dropped", BigInteger, nullable=False),  # samples that retention deleted before they were delivered
)
set_aside = Table(
    "set_aside",
    metadata,
    Column("sink", ForeignKey(sink.c.name), primary_key=True),
    Column("id", HexId, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("reason", Note, nullable=False),
)
"""Samples that a sink rejected for good, with the reason."""

incident = Table(
    "incident",
    metadata,
    Column("id", HexId, primary_key=True, autoincrement=False),
    Column("endpoint", ForeignKey(endpoint.c.key), nullable=False),
    Column("worst", Code(WORST), nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("causes", Text, nullable=False),  # see _incidents
    # Newest first: of all, and of one endpoint.
    Index("ix_incident_began", "began_at"),
    Index("ix_incident_endpoint", "endpoint", "began_at"),
    # Open ones, those that were open at some time, and those that are old enough to be deleted.
    Index("ix_incident_ended", "ended_at"),
)
"""`monitor.domain.incident.Incident` as last appended."""

traffic = Table(
    "traffic",
    metadata,
    Column("endpoint", ForeignKey(endpoint.c.key), primary_key=True),
    Column("span_s", Integer, primary_key=True, autoincrement=False),
    Column("bucket", Integer, primary_key=True, autoincrement=False),  # spans since 1970
    Column("error", SmallInteger, primary_key=True, autoincrement=False),  # 0: succeeded
    Column("calls", BigInteger, nullable=False),
    # Rows that a restart reads, and rows that are too old.
    Index("ix_traffic_span", "span_s", "bucket"),
)
"""Counts of reported requests by their start; each is counted in every span, see `_traffic`."""

activity = Table(
    "activity",
    metadata,
    Column("endpoint", ForeignKey(endpoint.c.key), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since 1970
    Column("app", Note, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Index("ix_activity_day", "day"),
)
"""Usage of reported requests by application."""

traffic_batch = Table(
    "traffic_batch",
    metadata,
    Column("id", HexId, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("call_keys", LargeBinary, nullable=False),  # of the ids of its requests, eight bytes each
    Index("ix_traffic_batch_at", "at"),
)
"""The keys of counted requests, for as long as they could be reported again."""

horizon = Table(
    "horizon",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)
"""`raw`: samples that began before this were deleted and are ignored when appended."""
