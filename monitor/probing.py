"""`providerwatch probe`: probes now, in this process, side by side; results are shown as they come."""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from monitor.config.model import Config
from monitor.plan import Job, all_jobs, run_for
from monitor.runner import Places
from monitor.terminal import printable
from monitor.waterfall import waterfall
from probes._driver import exchange
from probes._exchange import Exchange
from probes._loader import codec
from probes._model import Probe, Run, Sample
from probes._plain import sample_to_plain
from probes._record import sample, transcript
from probes._wire import keep_stamping


class MisuseError(Exception):
    """What was asked for does not exist; the message says what does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One probe that was made."""

    run: Run
    sample: Sample
    exchange: Exchange
    codec: Probe


async def probe_now(config: Config, jobs: Sequence[Job], number: int, show: Callable[[Result], None]) -> bool:
    """Probe each job `number` times and show each result; True when all succeeded."""
    all_ok = True
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("probing", total=len(jobs) * number)
        with keep_stamping():
            async for result in _results(config, jobs, number):
                show(result)
                all_ok = all_ok and result.sample.error is None
                progress.advance(bar)
    return all_ok


def choose(config: Config, ids: Sequence[str], task: str | None) -> tuple[Job, ...]:
    """The jobs of the named endpoints, or of all that are not paused. Raises MisuseError when there are none."""
    jobs = all_jobs(config)
    known = {job.spec.endpoint.id for job in jobs}
    for name in ids:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else f"; there are: {', '.join(sorted(known))}"
            raise MisuseError(f"no endpoint has the id {name!r}{hint}")
    chosen = [job for job in jobs if job.spec.endpoint.id in ids or (not ids and job.spec.enabled)]
    of_task = tuple(job for job in chosen if task in {None, job.probe.task})
    if not of_task:
        tasks = ", ".join(sorted({job.probe.task for job in jobs}))
        raise MisuseError(f"no probe of the task {task!r} is configured; there are: {tasks}" if task else "no endpoint")
    return of_task


def show_json(result: Result) -> None:
    """The sample as one line of JSON on stdout."""
    print(json.dumps(sample_to_plain(result.sample)), flush=True)  # noqa: T201


def show_waterfall(result: Result) -> None:
    """The sample as a waterfall on stdout."""
    Console(highlight=False).print(waterfall(result.sample))


def show_transcript(result: Result) -> None:
    """The waterfall, and under it every frame with the time of its arrival."""
    show_waterfall(result)
    console = Console(highlight=False, soft_wrap=True)
    for at_s, words in transcript(result.run, result.codec, result.exchange):
        stamp = " " * 11 if at_s is None else f"{at_s:9.4f} s"
        console.print(Text(f"{stamp}  {printable(words, longest=None)}"))
    console.print()


async def _results(config: Config, jobs: Sequence[Job], number: int) -> AsyncIterator[Result]:
    """The results in the order in which they come."""
    places = Places(config.max_concurrent, {name: spec.max_concurrent for name, spec in config.providers.items()})
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_probe(run, places)) for run in _runs(jobs, number)]
        for finished in asyncio.as_completed(tasks):
            yield await finished


def _runs(jobs: Sequence[Job], number: int) -> Iterable[Run]:
    """Each job's runs. Rounds differ by a microsecond, and so in their prompts: no cache answers the second."""
    now = datetime.now(UTC)
    return [run_for(job, now + timedelta(microseconds=turn)) for turn in range(number) for job in jobs]


async def _probe(run: Run, places: Places) -> Result:
    asker = codec(run.endpoint.api, run.endpoint.options)
    async with AsyncExitStack() as stack:
        await places.take(run.endpoint.provider, stack)
        seen = await exchange(run, asker)
    return Result(run=run, sample=sample(run, asker, seen), exchange=seen, codec=asker)
