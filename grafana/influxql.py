"""InfluxQL of the points that the sink `influx` writes, with the boards' variables left in.

A point is a probe. A series has no tag `error` and no tag `blame` when its probes succeeded. Grafana replaces
``$timeFilter`` by the dashboard's range.
"""

MEASUREMENT = '"providerwatch_probe"'
_CHOSEN = " AND ".join(f'"{tag}" =~ /^${tag}$/' for tag in ("vantage", "model", "provider", "endpoint"))
_ANYWHERE = " AND ".join(f'"{tag}" =~ /^${tag}$/' for tag in ("model", "provider", "endpoint"))
TASK = "\"task\" = '$task'"
SUCCEEDED = "\"error\" = ''"
COUNTED = "(\"blame\" = '' OR \"blame\" = 'provider')"
OF_PROVIDER = "\"blame\" = 'provider'"
OF_MONITOR = "\"blame\" = 'monitor'"
FAILED = '"ok" = 0'
RANGE = "$timeFilter"


def select(
    fields: str, *conditions: str, by: str = "", every: str = "", fill: str = "null", chosen: str = _CHOSEN
) -> str:
    """A query of the chosen points; `by`: tags in quotes; `every`: the span of a point, or none for one row each.

    A span in which nothing was measured is null, so that lines break there.
    """
    where = " AND ".join((chosen, *conditions))
    groups = ", ".join(filter(None, (f"time({every})" if every else "", by)))
    grouped = f" GROUP BY {groups}" if groups else ""
    return f"SELECT {fields} FROM {MEASUREMENT} WHERE {where}{grouped}{f' fill({fill})' if every else ''}"


def over_vantages(fields: str, *conditions: str, by: str, every: str) -> str:
    """As `select`, but for every vantage, whichever is chosen."""
    return select(fields, *conditions, by=by, every=every, chosen=_ANYWHERE)


def tag_values(tag: str, *conditions: str) -> str:
    """The values of a tag, for a menu."""
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f'SHOW TAG VALUES FROM {MEASUREMENT} WITH KEY = "{tag}"{where}'


def since(window: str) -> str:
    """The condition for a window that ends now, whatever the dashboard's range."""
    return f"time > now() - {window}"


def phases() -> str:
    """The mean of each phase; see `promql.phase`."""
    spread = [f'sum("{name}_s") / count("headers_s") AS "{name}"' for name in ("dns", "connect", "tls")]
    rest = ['mean("headers_s") AS "headers"', 'mean("ttft_s") - mean("headers_s") AS "first token"']
    return ", ".join([*spread, *rest, 'mean("e2e_s") - mean("ttft_s") AS "rest"'])
