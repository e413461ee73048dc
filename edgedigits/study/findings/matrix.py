"""Accuracy by loss, pruning and number format, each place held against the study's plainest one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from edgedigits.study.findings.effects import Difference, corrected, interval, over_seeds
from edgedigits.study.plan.axes import FLOAT32, INT8

_QUANTIZED = "quantized"
"""What the report's table calls int8; its pruned cells, which are int8 as well, say nothing."""
_SHARE = re.compile(r"pruned ([\d.]+)%")
_PAIR = ["setting", "seed"]


@dataclass(frozen=True, kw_only=True)
class Against(Difference):
    """How far a place is from the baseline, in accuracy; known by its place."""

    place: tuple[str, str]


@dataclass(frozen=True)
class MatrixCell:
    """A place of the matrix.

    Attributes:
        accuracy: mean over seeds of the means over settings, 0…1.
        reach: half of the 95% confidence interval, Student's t over seeds; None with one seed.
        against: the baseline; None for itself, and where the two have no setting and seed in common.
    """

    accuracy: float
    reach: float | None
    against: Against | None = None


@dataclass(frozen=True)
class Matrix:
    """Accuracy by loss and pruning (rows), and by number format (columns).

    Attributes:
        rows, columns: in words; the baseline is in the first row.
        cells: by (row, column); what was not run is not in it.
        baseline: the place that all others are held against.
        alike: whether all places have the same settings and seeds, so that their means compare.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[str, str], MatrixCell]
    baseline: tuple[str, str]
    alike: bool


def share_and_format(compression: str) -> tuple[float, str]:
    """Return the sparsity in percent, and the number format: "" for the table's cells, whose pruned ones are int8."""
    found = _SHARE.search(compression)
    rest = _SHARE.sub("", compression).strip(", ")
    return (float(found[1]) if found else 0.0), rest


def matrix_of(frame: pd.DataFrame) -> Matrix | None:
    """Return the matrix of trials from `frame.compared`; None where there is one place only."""
    known = _placed(frame.dropna(subset=["accuracy"]))
    if known.empty:
        return None
    groups = {(str(row), str(form)): rows for (row, form), rows in known.groupby(["row", "format"], sort=False)}
    rows, columns = _in_order(known)
    baseline = next((row, column) for row in rows for column in columns if (row, column) in groups)
    if len(groups) < 2:
        return None
    against = {
        place: one for place, rows in groups.items() if (one := _against(rows, groups[baseline], place, baseline))
    }
    told = {one.place: one for one in corrected(list(against.values()))}
    cells = {place: _cell(some, told.get(place)) for place, some in groups.items()}
    runs = {frozenset(zip(some["setting"], some["seed"], strict=True)) for some in groups.values()}
    return Matrix(rows, columns, cells, baseline, len(runs) == 1)


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    split = [share_and_format(one) for one in frame["compression"]]
    losses = [", ".join(filter(None, pair)) for pair in zip(frame["loss"], frame["only"], strict=True)]
    rows = [f"{loss}, pruned {share:g}%" if share else loss for loss, (share, _) in zip(losses, split, strict=True)]
    shares, formats = ([one[part] for one in split] for part in (0, 1))
    unsaid = _QUANTIZED if _QUANTIZED in formats else INT8
    return frame.assign(plain=losses, row=rows, share=shares, format=[form or unsaid for form in formats])


def _in_order(known: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return rows, the sparsities of a loss below each other, and columns, float32 first."""
    losses = list(dict.fromkeys(known["plain"]))
    triples = zip(known["plain"], known["share"], known["row"], strict=True)
    places = sorted({(losses.index(plain), float(share), str(row)) for plain, share, row in triples})
    columns = sorted(dict.fromkeys(map(str, known["format"])), key=lambda form: form != FLOAT32)
    return tuple(row for *_, row in places), tuple(columns)


def _against(
    rows: pd.DataFrame, base: pd.DataFrame, place: tuple[str, str], baseline: tuple[str, str]
) -> Against | None:
    names = [*_PAIR, "accuracy"]
    pairs = rows[names].merge(base[names], on=_PAIR, suffixes=("", " against"))
    if place == baseline or pairs.empty:
        return None
    by_seed = (pairs["accuracy"] - pairs["accuracy against"]).groupby(pairs["seed"]).mean()
    return Against(place=place, **over_seeds(by_seed))


def _cell(rows: pd.DataFrame, against: Against | None) -> MatrixCell:
    by_seed = rows.groupby("seed")["accuracy"].mean()
    low, high = interval(by_seed)
    reach = None if low is None or high is None else (high - low) / 2
    return MatrixCell(float(np.mean(by_seed)), reach, against)
