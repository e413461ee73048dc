"""The answer of a study: the most accurate variant, the smallest that gives up little, and whether the loss matters."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from edgedigits.study.findings.choices import command_or_none, variant_words
from edgedigits.study.findings.digits import COPIES
from edgedigits.study.findings.effects import (
    FEWEST_SEEDS,
    Difference,
    Effect,
    axes_of,
    compare_values,
    corrected,
    interval,
    lead,
    over_seeds,
)
from edgedigits.study.run.rows import Trial

WITHIN = 0.005
"""Share of the test digits that the smallest variant may lose, and below which a difference is of no matter."""


@dataclass(frozen=True, kw_only=True)
class Lead(Difference):
    """How far the most accurate variant is ahead of the next, both chosen without the seed they are measured on."""

    next: str


@dataclass(frozen=True)
class Wanted:
    """A variant that a reader may want.

    Attributes:
        variant: in words.
        accuracy: mean over seeds, 0…1.
        low, high: 95% confidence interval, Student's t over seeds; None with one seed.
        seeds: how many.
        cost: mean over seeds, of `counted`; None where it is not known.
        counted: "engine_bytes", or "bytes" of .tflite where no variant has an engine.
        command: what to type for one of its trials; "" where this version has not all of its choices.
    """

    variant: str
    accuracy: float
    low: float | None
    high: float | None
    seeds: int
    cost: float | None
    counted: str
    command: str


@dataclass(frozen=True)
class LossVerdict:
    """Whether the loss matters.

    Attributes:
        answer: "yes", "no" or "not told".
        largest: of the differences between two losses, the surest first; None where none could be compared.
        reach: the end of an interval that is furthest from 0; None without intervals.
        compared: how many pairs of losses.
    """

    answer: str
    largest: Effect | None
    reach: float | None
    compared: int


@dataclass(frozen=True)
class StudyAnswer:
    """What a study's page opens with.

    Attributes:
        best: the most accurate variant.
        lead: over the next; None where there is none, and where the seeds that all variants have name another best.
        smallest: of those that are within `WITHIN` of the best; None where no size is known.
        loss: whether it matters.
    """

    best: Wanted
    lead: Lead | None
    smallest: Wanted | None
    loss: LossVerdict


def answer_of(frame: pd.DataFrame, means: pd.DataFrame, trials: Mapping[str, Trial]) -> StudyAnswer | None:
    """Return the answer; None where no trial has an accuracy.

    Args:
        frame: trials, from `frame.compared`.
        means: from `choices.variant_means`.
        trials: by key.
    """
    if (known := means.dropna(subset=["accuracy"])).empty:
        return None
    counted = "engine_bytes" if known["engine_bytes"].notna().any() else "bytes"
    named = frame.assign(variant=[variant_words(row) for _, row in frame.iterrows()])
    best = known.iloc[int(known["accuracy"].to_numpy().argmax())]
    near = known[known["accuracy"] >= best["accuracy"] - WITHIN].dropna(subset=[counted])
    smallest = None if near.empty else near.iloc[int(near[counted].to_numpy().argmin())]
    return StudyAnswer(
        _choice(best, named, counted, trials),
        _lead(named, variant_words(best)),
        None if smallest is None else _choice(smallest, named, counted, trials),
        loss_verdict(frame),
    )


def _choice(row: Any, named: pd.DataFrame, counted: str, trials: Mapping[str, Trial]) -> Wanted:
    words = variant_words(row)
    low, high = interval(named[named["variant"] == words].groupby("seed")["accuracy"].mean())
    cost = float(row[counted]) if pd.notna(row[counted]) else None
    command = command_or_none(trials[row["key"]])
    return Wanted(words, float(row["accuracy"]), low, high, int(row["seeds"]), cost, counted, command)


def _lead(named: pd.DataFrame, best: str) -> Lead | None:
    # Only seeds that all variants have: a mean compares like with like.
    grid = named.pivot_table(index="seed", columns="variant", values="accuracy", sort=False).dropna(axis=0)
    if grid.empty or grid.shape[1] < 2:
        return None
    first, after, leads = lead(grid)
    if first != best:
        return None
    (found,) = corrected([Lead(next=after, **over_seeds(leads))])
    return found


def loss_verdict(frame: pd.DataFrame) -> LossVerdict:
    """Return whether the loss matters: each pair of losses is compared in trials that differ in nothing else.

    "Yes" where a difference is real; "no" where every interval lies within `WITHIN` of 0, and so bounds it.
    """
    frame = frame[~frame["loss"].isin(COPIES)]
    axes = axes_of(frame)
    axis = next((name for name in ("axis loss", "axis loss.name", "loss") if name in axes), "loss")
    others = [name for name in axes if name != axis]
    pairs = itertools.combinations([one for one in dict.fromkeys(frame[axis]) if isinstance(one, str)], 2)
    compared = (compare_values(frame, axis, value, against, others, "accuracy") for against, value in pairs)
    found = corrected([one for one in compared if one is not None])
    # The smallest p first; with one seed, which has none, the largest difference.
    order = sorted(found, key=lambda one: (one.p_value is None, one.p_value or 0.0, -abs(one.difference)))
    ends = [abs(end) for one in found for end in (one.low, one.high) if end is not None]
    reach = max(ends, default=None)
    return LossVerdict(_in_a_word(found, reach), order[0] if order else None, reach, len(found))


def _in_a_word(found: list[Effect], reach: float | None) -> str:
    if any(one.real for one in found):
        return "yes"
    tested = bool(found) and all(one.seeds >= FEWEST_SEEDS for one in found)
    return "no" if tested and reach is not None and reach <= WITHIN else "not told"
