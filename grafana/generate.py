"""Writes the Grafana dashboard and the alerts.

``--check`` only says whether the committed files are what would be written.
"""

import argparse
import sys
from pathlib import Path

from alert_files import ALERT_FILES
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync
from layout import place
from model_row import model_row
from monitor_row import monitor_row
from settings import DASHBOARD_UID
from spend_row import spend_row
from status_row import status_row
from variables import variables

TARGET = Path(__file__).parent / "dashboards" / "providerwatch.json"


def providers_side_by_side() -> build.Dashboard:
    """Build the dashboard."""
    dashboard = (
        build.Dashboard("Providerwatch: providers side by side")
        .uid(DASHBOARD_UID)
        .description("LLM providers side by side: status, score, latency, speed, errors, cost.")
        .tags(["providerwatch", "llm"])
        .time("now-6h", "now")
        .timezone("browser")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
    )
    for variable in variables():
        dashboard.with_variable(variable)
    place(dashboard, [status_row(), model_row(), spend_row(), monitor_row()])
    return dashboard


def rendered() -> str:
    """Return the dashboard as the bytes of its file."""
    document = JSONEncoder(sort_keys=True, ensure_ascii=False, indent=2).encode(providers_side_by_side().build())
    return f"{document}\n"


def main() -> int:
    """Write the files, or compare with them; 1 when one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    check, targets = parser.parse_args().check, {TARGET: rendered, **ALERT_FILES}
    for target, text in targets.items():
        if not check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text(), encoding="utf-8")
        elif not target.is_file() or target.read_text(encoding="utf-8") != text():
            print(f"{target} is not what the generator writes: run `python grafana/generate.py`", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
