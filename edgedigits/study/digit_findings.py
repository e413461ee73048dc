"""What compression and loss do to each digit: which is best for it, which suffers, and into what it turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from edgedigits.data.shape import CLASSES
from edgedigits.study.choices import VARIANT
from edgedigits.study.effects import interval


@dataclass(frozen=True)
class BestForDigit:
    """The variant with the best F1 of a digit, held against the next best with another loss or compression.

    Attributes:
        digit: 0…9.
        variant, next: loss and compression of both.
        f1: mean F1 of the best over its trials.
        lead: mean difference in pairs of the same setting and seed.
        low, high: 95% interval over seeds; None with one seed.
        seeds: how many seeds.
    """

    digit: int
    variant: str
    next: str
    f1: float
    lead: float
    low: float | None
    high: float | None
    seeds: int

    @property
    def real(self) -> bool:
        """Whether the lead's interval leaves 0 out."""
        return self.low is not None and self.low > 0


@dataclass(frozen=True)
class Sufferer:
    """What a compression costs a digit.

    Attributes:
        compression: in words.
        digit: the one that loses most.
        before, after: recall of the float32 model and of the compressed one, 0…1.
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
    """Return the best pair of loss and compression for each digit."""
    known = frame.dropna(subset=["class_f1"])
    known = known[known["class_f1"].map(lambda one: isinstance(one, list))]
    if known.empty or known[["loss", "compression"]].drop_duplicates().shape[0] < 2:
        return []
    table = known[[*VARIANT, "seed"]].copy()
    table["pair"] = known["loss"] + ", " + known["compression"]
    values = np.array(known["class_f1"].tolist(), float)
    return [_best(table.assign(f1=values[:, digit]), digit) for digit in range(CLASSES)]


def _best(table: pd.DataFrame, digit: int) -> BestForDigit:
    means = table.groupby("pair")["f1"].mean().sort_values(ascending=False)
    best, after = means.index[0], means.index[1]
    keys = ["setting", "seed"]
    sides = [table.loc[table["pair"] == name, [*keys, "f1"]] for name in (best, after)]
    pairs = sides[0].merge(sides[1], on=keys, suffixes=("", " next"))
    leads = (pairs["f1"] - pairs["f1 next"]).groupby(pairs["seed"]).mean().to_numpy(float)
    low, high = interval(leads)
    lead = float(leads.mean()) if len(leads) else float(means.iloc[0] - means.iloc[1])
    return BestForDigit(digit, str(best), str(after), float(means.iloc[0]), lead, low, high, len(leads))


def confusion_change(frame: pd.DataFrame, compression: str) -> np.ndarray | None:
    """Return the mean over trials of the confusion matrix compressed − float32, (10, 10); None without any."""
    rows = frame[frame["compression"] == compression]
    differences = [
        np.array(after) - np.array(before)
        for after, before in zip(rows["confusion"], _references(frame, rows), strict=True)
        if isinstance(after, list) and isinstance(before, list)
    ]
    return np.mean(differences, axis=0) if differences else None


def _references(frame: pd.DataFrame, rows: pd.DataFrame) -> list[object]:
    """Return the float32 confusion matrix for each row: its own, or that of the float32 trial of the same choices."""
    floats = {
        (row.loss, row.setting, row.seed): row.confusion
        for row in frame[frame["compression"] == "float32"].itertuples()
    }
    return [
        row.float_confusion if isinstance(row.float_confusion, list) else floats.get((row.loss, row.setting, row.seed))
        for row in rows.itertuples()
    ]


def balanced(frame: pd.DataFrame) -> pd.DataFrame:
    """Return trials such that every compression has the same losses, settings and seeds: a mean then compares like.

    Where trials carry the recall of their float32 reference, that stands for float32. If no choice was made with every
    compression, all trials are returned.
    """
    referenced = frame[frame["float_class_recall"].map(lambda one: isinstance(one, list))]
    if len(referenced):
        compressed = referenced[referenced["compression"] != "float32"]
        references = compressed.assign(compression="float32", class_recall=compressed["float_class_recall"])
        frame = pd.concat([references.drop_duplicates(["loss", "setting", "seed"]), compressed])
    keys = ["loss", "setting", "seed"]
    everywhere = frame.groupby(keys)["compression"].transform("nunique") == frame["compression"].nunique()
    return frame[everywhere] if everywhere.any() else frame


def sufferers(frame: pd.DataFrame) -> list[Sufferer]:
    """Return, for each compression, the digit whose recall falls most and what it turns into."""
    found = []
    for compression in dict.fromkeys(frame["compression"]):
        change = confusion_change(frame, compression)
        if change is None or compression == "float32":
            continue
        rows = frame[frame["compression"] == compression]
        after = np.mean([np.array(one) for one in rows["confusion"] if isinstance(one, list)], axis=0)
        support = np.maximum(after.sum(axis=1), 1)
        recall = np.diag(after) / support
        lost = np.diag(change) / support
        digit = int(np.argmin(lost))
        errors = change[digit].copy()
        errors[digit] = -np.inf
        into = int(np.argmax(errors))
        found.append(
            Sufferer(
                str(compression),
                digit,
                float(recall[digit] - lost[digit]),
                float(recall[digit]),
                into,
                float(errors[into]),
            )
        )
    return found
