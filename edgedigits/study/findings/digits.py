"""What compression and loss do to each digit: which is best for it, which suffers, and into what it turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from edgedigits.data.shape import CLASSES
from edgedigits.losses.catalogue import LOSSES
from edgedigits.study.findings.effects import Difference, corrected, lead, over_seeds
from edgedigits.study.findings.frame import with_lists
from edgedigits.study.plan.axes import FLOAT32

_PLACE = ["setting", "seed"]
COPIES = tuple(loss.name for loss in LOSSES.values() if loss.gradient_of)
"""Losses that are another one's training."""


@dataclass(frozen=True, kw_only=True)
class BestForDigit(Difference):
    """The variant with the best F1 of a digit, held against the next best with another loss or compression.

    The difference is measured without the choice: for each seed, both are chosen by the other seeds.

    Attributes:
        digit: 0…9.
        variant, next: loss and compression of both.
        f1: mean F1 of the best over its trials.
    """

    digit: int
    variant: str
    next: str
    f1: float


@dataclass(frozen=True, kw_only=True)
class Sufferer(Difference):
    """What a compression costs a digit, in recall.

    Attributes:
        compression: in words.
        digit: 0…9.
        before, after: recall of the float32 network it is held against and of the compressed one, 0…1.
        turns_into: the digit that it is taken for more often than before.
        more: by how many images of it, a trial.
    """

    compression: str
    digit: int
    before: float
    after: float
    turns_into: int
    more: float


def best_for_digits(frame: pd.DataFrame) -> list[BestForDigit]:
    """Return the best pair of loss and compression for each digit; nothing where two have no setting in common."""
    known = with_lists(frame[~frame["loss"].isin(COPIES)], "class_f1")
    if known.empty:
        return []
    parts = ("loss", "compression", "only")
    pair = known.apply(lambda row: ", ".join(row[name] for name in parts if row[name]), axis=1)
    values = np.array(known["class_f1"].tolist(), float)
    found = []
    for digit in range(CLASSES):
        table = known[_PLACE].assign(pair=pair, f1=values[:, digit])
        # Only where all were run: a mean compares like with like.
        grid = table.pivot_table(index=_PLACE, columns="pair", values="f1", sort=False).dropna(axis=0)
        if grid.empty or grid.shape[1] < 2:
            return []
        found.append(_best(grid, digit))
    return corrected(found)


def _best(grid: pd.DataFrame, digit: int) -> BestForDigit:
    best, after, leads = lead(grid)
    return BestForDigit(digit=digit, variant=best, next=after, f1=float(grid[best].mean()), **over_seeds(leads))


def confusion_change(frame: pd.DataFrame, compression: str) -> np.ndarray | None:
    """Return the mean over trials of the confusion matrix compressed − float32, (10, 10); None without any."""
    changes = _changes(frame, compression)
    return np.mean(np.stack(changes["change"].tolist()), axis=0) if len(changes) else None


def _changes(frame: pd.DataFrame, compression: str) -> pd.DataFrame:
    """Return the trials of a compression that carry both matrices, with their difference as "change"."""
    rows = with_lists(frame[frame["compression"] == compression], "confusion", "float_confusion")
    pairs = zip(rows["confusion"], rows["float_confusion"], strict=True)
    return rows.assign(change=[np.array(after) - np.array(before) for after, before in pairs])


def balanced(frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return trials such that every compression has the same losses, settings and seeds, and whether that was possible.

    Where compressed trials carry the recall of a float32 network, that stands for float32.
    """
    compressed = frame[frame["compression"] != FLOAT32]
    column = next(
        (name for name in ("setting_float_class_recall", "float_class_recall") if compressed[name].notna().any()), ""
    )
    if column:
        references = with_lists(compressed, column)
        references = references.assign(compression=FLOAT32, class_recall=references[column])
        frame = pd.concat([references.drop_duplicates(["loss", "only", "setting", "seed"]), compressed])
    keys = ["loss", "only", "setting", "seed"]
    everywhere = frame.groupby(keys)["compression"].transform("nunique") == frame["compression"].nunique()
    return (frame[everywhere], True) if everywhere.any() else (frame, False)


def sufferers(frame: pd.DataFrame) -> list[Sufferer]:
    """Return every digit of which a compression finds fewer, by compression, the worst first."""
    found = []
    for compression in dict.fromkeys(frame["compression"]):
        rows = _changes(frame, compression)
        if compression == FLOAT32 or rows.empty:
            continue
        found += [_suffers(rows, str(compression), digit) for digit in range(CLASSES)]
    found = [one for one in corrected(found) if one.difference < 0 and one.more > 0]
    order = list(dict.fromkeys(one.compression for one in found))
    return sorted(found, key=lambda one: (order.index(one.compression), one.difference))


def _suffers(rows: pd.DataFrame, compression: str, digit: int) -> Sufferer:
    changes = np.stack(rows["change"].tolist())[:, digit, :]
    after = np.stack([np.array(one) for one in rows["confusion"]])[:, digit, :]
    support = np.maximum(after.sum(axis=1), 1)
    recall, lost = after[:, digit] / support, changes[:, digit] / support
    by_seed = pd.Series(lost, index=rows.index).groupby(rows["seed"]).mean()
    errors = changes.mean(axis=0)
    errors[digit] = -np.inf
    into = int(np.argmax(errors))
    return Sufferer(
        compression=compression,
        digit=digit,
        before=float((recall - lost).mean()),
        after=float(recall.mean()),
        turns_into=into,
        more=float(errors[into]),
        **over_seeds(by_seed),
    )
