"""`providerwatch probe`: runs probes now, concurrently, in this process; shows each result when it arrives."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from monitor.config.model import Config
from monitor.console.summary import summary
from monitor.console.waterfall import waterfall
from monitor.domain.spelling import id_hint
from monitor.domain.text import printable
from monitor.scheduler.jobs import Job, all_jobs, run_for
from monitor.score.blame import BlameOverrides, blamed
from monitor.workers.limits import ConcurrencyLimits
from probes._driver import exchange
from probes._exchange import Exchange
from probes._loader import codec
from probes._meter import read_stream
from probes._model import Probe, Run, Sample, Task, Vector
from probes._sample import sample, transcript
from probes._serialize import sample_to_plain
from probes._socket import keep_stamping
from probes._status import is_success
from probes._tokens import count_tokens

_LONGEST_FRAME = 4_000
"""Characters of a frame that a transcript shows. Longer frames hold the numbers of a vector."""


class ProbeMisuseError(Exception):
    """No such endpoint or task; the message lists the existing ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one probe."""

    run: Run
    sample: Sample
    exchange: Exchange
    codec: Probe

    @property
    def vector(self) -> Vector | None:
        """The vector of an embedding, which the sample does not hold."""
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
    """Run each job `number` times, show each result, then all samples; True if all succeeded."""
    samples = list[Sample]()
    with _progress(len(jobs) * number) as step, keep_stamping():

        def take(result: Result) -> None:
            with step():
                show(result)
            samples.append(result.sample)

        await _run_all(config, jobs, number, take)
    if conclude is not None:
        conclude(samples)
    return all(sample.error is None for sample in samples)


def choose(config: Config, ids: Sequence[str], task: str | None) -> tuple[Job, ...]:
    """The jobs of the given endpoints, else of all that are not paused. Raises ProbeMisuseError if there are none."""
    jobs = all_jobs(config)
    known = {job.spec.endpoint.id for job in jobs}
    for name in ids:
        if name not in known:
            raise ProbeMisuseError(f"no endpoint has the id {name!r}{id_hint(name, known)}")
    chosen = [job for job in jobs if job.spec.endpoint.id in ids or (not ids and job.spec.enabled)]
    of_task = tuple(job for job in chosen if task in {None, job.probe.task})
    if not of_task:
        tasks = ", ".join(sorted({job.probe.task for job in jobs}))
        raise ProbeMisuseError(
            f"no probe of the task {task!r} is configured; there are: {tasks}"
            if task
            else "no endpoint can be probed: all are paused (`enabled: false`); name one"
        )
    return of_task


def show_json(result: Result) -> None:
    """The sample as one line of JSON on stdout."""
    print(json.dumps(sample_to_plain(result.sample)), flush=True)


def show_waterfall(result: Result) -> None:
    """The sample as a waterfall on stdout."""
    Console(highlight=False).print(waterfall(result.sample, result.vector))


def show_summary(samples: Sequence[Sample]) -> None:
    """A summary of several probes on stdout. One probe needs none: its waterfall shows everything."""
    if len(samples) > 1:
        Console(highlight=False).print(summary(samples))


def show_transcript(result: Result) -> None:
    """The waterfall, then every frame with its arrival time."""
    show_waterfall(result)
    console = Console(highlight=False, soft_wrap=True)
    for at_s, words in transcript(result.run, result.codec, result.exchange):
        stamp = " " * 11 if at_s is None else f"{at_s:9.4f} s"
        rest = f" ({len(words):,} characters)" if len(words) > _LONGEST_FRAME else ""
        console.print(Text(f"{stamp}  {printable(words, longest=_LONGEST_FRAME)}{rest}"))
    console.print()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """A progress bar on stderr, if that is a terminal. It is hidden while a result is printed."""
    if not sys.stderr.isatty():
        yield nullcontext
        return
    # A refresh thread would disturb the timing. Redirection would move output from stdout to stderr.
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


async def _run_all(config: Config, jobs: Sequence[Job], number: int, take: Callable[[Result], None]) -> None:
    """Run the probes and pass on each result when it arrives. If `take` raises, the other probes are cancelled."""
    limits = ConcurrencyLimits(
        config.max_concurrent, {name: spec.max_concurrent for name, spec in config.providers.items()}
    )
    # Import all codecs and the tokenizer before the first probe: an import takes longer than a token.
    await asyncio.to_thread(count_tokens, "")
    asked = [(run, codec(run.endpoint.api, run.endpoint.options)) for run in _runs(jobs, number)]
    # Not a TaskGroup: it would hide a BrokenPipeError of `take` in an ExceptionGroup.
    tasks = [asyncio.create_task(_probe(run, probe, limits, config.scoring.blame)) for run, probe in asked]
    try:
        for finished in asyncio.as_completed(tasks):
            take(await finished)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _runs(jobs: Sequence[Job], number: int) -> Iterable[Run]:
    """Each job's runs. Rounds differ by a microsecond and so in their prompts, so that no cache answers."""
    now = datetime.now(UTC)
    return [run_for(job, now + timedelta(microseconds=turn)) for turn in range(number) for job in jobs]


async def _probe(run: Run, probe: Probe, limits: ConcurrencyLimits, overrides: BlameOverrides) -> Result:
    async with AsyncExitStack() as stack:
        await limits.take(run.endpoint.provider, stack)
        seen = await exchange(run, probe)
    return Result(run=run, sample=blamed(sample(run, probe, seen), overrides), exchange=seen, codec=probe)
