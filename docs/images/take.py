"""Takes the README's picture of a demo; the argument is how many seconds it has run.

curl -s http://127.0.0.1:8780/v1/scores | python docs/images/take.py 48
"""

from __future__ import annotations

import io
import json
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from monitor.console.scores_table import scores_table
from monitor.console.watch import WatchFrame

_COLUMNS = 84


def main() -> None:
    """Write demo.svg beside this file."""
    document, elapsed_s = json.load(sys.stdin), float(sys.argv[1])
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ make demo", "bold"))
    table = scores_table(document, now=datetime.fromisoformat(document["generated_at"]))
    url = "http://127.0.0.1:8780/v1/scores"
    console.print(WatchFrame(url=url, files=(Path(".demo/uptime.json"),), elapsed_s=elapsed_s, table=table))
    console.save_svg(str(Path(__file__).with_name("demo.svg")), title="providerwatch demo")


if __name__ == "__main__":
    main()
