"""What an axis does: trials that differ in nothing else are compared in pairs, and intervals are taken over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from edgedigits.study.axes import FLOAT32

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Effect:
    """The mean difference that one value of an axis makes against another.

    Attributes:
        axis, value, against: what is compared.
        measure: the figure that differs.
        difference: mean over the seeds of the mean difference in pairs.
        low, high: 95% confidence interval, Student's t over seeds; None with one seed.
        seeds: how many seeds.
        pairs: how many pairs of trials.
    """

    axis: str
    value: str
    against: str
    measure: str
    difference: float
    low: float | None
    high: float | None
    seeds: int
    pairs: int

    @property
    def real(self) -> bool:
        """Whether the interval is there and leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def axes_of(frame: pd.DataFrame) -> list[str]:
    """Return the columns that tell the trials apart, the seed left out, and that take more than one value."""
    named = [name for name in frame.columns if name.startswith("axis ")]
    candidates = named or ["loss", "compression", "setting"]
    return [name for name in candidates if frame[name].dropna().nunique() > 1]


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
    return found


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
    by_seed = (rows[measure] - rows[f"float_{measure}"]).groupby(rows["seed"]).mean().to_numpy(float)
    return _effect("compression", compression, FLOAT32, measure, by_seed, len(rows))


def compare_values(
    frame: pd.DataFrame, axis: str, value: str, against: str, others: list[str], measure: str
) -> Effect | None:
    """Return the effect of `value` against `against`, or None where no two trials differ in nothing else.

    Args:
        frame: trials.
        axis: name of the column.
        value, against: two of its values.
        others: the columns that must be equal, besides the seed.
        measure: name of the figure.
    """
    keys = [*others, "seed"]
    sides = []
    for one in (value, against):
        side = frame.loc[frame[axis] == one, [*keys, measure]].copy()
        side[others] = side[others].fillna("")
        sides.append(side.dropna(subset=[measure]))
    pairs = sides[0].merge(sides[1], on=keys, suffixes=("", " against"))
    if pairs.empty:
        return None
    pairs["difference"] = pairs[measure] - pairs[f"{measure} against"]
    by_seed = pairs.groupby("seed")["difference"].mean().to_numpy(float)
    return _effect(axis.removeprefix("axis "), value, against, measure, by_seed, len(pairs))


def _effect(axis: str, value: str, against: str, measure: str, by_seed: Any, pairs: int) -> Effect:
    low, high = interval(by_seed)
    return Effect(axis, value, against, measure, float(by_seed.mean()), low, high, len(by_seed), pairs)


def interval(values: Any) -> tuple[float | None, float | None]:
    """Return the 95% confidence interval of a mean by Student's t; (None, None) with fewer than two values."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return None, None
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean() - reach), float(values.mean() + reach)
