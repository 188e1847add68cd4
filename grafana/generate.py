"""Writes the Grafana boards and the alerts; ``--check`` only compares the committed files with what would be written.

``--providers`` gives your own providers' names the colours that differ most, ``--base`` the address of
Providerwatch's own pages.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from alert_files import ALERT_FILES
from board_endpoint import of_endpoint
from board_model import of_model
from board_monitor import monitor
from board_overview import overview
from colours import providers
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync
from influx import Influx
from language import Board, Language
from layout import Row, place
from links import TITLES, of_board, uid
from panels import Panels
from prometheus import Prometheus
from variables import address

TARGET = Path(__file__).parent / "provisioning" / "dashboards"
BASE = "http://127.0.0.1:8780"
_WIDTH = 160
_ROWS: Mapping[Board, Callable[[Language, Panels], list[Row]]] = {
    "overview": overview,
    "model": of_model,
    "endpoint": of_endpoint,
    "monitor": monitor,
}
_ABOUT: Mapping[Board, str] = {
    "overview": "All endpoints: what is down, since when, and which providers fail or are slow.",
    "model": "One model: its providers side by side.",
    "endpoint": "One endpoint: phases, latency, errors by class and blame, stalls, incidents.",
    "monitor": "Providerwatch itself: whether its figures can be believed.",
}
_ONE_OF: Mapping[Board, str] = {"model": "model", "endpoint": "endpoint"}
"""The variable of which a board shows one value."""
_SOURCES = {"prometheus": "Prometheus", "influxdb": "InfluxDB"}


def board(name: Board, ask: Language, draw: Panels, base: str) -> build.Dashboard:
    """Build a board."""
    dashboard = (
        build.Dashboard(f"Providerwatch: {TITLES[name].replace(':', ',')} ({_SOURCES[ask.name]})")
        .uid(uid(name, ask.name))
        .description(_ABOUT[name])
        .tags(["providerwatch", "llm", ask.name])
        .time("now-6h", "now")
        .timezone("browser")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
    )
    for variable in (*ask.variables(name), address(base)):
        dashboard.with_variable(variable)
    for link in of_board(name, ask.name):
        dashboard.link(link)
    place(dashboard, _ROWS[name](ask, draw))
    return dashboard


def rendered(own: Sequence[str] = (), base: str = BASE) -> Iterator[tuple[str, str]]:
    """Yield the path of each file below the target, and its text."""
    colours = providers(own)
    for ask in (Prometheus(), Influx()):
        draw = Panels(ask.source, colours)
        for name in _ROWS:
            document = json.loads(JSONEncoder().encode(board(name, ask, draw, base).build()))
            if name in {"model", "endpoint"}:
                marks = json.loads(JSONEncoder().encode(ask.annotations()))
                document["annotations"] = {"list": marks}
            yield f"{ask.name}/{name}.json", f"{compact(exactly(_ONE_OF.get(name), document))}\n"


def exactly(variable: str | None, value: object) -> object:
    """Compare a variable that has one value by `=`.

    Grafana escapes a value for a regular expression only where a variable may have several.
    """
    if variable is None:
        return value
    many, one = f'{variable}=~"${variable}"', f'{variable}="${variable}"'
    many_in_influxql, one_in_influxql = f'"{variable}" =~ /^${variable}$/', f"\"{variable}\" = '${variable}'"
    if isinstance(value, str):
        return value.replace(many, one).replace(many_in_influxql, one_in_influxql)
    if isinstance(value, dict):
        return {key: exactly(variable, item) for key, item in value.items()}
    if isinstance(value, list):
        return [exactly(variable, item) for item in value]
    return value


def compact(value: object, indent: str = "") -> str:
    """JSON with sorted keys, in which what fits into a line is one line."""
    line = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if len(indent) + len(line) <= _WIDTH or not isinstance(value, (dict, list)):
        return line
    deeper = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {compact(item, deeper)}" for key, item in sorted(value.items())]
    else:
        parts = [compact(item, deeper) for item in value]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    inner = ",\n".join(f"{deeper}{part}" for part in parts)
    return f"{begin}\n{inner}\n{indent}{end}"


def main() -> int:
    """Write the files, or compare with them; 1 when they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    parser.add_argument("--providers", default="", metavar="NAMES", help="your providers, separated by commas")
    parser.add_argument("--base", default=BASE, metavar="URL", help="address of Providerwatch's own pages")
    parser.add_argument("--target", type=Path, default=TARGET, metavar="FOLDER", help="where to write")
    options = parser.parse_args()
    own = [name for name in options.providers.split(",") if name]
    differing = []
    boards = ((options.target / name, text) for name, text in rendered(own, options.base.rstrip("/")))
    alerts = ((file, text()) for file, text in ALERT_FILES.items())
    for file, text in (*boards, *alerts):
        if options.check:
            if not file.is_file() or file.read_text(encoding="utf-8") != text:
                differing.append(str(file))
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if differing:
        print(
            f"{', '.join(differing)}: not what the generator writes: run `python grafana/generate.py`", file=sys.stderr
        )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
