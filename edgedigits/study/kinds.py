"""Kinds of trials: what a room must declare, in its file `trial_kind.py`, for `edgedigits study` to run it.

Plans, store, processes, findings and reports know of this protocol only: builds are one kind, what another room
repeats is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

    from edgedigits.config import DataConfig
    from edgedigits.data.contents import Contents
    from edgedigits.report.page_tables import Table
    from edgedigits.report.style import Plot

_PACKAGE = Path(__file__).parents[1]
_DECLARATION = "trial_kind"

Answer = dict[str, Any]
"""Of a trial that has ended: "key", and "result" (its figures) or "error"."""


@dataclass(frozen=True)
class Entry:
    """A trial of a plan.

    Attributes:
        kind: one of its kind's `stored_as`.
        label: for people.
        identity: what makes it this trial and no other, as JSON values.
        spec: what a worker must know, as JSON values; `label` included.
        data: which digits.
        group: trials of one group run in one process; "" for one of its own.
        estimate: seconds, roughly.
    """

    kind: str
    label: str
    identity: dict[str, Any]
    spec: dict[str, Any]
    data: DataConfig
    group: str = ""
    estimate: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A study to run.

    Attributes:
        name: of which one folder holds one.
        entries: its trials.
        notes: what to know before it runs, a sentence each.
    """

    name: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flag:
    """A flag of `study run` that one kind alone reads.

    Attributes:
        name: of the argument of `TrialKind.plan` that it gives.
        flag: as it is typed.
        takes: "N" for a number of at least 1, "S" for a share, "SOURCE" for digits, of which several are one text, any
            other word for a text.
        help: a line.
        instead: what a study's file has for it.
    """

    name: str
    flag: str
    takes: str
    help: str
    instead: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Chapter:
    """What a kind alone says of a study.

    Attributes:
        title, sentences: its findings, told before those of any study.
        facts: the same as JSON values.
        plots: drawn before those of any study.
        text, table: of a section of the page; "" and None for none.
        paired: with what compressed trials are compared, where it is not another trial; goes into a sentence.
        against: the float32 network that a compressed one is held against.
        settings: a sentence on how to read the settings; "" where they say it themselves.
    """

    title: str = ""
    sentences: Sequence[str] = ()
    facts: Sequence[dict[str, Any]] = ()
    plots: Sequence[Plot] = ()
    text: Markup | str = ""
    table: Table | None = None
    paired: str = ""
    against: str = ""
    settings: str = ""


class TrialKind(Protocol):
    """What a kind of trials declares, as `KIND`; cheap to import.

    Attributes:
        plan_name: what stands for a study's file on the command line, and names the study; "" for plans from files.
        stored_as: what its trials are called in a store.
        flags: of `study run`.
        is_ranked: whether one of its trials is the best by validation: not where they are held against each other's.
    """

    plan_name: str
    stored_as: tuple[str, ...]
    flags: tuple[Flag, ...]
    is_ranked: bool

    def plan(self, **flags: Any) -> Plan:
        """Return the trials that the flags ask for; raises ConfigError."""

    def run(self, kind: str, trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
        """Run trials {"key", "spec"} of one `stored_as` and one group; yield an answer for each as it is finished."""

    def check(self, spec: Mapping[str, Any]) -> None:
        """Check what `row` and `choices` read of a spec that was stored; raises `checked.WrongError`."""

    def row(self, spec: Mapping[str, Any], everywhere: set[str]) -> dict[str, Any]:
        """Return the columns that tell a trial from others, as `frame.study_frame` names them.

        Args:
            spec: of the trial.
            everywhere: names of the axes that all trials of the study have.
        """

    def choices(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tables of the build that does the same as a trial."""

    def chapter(self, frame: pd.DataFrame) -> Chapter:
        """Return what is said of a study of this kind only, from the trials of `frame.study_frame`."""


@cache
def kinds() -> dict[str, TrialKind]:
    """Return the kinds by what their trials are stored as."""
    rooms = sorted(file.parent.name for file in _PACKAGE.glob(f"*/{_DECLARATION}.py"))
    found: list[TrialKind] = [import_module(f"edgedigits.{room}.{_DECLARATION}").KIND for room in rooms]
    return dict(sorted((name, kind) for kind in found for name in kind.stored_as))


def planned_kinds() -> dict[str, TrialKind]:
    """Return the kinds that have no file to plan from, by their plans' names."""
    return {kind.plan_name: kind for kind in kinds().values() if kind.plan_name}


def kind_of_study(name: str, stored: set[str]) -> TrialKind:
    """Return the kind that has something to say of a study, by its name and by how its trials are stored."""
    kind = planned_kinds().get(name)
    return kind if kind and stored.issubset(kind.stored_as) else kinds()[BUILD]


BUILD = "build"
"""How trials that are builds are stored."""
