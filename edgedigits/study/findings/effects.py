"""What an axis does: trials that differ in nothing else are compared in pairs, and intervals are taken over seeds.

An effect is called real where it is among those that are, but for 5% of them, no chance (Benjamini and Hochberg's false
discovery rate, over all effects that are told beside it). Seeds are what varies; the images are always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from edgedigits.study.plan.axes import FLOAT32

CONFIDENCE = 0.95
FEWEST_SEEDS = 3
"""With two seeds an interval has one degree of freedom, and two differences may be equal by chance."""
ONE_IMAGE = 1e-4
"""The least standard deviation of a difference that is counted in images, of which a test set has 10,000."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A mean difference over seeds, and how sure it is.

    Attributes:
        difference: mean over the seeds of each seed's mean difference.
        low, high: 95% confidence interval, Student's t over seeds; None with one seed.
        p_value: two-sided, of that t; None with one seed.
        seeds: how many seeds.
        tests: how many differences were told together.
        real: whether it holds among all of these, with 3 seeds or more.
    """

    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    seeds: int
    tests: int = 1
    real: bool = False

    @property
    def span(self) -> str:
        """The interval in words."""
        if self.low is None or self.high is None:
            return "one seed"
        return f"95% interval {in_points(self.low)} to {in_points(self.high)}, {self.seeds} seeds"

    @property
    def told(self) -> bool:
        """Whether it was tested and is not 0: real, or by itself only."""
        if self.low is None or self.high is None or self.seeds < FEWEST_SEEDS:
            return False
        return self.real or not self.low <= 0 <= self.high

    @property
    def untold(self) -> bool:
        """Whether it may as well be 0, or too few seeds tell it."""
        return not self.told

    @property
    def verdict(self) -> str:
        """How sure the difference is, in words."""
        if self.low is None or self.high is None:
            return f"{self.span}: not tested"
        if self.seeds < FEWEST_SEEDS:
            return f"{self.span}: too few to tell"
        if self.real:
            return f"{self.span}: real"
        if self.untold:
            return f"{self.span}: not told from 0"
        return f"{self.span}: likely, not certain among {self.tests} comparisons"


@dataclass(frozen=True, kw_only=True)
class Effect(Difference):
    """The mean difference that one value of an axis makes against another.

    Attributes:
        axis, value, against: what is compared.
        measure: the figure that differs.
        pairs: how many pairs of trials.
        averaged: axes that only one side has, over which it was averaged.
    """

    axis: str
    value: str
    against: str
    measure: str
    pairs: int
    averaged: tuple[str, ...] = ()


_Any = TypeVar("_Any", bound=Difference)


class Untold(str):
    """A sentence on a difference that is not told from 0, or by too few seeds: a page folds it."""

    __slots__ = ()


def foldable(sentence: str, *told: Difference) -> str:
    """Return a sentence, as an untold one where none of the differences that it tells of is told from 0."""
    return Untold(sentence) if all(one.untold for one in told) else sentence


def axes_of(frame: pd.DataFrame) -> list[str]:
    """Return the columns that tell the trials apart, the seed left out: those that take more than one value."""
    named = [name for name in frame.columns if name.startswith("axis ")]
    candidates = named or ["loss", "compression", "setting"]
    return [name for name in candidates if frame[name].fillna("").nunique() > 1]


def effects(frame: pd.DataFrame, measure: str = "accuracy") -> list[Effect]:
    """Return the effect of every value of every axis against the axis's first value, in the order of the frame."""
    axes = axes_of(frame)
    found = []
    for axis in axes:
        others = [name for name in axes if name != axis]
        values = [value for value in dict.fromkeys(frame[axis]) if isinstance(value, str)]
        for value in values[1:]:
            effect = None
            if axis == "compression" and values[0] == FLOAT32:
                effect = compare_references(frame, value, measure)
            effect = effect or compare_values(frame, axis, value, values[0], others, measure)
            if effect is not None:
                found.append(effect)
    return corrected(found)


def compare_references(frame: pd.DataFrame, compression: str, measure: str) -> Effect | None:
    """Return the effect of a compression against each trial's own float32 training, which is as long; None without.

    Args:
        frame: trials; those of the report's table carry the figures of that training as "float_…".
        compression: in words.
        measure: name of the figure.
    """
    rows = frame[frame["compression"] == compression]
    if f"float_{measure}" not in rows or (rows := rows.dropna(subset=[measure, f"float_{measure}"])).empty:
        return None
    by_seed = (rows[measure] - rows[f"float_{measure}"]).groupby(rows["seed"]).mean()
    return Effect(
        axis="compression", value=compression, against=FLOAT32, measure=measure, pairs=len(rows), **over_seeds(by_seed)
    )


def compare_values(
    frame: pd.DataFrame, axis: str, value: str, against: str, others: list[str], measure: str
) -> Effect | None:
    """Return the effect of `value` against `against`, or None where no two trials differ in nothing else.

    An axis that one side has nowhere, such as a parameter of one loss, is averaged over.

    Args:
        frame: trials.
        axis: name of the column.
        value, against: two of its values.
        others: the columns that must be equal, besides the seed.
        measure: name of the figure.
    """
    sides = [frame[frame[axis] == one].dropna(subset=[measure]) for one in (value, against)]
    averaged = tuple(
        name for name in others if any(side[name].isna().all() for side in sides) and frame[name].notna().any()
    )
    keys = [*(name for name in others if name not in averaged), "seed"]
    few = [side[[*keys, measure]].fillna(dict.fromkeys(keys, "")) for side in sides]
    pairs = few[0].merge(few[1], on=keys, suffixes=("", " against"))
    if pairs.empty:
        return None
    by_seed = (pairs[measure] - pairs[f"{measure} against"]).groupby(pairs["seed"]).mean()
    present = tuple(name for name in averaged if any(side[name].notna().any() for side in sides))
    return Effect(
        axis=axis.removeprefix("axis "),
        value=value,
        against=against,
        measure=measure,
        pairs=len(pairs),
        averaged=tuple(name.removeprefix("axis ") for name in present),
        **over_seeds(by_seed),
    )


def lead(grid: pd.DataFrame) -> tuple[str, str, list[float]]:
    """Return the best column, the next one, and by seed how far the best is ahead where both are chosen without it.

    Args:
        grid: a figure by what is compared, over an index that has the seed; of more than one column, without gaps.
    """
    best, after = _two(grid)
    seeds = grid.index.get_level_values("seed")
    leads = []
    for seed in dict.fromkeys(seeds):
        here, others = grid[seeds == seed], grid[seeds != seed]
        first, second = _two(others) if len(others) else (best, after)
        leads.append(float((here[first] - here[second]).mean()))
    return best, after, leads


def _two(grid: pd.DataFrame) -> tuple[str, str]:
    order = grid.mean().sort_values(ascending=False, kind="stable").index
    return str(order[0]), str(order[1])


def over_seeds(by_seed: Any) -> dict[str, Any]:
    """Return the fields of `Difference` for one difference a seed, before any correction."""
    values = np.asarray(by_seed, float)
    low, high = interval(values)
    found = {"difference": float(values.mean()), "low": low, "high": high, "p_value": None, "seeds": len(values)}
    if low is not None:
        statistic = values.mean() / _standard_error(values)
        found["p_value"] = float(2 * stats.t.sf(abs(statistic), len(values) - 1))
    return found


def interval(values: Any) -> tuple[float | None, float | None]:
    """Return the 95% confidence interval of a mean by Student's t; (None, None) with fewer than two values."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return None, None
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1) * _standard_error(values))
    return float(values.mean() - reach), float(values.mean() + reach)


def _standard_error(values: Any) -> float:
    return float(max(values.std(ddof=1), ONE_IMAGE) / np.sqrt(len(values)))


def corrected(found: Sequence[_Any]) -> list[_Any]:
    """Return differences that are told together, each with whether it holds among all of them.

    Benjamini, Hochberg 1995, at a false discovery rate of 5%.
    """
    values = {id(one): one.p_value for one in found if one.p_value is not None and one.seeds >= FEWEST_SEEDS}
    if not values:
        return list(found)
    adjusted = dict(zip(values, stats.false_discovery_control(list(values.values())), strict=True))
    return [replace(one, tests=len(values), real=bool(adjusted.get(id(one), 1.0) <= 1 - CONFIDENCE)) for one in found]


def behind(difference: float, unit: str = "points") -> str:
    """Return a difference that is not above 0 in words: "0.25 points behind", or "level with"."""
    gap = f"{100 * abs(difference):.2f}"
    return "level with" if float(gap) == 0 else f"{gap} {unit} behind"


def in_points(share: float) -> str:
    """Return a difference of shares in points with its sign, such as "−0.25"."""
    return f"{100 * share:+.2f}".replace("-", "−")
