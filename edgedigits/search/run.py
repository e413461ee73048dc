"""`edgedigits search` as a function: asks for builds and runs them on the study's workers, as long as it may.

The folder is a study's, with Optuna's journal beside the database: both are written as things happen, so that a search
may end at any moment and be taken up again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.config_file import make_config
from edgedigits.devices.gates import Limits
from edgedigits.errors import CheckFailedError, DataError, ToolMissingError
from edgedigits.extras import install_command, is_installed
from edgedigits.progress import Progress
from edgedigits.recipes import hurried_for
from edgedigits.search.front import FIGURES
from edgedigits.search.hopeless import floors_for
from edgedigits.search.memory import Memory, require_optuna
from edgedigits.search.space import Point, Space, axis_values, space_within
from edgedigits.search.trial_kind import FLOORS, GIVEN_UP, STORED_AS
from edgedigits.study.kinds import Entry
from edgedigits.study.plan.axes import INT8, find_axis, merge
from edgedigits.study.plan.grid import PlannedTrial
from edgedigits.study.run.cluster import default_jobs, open_cluster, require_distributed
from edgedigits.study.run.keys import trial_key
from edgedigits.study.run.rows import DONE, FAILED, RUNNING, Trial
from edgedigits.study.run.runner import Job, Summary, duration, run_jobs
from edgedigits.study.run.session import check_same, read_sources
from edgedigits.study.run.store import Store
from edgedigits.study.trial_kind import plan_builds

if TYPE_CHECKING:
    import optuna

    from edgedigits.study.run.data_source import DataNeed

_CHOICES = "search"
"""Fact of a folder: what is searched for in it."""
MOST_REPEATED = 200
"""Points in a row that were asked for before, after which there is nothing new to be found."""


@dataclass(frozen=True)
class SearchChoices:
    """What to search for, and for how long.

    Attributes:
        limits: of flash and instructions.
        core: that instructions are counted on.
        base: choices that all builds share, as sections of the configuration: digits, seed, epochs.
        trials: in all, earlier runs included; 0 for as many as there is time for.
        seconds: of this run.
        jobs: trials at a time; 0 for as many as this machine can take.
    """

    limits: Limits
    core: str
    base: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trials: int = 0
    seconds: float = math.inf
    jobs: int = 0

    @property
    def space(self) -> Space:
        """What may be chosen; raises ConfigError where nothing fits."""
        return space_within(self.limits.flash, self.limits.instructions)

    @property
    def seed(self) -> int:
        """Of what is drawn, and of the builds."""
        return make_config(self.base).training.seed

    @property
    def words(self) -> dict[str, Any]:
        """What makes it this search and no other, by the names of the flags."""
        limits = {"--max-flash": self.limits.flash, "--max-instructions": self.limits.instructions}
        return {**limits, "--core": self.core, **{f"[{name}]": dict(one) for name, one in sorted(self.base.items())}}


def search(choices: SearchChoices, folder: Path, progress: Progress) -> tuple[Summary, list[Trial]]:
    """Search, from where the folder's earlier searches ended.

    Args:
        choices: what for, and for how long.
        folder: of the search; made where there is none.
        progress: gets one bar.

    Returns:
        How this run ended, and every trial of the folder.

    Raises:
        ConfigError: nothing fits into the limits, or a choice is wrong.
        DataError: the folder is of another search, is being searched, or cannot be used.
        ToolMissingError: Optuna, Dask or the emulator is not installed.
        KeyboardInterrupt: what was running is given back.
    """
    _require_tools()
    first = _entry(next(choices.space.first_points()), choices)
    with Store(folder, create=True) as store:
        if store.said:
            progress.say(store.said)
        _check_folder(store, choices, folder)
        (need, _), *_ = read_sources([first], store, folder, progress).values()
        if choices.trials and _finished(store) >= choices.trials:
            return Summary(choices.trials, done=choices.trials), store.trials()
        with open_cluster(choices.jobs or default_jobs(), "", 0) as cluster:
            progress.say(f"Searching on {cluster.words}.")
            asking = _Asking(store, Memory(folder, choices.space, choices.seed), choices, need)
            summary = run_jobs(store, [], cluster, progress, {}, more=asking.jobs(), seconds=choices.seconds)
            asking.settle()
        if not _finished(store):
            raise CheckFailedError(
                f"No trial was finished in {duration(choices.seconds)}; one takes about {duration(first.estimate)} "
                "(estimated: a rough model of this kind of machine).",
                hint="Search on in the same folder with a longer --time; what was running begins anew.",
            )
        return summary, store.trials()


class _Asking:
    """Asks Optuna for trials as there is room for them, and tells it what came of them.

    Args:
        store: of the folder.
        memory: Optuna's.
        choices: what is searched for.
        need: the digits.

    Raises:
        DataError: the store has not what Optuna was told of.
    """

    def __init__(self, store: Store, memory: Memory, choices: SearchChoices, need: DataNeed) -> None:
        self._store, self._memory, self._choices, self._need = store, memory, choices, need
        self._open: dict[str, list[optuna.Trial]] = {}
        self._most_repeated = MOST_REPEATED + (done := _finished(store))
        if memory.told > done:
            raise DataError(
                f"{store.path} has {done:,} finished trials, and Optuna's journal beside it tells of {memory.told:,}.",
                hint="Copy it back from a backup, or choose another --out.",
            )

    def jobs(self) -> Iterator[Job]:
        """Yield trials that are to be run, each chosen by what is finished when it is asked for."""
        repeated = 0
        while repeated < self._most_repeated and not 0 < self._choices.trials <= self._memory.asked:
            self.settle()
            trial, point = self._memory.ask()
            entry = _entry(point, self._choices)
            key = trial_key(entry.identity, self._need.digest)
            repeated = 0 if self._store.add([(key, entry.kind, entry.spec)]) else repeated + 1
            self._open.setdefault(key, []).append(trial)
            if self._store.waiting([key]):
                yield Job(entry.kind, self._need, {key: {**entry.spec, FLOORS: self._floors(entry)}})

    def _floors(self, entry: Entry) -> list[tuple[float, float]]:
        done = [one for one in self._store.trials() if one.status == DONE and GIVEN_UP not in one.result]
        return list(floors_for(entry.spec["config"], [(one.spec["config"], one.result) for one in done]))

    def settle(self) -> None:
        """Tell what came of the trials that have ended."""
        for row in self._store.trials_of(list(self._open)):
            if row.status in (DONE, FAILED):
                for trial in self._open.pop(row.key):
                    self._tell(trial, row)

    def _tell(self, trial: optuna.Trial, row: Trial) -> None:
        if row.status == FAILED or GIVEN_UP in row.result:
            self._memory.pass_over(trial)
            return
        limits = {"flash": self._choices.limits.flash, "instructions": self._choices.limits.instructions}
        over = {name: row.result[name] / limit - 1.0 for name, limit in limits.items() if limit}
        self._memory.tell(trial, [row.result[name] for name in FIGURES], over)


def _require_tools() -> None:
    require_optuna()
    require_distributed()
    if not is_installed("mcu"):
        raise ToolMissingError(
            "The compiler and the emulator, which count flash and instructions, are not installed.",
            hint=install_command("search"),
        )


def _entry(point: Point, choices: SearchChoices) -> Entry:
    """Return a point as a trial of a study."""
    values = axis_values(point)
    chosen = [find_axis(name, STORED_AS).apply(value, name)[0] for name, value in values.items()]
    once: dict[str, dict[str, Any]] = {"budget": {"core": choices.core}, "joint": {"tries": 1, "polish": 0}}
    config = make_config(merge(hurried_for(point["constants"]), once, choices.base, *chosen))
    (entry,) = plan_builds(STORED_AS, [PlannedTrial(values, config, INT8)]).entries
    own = {"core": choices.core}
    return replace(entry, kind=STORED_AS, spec={**entry.spec, **own}, identity={**entry.identity, **own})


def _check_folder(store: Store, choices: SearchChoices, folder: Path) -> None:
    """Refuse a folder of something else, and one that another process is at work in."""
    check_same(store, STORED_AS, folder)
    before, now = store.about(_CHOICES), json.dumps(choices.words)
    if before and before != now:
        then, words = json.loads(before), json.loads(now)
        other = next(name for name in {**then, **words} if then.get(name) != words.get(name))
        raise DataError(
            f"{folder} was started with {other} {_said(then.get(other))}, and this is {_said(words.get(other))}.",
            hint="Search on with the same, or choose another --out.",
        )
    store.set_about(_CHOICES, now)
    running = {trial.key for trial in store.trials() if trial.status == RUNNING}
    if running.difference(store.waiting(running)):
        raise DataError(f"{folder} is being searched by another process.", hint="Wait for it, or choose another --out.")


def _said(value: Any) -> str:
    return "none" if value is None else json.dumps(value) if isinstance(value, dict) else str(value)


def _finished(store: Store) -> int:
    counts = store.counts()
    return counts[DONE] + counts[FAILED]
