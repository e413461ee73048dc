"""What a model that knows one source loses on the others, and what mixing wins back: a table, and a sentence a pair."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

import pandas as pd
from markupsafe import Markup

from edgedigits.crossdata.plan import ALL
from edgedigits.report.page_tables import NOTHING, Table
from edgedigits.study.findings.effects import in_points
from edgedigits.study.kinds import Chapter

TITLE = "Trained on, tested on"
_TEXT = Markup(
    "<p>Accuracy of the int8 model in percent, medians over seeds. A row is what was trained on, a column whose own "
    "test digits it was tested on, but for those that the row learns, found by digest. All sources are trained on by "
    "their weights.</p>"
)

_Cells = dict[tuple[str, str], dict[int, float]]
"""Accuracy by seed, by what was trained and tested on."""


@dataclass(frozen=True)
class Crossing:
    """What a model of one source does on another one; points are medians over seeds of differences of one seed.

    Attributes:
        trained_on, tested_on: the sources.
        accuracy: median there, 0…1.
        loses: against what was trained on the other one itself; None where that was not, as the next two.
        wins_back: of what was trained on all, there.
        costs: what that loses on the first one's own test digits.
        seeds: how many.
    """

    trained_on: str
    tested_on: str
    accuracy: float
    loses: float | None
    wins_back: float | None
    costs: float | None
    seeds: int

    @property
    def sentence(self) -> str:
        """The same in words."""
        said = (
            f"Trained on {self.trained_on} alone, {100 * self.accuracy:.2f}% on {self.tested_on} (median of "
            f"{self.seeds} {'seed' if self.seeds == 1 else 'seeds'})"
        )
        if self.loses is not None:
            said += f": {in_points(-self.loses)} points against one trained there"
        if self.wins_back is not None and self.costs is not None:
            said += (
                f"; trained on {ALL}, {in_points(self.wins_back)} points on {self.tested_on}, and "
                f"{in_points(-self.costs)} on {self.trained_on}"
            )
        return f"{said}."


def crossdata_chapter(frame: pd.DataFrame) -> Chapter:
    """Return what is told of the trials of `study run crossdata` that are finished."""
    cells = _cells(frame)
    found = list(crossings(cells))
    return Chapter(
        title=TITLE,
        sentences=[*(one.sentence for one in found), *_left_out(frame)],
        facts=[asdict(one) for one in found],
        text=_TEXT,
        table=_table(cells),
        against="the float32 network that its compression started from",
    )


def crossings(cells: _Cells) -> Iterator[Crossing]:
    """Yield every pair of two sources that a model was trained and tested on."""
    names = _names(cells)
    for one, other in itertools.permutations([name for name in names if name != ALL], 2):
        here = cells.get((one, other))
        if here:
            yield Crossing(
                one,
                other,
                median(here.values()),
                _median_of(cells.get((other, other)), here),
                _median_of(cells.get((ALL, other)), here),
                _median_of(cells.get((one, one)), cells.get((ALL, one))),
                len(here),
            )


def _cells(frame: pd.DataFrame) -> _Cells:
    found: _Cells = {}
    columns = (frame[name] for name in ("train_on", "test_on", "seed", "accuracy"))
    for train_on, test_on, seed, accuracy in zip(*columns, strict=True):
        found.setdefault((train_on, test_on), {})[int(seed)] = float(accuracy)
    return found


def _names(cells: _Cells) -> list[str]:
    return list(dict.fromkeys(name for cell in cells for name in cell if name != ALL))


def _median_of(first: dict[int, float] | None, second: dict[int, float] | None) -> float | None:
    """Return the median over the seeds that both have of the first less the second; None where there is none."""
    differences = [first[seed] - second[seed] for seed in first if seed in second] if first and second else []
    return median(differences) if differences else None


def _left_out(frame: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each test set of which a training left some out: its column compares unlike digits."""
    for (tested, seed), rows in frame.groupby(["test_on", "seed"], sort=False):
        most = rows["images"].max()
        for train_on, images in zip(rows["train_on"], rows["images"], strict=True):
            if images < most:
                yield (
                    f"Trained on {train_on} with seed {seed}, {most - images:,.0f} of the {most:,.0f} test digits of "
                    f"{tested} were left out: it learns them."
                )


def _table(cells: _Cells) -> Table:
    names = _names(cells)

    def cell(train_on: str, test_on: str) -> str:
        found: Sequence[float] = list(cells.get((train_on, test_on), {}).values())
        return f"{100 * median(found):.2f}" if found else NOTHING

    rows = tuple((train_on, *(cell(train_on, test_on) for test_on in names)) for train_on in [*names, ALL])
    return Table(TITLE, ("trained on", *names), rows)
