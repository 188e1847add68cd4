"""`providerwatch probe`: probes now, in this process, side by side; results are shown as they come."""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from monitor.config.model import Config
from monitor.console.summary import summary
from monitor.console.text import printable
from monitor.console.waterfall import waterfall
from monitor.scheduler.jobs import Job, all_jobs, run_for
from monitor.score.blame import BlameOverrides, blamed
from monitor.workers.limits import ConcurrencyLimits
from probes._driver import exchange
from probes._exchange import Exchange, is_success
from probes._loader import codec
from probes._meter import read_stream
from probes._model import Probe, Run, Sample, Task, Vector
from probes._sample import sample, transcript
from probes._serialize import sample_to_plain
from probes._socket import keep_stamping
from probes._tokens import count_tokens

_LONGEST_FRAME = 4_000
"""Characters of a frame in a transcript: what follows in a longer one are the numbers of a vector."""


class ProbeMisuseError(Exception):
    """What was asked for does not exist; the message says what does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One probe that was made."""

    run: Run
    sample: Sample
    exchange: Exchange
    codec: Probe

    @property
    def vector(self) -> Vector | None:
        """What an embedding gave, which its sample does not keep."""
        if self.run.task is not Task.EMBEDDING or not is_success(self.exchange.status):
            return None
        return read_stream(self.codec, self.exchange.body, self.exchange.arrivals).vector


async def probe_now(
    config: Config,
    jobs: Sequence[Job],
    number: int,
    show: Callable[[Result], None],
    conclude: Callable[[Sequence[Sample]], None] | None = None,
) -> bool:
    """Probe each job `number` times and show each result, and at last all samples; True when all succeeded."""
    samples = []
    with _progress(len(jobs) * number) as step, keep_stamping():
        async for result in _results(config, jobs, number):
            with step():
                show(result)
            samples.append(result.sample)
    if conclude is not None:
        conclude(samples)
    return all(sample.error is None for sample in samples)


def choose(config: Config, ids: Sequence[str], task: str | None) -> tuple[Job, ...]:
    """The jobs of the named endpoints, or of all that are not paused. Raises MisuseError when there are none."""
    jobs = all_jobs(config)
    known = {job.spec.endpoint.id for job in jobs}
    for name in ids:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else f"; there are: {', '.join(sorted(known))}"
            hint = f"; it is a file: write -c {name}" if Path(name).is_file() else hint
            raise ProbeMisuseError(f"no endpoint has the id {name!r}{hint}")
    chosen = [job for job in jobs if job.spec.endpoint.id in ids or (not ids and job.spec.enabled)]
    of_task = tuple(job for job in chosen if task in {None, job.probe.task})
    if not of_task:
        tasks = ", ".join(sorted({job.probe.task for job in jobs}))
        raise ProbeMisuseError(
            f"no probe of the task {task!r} is configured; there are: {tasks}" if task else "no endpoint"
        )
    return of_task


def show_json(result: Result) -> None:
    """The sample as one line of JSON on stdout."""
    print(json.dumps(sample_to_plain(result.sample)), flush=True)


def show_waterfall(result: Result) -> None:
    """The sample as a waterfall on stdout."""
    Console(highlight=False).print(waterfall(result.sample, result.vector))


def show_summary(samples: Sequence[Sample]) -> None:
    """What several probes came to, on stdout; of one the waterfall says all."""
    if len(samples) > 1:
        Console(highlight=False).print(summary(samples))


def show_transcript(result: Result) -> None:
    """The waterfall, and under it every frame with the time of its arrival."""
    show_waterfall(result)
    console = Console(highlight=False, soft_wrap=True)
    for at_s, words in transcript(result.run, result.codec, result.exchange):
        stamp = " " * 11 if at_s is None else f"{at_s:9.4f} s"
        rest = f" ({len(words):,} characters)" if len(words) > _LONGEST_FRAME else ""
        console.print(Text(f"{stamp}  {printable(words, longest=_LONGEST_FRAME)}{rest}"))
    console.print()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """A bar on stderr, if that is a terminal. It steps aside for each result, which may go to the same screen."""
    if not sys.stderr.isatty():
        yield nullcontext
        return
    # A thread that draws it anew would disturb the measuring, and whatever goes to stdout is to stay there.
    bar = Progress(
        console=Console(stderr=True), transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    )
    task = bar.add_task("probing", total=total)

    @contextmanager
    def step() -> Iterator[None]:
        bar.stop()
        yield
        bar.advance(task)
        bar.start()
        bar.refresh()

    with bar:
        bar.refresh()
        yield step


async def _results(config: Config, jobs: Sequence[Job], number: int) -> AsyncIterator[Result]:
    """The results in the order in which they come."""
    limits = ConcurrencyLimits(
        config.max_concurrent, {name: spec.max_concurrent for name, spec in config.providers.items()}
    )
    # All codecs, and the tokenizer, before the first probe: to import one takes longer than a token.
    await asyncio.to_thread(count_tokens, "")
    asked = [(run, codec(run.endpoint.api, run.endpoint.options)) for run in _runs(jobs, number)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_probe(run, probe, limits, config.scoring.blame)) for run, probe in asked]
        for finished in asyncio.as_completed(tasks):
            yield await finished


def _runs(jobs: Sequence[Job], number: int) -> Iterable[Run]:
    """Each job's runs. Rounds differ by a microsecond, and so in their prompts: no cache answers the second."""
    now = datetime.now(UTC)
    return [run_for(job, now + timedelta(microseconds=turn)) for turn in range(number) for job in jobs]


async def _probe(run: Run, probe: Probe, limits: ConcurrencyLimits, overrides: BlameOverrides) -> Result:
    async with AsyncExitStack() as stack:
        await limits.take(run.endpoint.provider, stack)
        seen = await exchange(run, probe)
    return Result(run=run, sample=blamed(sample(run, probe, seen), overrides), exchange=seen, codec=probe)
