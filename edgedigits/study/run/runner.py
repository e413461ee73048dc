"""Runs the trials of a study that wait, some at a time, and stores what comes back as it comes.

The main process holds no results: they go to the store and are forgotten, so that its memory does not grow.
"""

from __future__ import annotations

import contextlib
import math
import queue
import time
import uuid
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edgedigits.progress import Progress, StageProgress
from edgedigits.study.run.cluster import Cluster
from edgedigits.study.run.data_source import DataNeed
from edgedigits.study.run.launch import BEGAN, TOPIC, run_on_worker
from edgedigits.study.run.rows import DONE, FAILED, RUNNING, WAITING
from edgedigits.study.run.store import Store, owner_name

if TYPE_CHECKING:
    from distributed import Future

BEAT_S = 15.0
SAY_S = 30.0
WAKE_S = 1.0
WORKER_DIED = "The worker that ran it died."


@dataclass(frozen=True)
class Job:
    """Trials that run in one process: one build, or the cells of a table that share their reads.

    Attributes:
        kind: what `child.run_task` does.
        data: the digits they need.
        specs: of the trials by key, as the plan has them: what is stored is never run.
        is_ranked: whether one of them may be the best so far.
    """

    kind: str
    data: DataNeed
    specs: Mapping[str, dict[str, Any]]
    is_ranked: bool = True

    def only(self, keys: Collection[str]) -> Job:
        """Return the same for some of the trials."""
        return replace(self, specs={key: spec for key, spec in self.specs.items() if key in keys})


@dataclass
class Summary:
    """How a run ended.

    Attributes:
        total: trials of the study.
        done, failed: of them, now.
        elsewhere: claimed by another run that is alive.
        ran: trials that this run finished.
        seconds: time of this run.
        busy: seconds of its trials' processes, added up.
        where: on what they ran.
        best: words about the best so far; "" without any.
        errors: message of each failed trial, by key.
    """

    total: int
    done: int = 0
    failed: int = 0
    elsewhere: int = 0
    ran: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    where: str = ""
    best: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def run_jobs(
    store: Store,
    jobs: Iterable[Job],
    cluster: Cluster,
    progress: Progress,
    estimates: Mapping[str, float],
    *,
    more: Iterator[Job] | None = None,
    seconds: float = math.inf,
) -> Summary:
    """Run every job that waits; other runs on the same store may take some of them.

    Args:
        store: of the study; holds the trials of `jobs`.
        jobs: all of the study; what is done already is passed over.
        cluster: where to run them.
        progress: gets one bar, in trials.
        estimates: rough seconds of each trial, by key; they weigh the trials for the time left.
        more: further jobs, asked for one by one once there is a slot for it; the store holds its trials by then.
        seconds: of the run; trials that are running by then are given back.

    Raises:
        DataError: the store cannot be written any more; finished trials are kept.
        KeyboardInterrupt: running trials were given back and their processes ended.
    """
    return _Run(store, list(jobs), cluster, progress, estimates, more or iter(()), seconds).run()


class _Run:
    def __init__(
        self,
        store: Store,
        jobs: list[Job],
        cluster: Cluster,
        progress: Progress,
        estimates: Mapping[str, float],
        more: Iterator[Job],
        seconds: float,
    ) -> None:
        self.store, self.jobs, self.cluster, self.progress, self.more = store, jobs, cluster, progress, more
        self.owner, self.name = owner_name(), uuid.uuid4().hex[:12]
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.futures: dict[Future, tuple[Job, float]] = {}
        self.began: set[str] = set()
        self.lost: set[str] = set()
        self.labels = {key: spec.get("label", key) for job in jobs for key, spec in job.specs.items()}
        self.unranked = {key for job in jobs if not job.is_ranked for key in job.specs}
        self.planned = len(self.labels)
        self.summary = Summary(total=self.planned, where=cluster.words)
        self.clock = Clock(estimates, store.waiting(self.labels), cluster.slots)
        self.best = -1.0
        self.started = self.beaten = self.said = time.monotonic()
        self.end = self.started + seconds

    def run(self) -> Summary:
        topic = f"{TOPIC}-{self.name}"
        self.cluster.client.subscribe_topic(topic, lambda event: self.events.put(event[1]))
        counts = self.store.counts(self.labels)
        try:
            with self.progress.stage("Study", self.planned or None) as stage:
                stage.advance(counts[DONE] + counts[FAILED], note=self._note(counts))
                self._loop(stage)
        except BaseException:
            self._give_back()
            raise
        finally:
            with contextlib.suppress(Exception):
                self.cluster.client.unsubscribe_topic(topic)
        return self._summarize()

    def _loop(self, stage: StageProgress) -> None:
        waiting = deque(self._waiting())
        while time.monotonic() < self.end:
            while len(self.futures) < self.cluster.slots and (waiting or self._ask(waiting)):
                self._start(waiting.popleft())
            if not self.futures and not waiting:
                # Trials of a run that died meanwhile, or that are to be tried again.
                waiting = deque(self._waiting())
                if not waiting:
                    return
                continue
            with contextlib.suppress(queue.Empty):
                self._handle(self.events.get(timeout=WAKE_S), stage, waiting)
            self._beat()
        self._give_back()

    def _ask(self, waiting: deque[Job]) -> bool:
        """Ask for one more job; return whether there is one."""
        job = next(self.more, None)
        if job is None:
            return False
        self.jobs.append(job)
        self.labels |= {key: spec.get("label", key) for key, spec in job.specs.items()}
        self.summary.total = len(self.labels)
        waiting.append(job)
        return True

    def _waiting(self) -> list[Job]:
        free = set(self.store.waiting(self.labels))
        return [job for one in self.jobs if (job := one.only(free)).specs]

    def _start(self, job: Job) -> None:
        claimed = job.only([trial.key for trial in self.store.claim(self.owner, job.specs)])
        if not claimed.specs:
            return
        future = self.cluster.client.submit(
            run_on_worker, self._task(claimed), self.cluster.cores, pure=False, retries=0
        )
        self.futures[future] = (claimed, time.monotonic())
        future.add_done_callback(self.events.put)

    def _task(self, job: Job) -> dict[str, Any]:
        listed = [{"key": key, "spec": spec} for key, spec in job.specs.items()]
        return {"run": self.name, "kind": job.kind, "data": asdict(job.data), "trials": listed}

    def _handle(self, event: Any, stage: StageProgress, waiting: deque[Job]) -> None:
        if isinstance(event, Mapping):
            if "key" in event:
                self._store(event, stage)
            elif BEGAN in event:
                self._note_begin(event[BEGAN])
            return
        job, start = self.futures.pop(event)
        seconds = time.monotonic() - start
        answers, error = _outcome(event)
        if event.key in self.lost:
            error = WORKER_DIED
        for answer in answers:
            if "key" in answer:
                self._store(answer, stage)
            error = str(answer["error"]) if "error" in answer and "key" not in answer else error
            self.summary.busy += answer.get("process", 0.0)
        error = error or "The process ended without an answer."
        unfinished = self.store.claimed(self.owner, job.specs)
        again = [key for key in unfinished if self._fail(key, error, seconds, stage)]
        if again:
            waiting.append(job.only(again))

    def _note_begin(self, task: str) -> None:
        """End a task that begins for the second time: the study counts the attempts, not the cluster's scheduler."""
        if task in self.began:
            self.lost.add(task)
            self.cluster.client.cancel([future for future in self.futures if future.key == task], force=True)
        self.began.add(task)

    def _fail(self, key: str, error: str, seconds: float, stage: StageProgress) -> bool:
        """Store why a trial failed; return whether it is tried once more."""
        status = self.store.fail(self.owner, key, error, seconds)
        if status == WAITING:
            self.progress.say(f"Trial {key} is tried once more: {error}")
        elif status == FAILED:
            self.summary.errors[key] = error
            self.clock.finish(key)
            self._tell(stage)
        return status == WAITING

    def _store(self, answer: Mapping[str, Any], stage: StageProgress) -> None:
        """Store an answer; one that was stored already, or whose trial another run has taken over, changes nothing."""
        key, seconds = answer["key"], answer["seconds"]
        if "error" in answer:
            self._fail(key, str(answer["error"]), seconds, stage)
        elif self.store.finish(self.owner, key, answer["result"], seconds):
            self.summary.ran += 1
            self.clock.finish(key)
            self._note_best(key, answer["result"])
            self._tell(stage)

    def _note_best(self, key: str, figures: Mapping[str, Any]) -> None:
        # By validation, never by test; the cells of the report's table have only a dev set.
        value = figures.get("val_accuracy", figures.get("dev_accuracy"))
        if value is not None and value > self.best and key not in self.unranked:
            self.best = float(value)
            self.summary.best = f"{100 * self.best:.2f}% ({self.labels[key]})"

    def _tell(self, stage: StageProgress) -> None:
        counts = self.store.counts(self.labels)
        note = self._note(counts)
        stage.advance(1, note=note)
        if time.monotonic() - self.said > SAY_S:
            self.said = time.monotonic()
            finished = counts[DONE] + counts[FAILED]
            self.progress.say(f"{finished}{f' of {self.planned}' if self.planned else ''}: {note}")

    def _note(self, counts: Mapping[str, int]) -> str:
        words = [f"{counts[FAILED]} failed"]
        if left := self.clock.left(time.monotonic() - self.started):
            words.append(f"about {duration(left)} left")
        if self.summary.best:
            words.append(f"best {self.summary.best}")
        return ", ".join(words)

    def _beat(self) -> None:
        if time.monotonic() - self.beaten > BEAT_S:
            self.beaten = time.monotonic()
            self.store.beat(self.owner)

    def _give_back(self) -> None:
        with contextlib.suppress(Exception):
            self.cluster.client.cancel(list(self.futures), force=True)
        with contextlib.suppress(Exception):
            self.store.release(self.owner)

    def _summarize(self) -> Summary:
        counts = self.store.counts(self.labels)
        summary = self.summary
        summary.done, summary.failed, summary.elsewhere = counts[DONE], counts[FAILED], counts[RUNNING]
        summary.seconds = time.monotonic() - self.started
        return summary


class Clock:
    """How long the trials that are left take.

    Args:
        estimates: rough seconds by key; a trial without one counts as a second.
        waiting: those to run.
        slots: trials at a time.
    """

    TRUST = 0.1
    """The estimates count like this share of the trials, finished as estimated: the first ones say little."""

    def __init__(self, estimates: Mapping[str, float], waiting: Iterable[str], slots: int) -> None:
        self._left = {key: estimates.get(key) or 1.0 for key in waiting}
        self._done, self._slots = 0.0, slots
        self._trust = self.TRUST * sum(self._left.values())

    def finish(self, key: str) -> None:
        """Count a trial as finished."""
        if key in self._left:
            self._done += self._left.pop(key)

    def left(self, seconds: float) -> float:
        """Return seconds left, `seconds` after the start; 0 when all are finished."""
        if not self._left:
            return 0.0
        pace = (seconds * self._slots + self._trust) / (self._done + self._trust)
        return sum(self._left.values()) * pace / self._slots


def _outcome(future: Future) -> tuple[list[dict[str, Any]], str]:
    """Return the answers of a task, or why there are none."""
    if future.status == "finished":
        return list(future.result()), ""
    if future.status == "cancelled":
        return [], "The task was cancelled by the cluster."
    error = future.exception()
    name = type(error).__name__
    if name == "KilledWorker":
        return [], WORKER_DIED
    return [], f"{name}: {error}".partition("\n")[0][:600]


def duration(seconds: float) -> str:
    """Return a time for people: "40 s", "12 min" or "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
