"""Which column of a CSV is the label: as its header says, else as its numbers do; a guess is never made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import MOST_LETTERS
from edgedigits.data.shape import CLASSES, PIXELS
from edgedigits.errors import DataError, shown

# In English and as the makers of public sets write it; of a name of several words, one of these is enough.
_LABEL_WORDS = frozenset(
    (
        "label",
        "labels",
        "lbl",
        "class",
        "classes",
        "cls",
        "category",
        "target",
        "targets",
        "digit",
        "digits",
        "truth",
        "y",
    )
)
_INDEX_NAME = re.compile(
    r"|unnamed: ?\d*|id|index|idx|rownames"
    r"|(row|image|img|picture|file|sample)[ _.-]?(id|index|idx|no|nr|num|number|names?)?"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
OTHER_LABEL_HINT = "Is another column the label? Name it with --label-column."
NAME_IT = "Name the label's column with --label-column."

KIN = 8
"""Columns whose names differ in nothing but a number: from here on they are pixels, below perhaps two labels."""

_DOMINATED = 0.9
"""Share of its commonest value above which a column is rather a pixel near the border than a label."""


def family_of(name: str) -> str:
    """Return what a column's name has in common with those that differ in nothing but a number."""
    return re.sub(r"\d+", "0", name.strip().lower())


def odd_columns(names: Sequence[str]) -> list[int]:
    """Return the indices of the columns that are not named like many others, as pixel0, pixel1 … are."""
    families = list(map(family_of, names))
    members = Counter(families)
    return [index for index, family in enumerate(families) if members[family] < KIN]


def label_by_name(names: Sequence[str], where: str) -> int | None:
    """Return the index of the label's column, None where all columns are named alike.

    Args:
        names: of the 785 columns.
        where: file and line, for messages.

    Raises:
        DataError: several columns could be it, or none.
    """
    odd = odd_columns(names)
    if not odd:
        return None
    named = [index for index in odd if _is_label_name(names[index])]
    if len(named) > 1:
        raise DataError(f"{where}: each of the columns {numbered(names, named)} could be the label.", hint=NAME_IT)
    if not named and (len(odd) > 1 or _is_index_name(names[odd[0]])):
        raise _nameless(names, odd, where)
    label = named[0] if named else odd[0]
    strangers = [index for index in odd if index != label and not re.search(r"\d", names[index])]
    if strangers and len(odd) <= PIXELS // 2:
        raise DataError(
            f"{where}: the columns {numbered(names, strangers)} are not named like pixels.",
            hint="Keep the label and 784 pixels only.",
        )
    return label


def label_by_numbers(table: NDArray[np.uint8], path: Path) -> int:
    """Return the label's column of a CSV whose header does not tell: the first, if the numbers agree.

    The last one is never taken unasked, but where it looks more like labels than the first, nothing is read.

    Args:
        table: uint8 (n, 785).
        path: the file, for messages.

    Raises:
        DataError: the last column could be the label as well, or rather.
    """
    first, last = (_likeness(table[:, index], CLASSES - 1) for index in (0, -1))
    if first in (1, 2):
        # Where it is hardly the label, the last may be one that is wrong in itself: from 1 to 10, or with letters.
        last = _likeness(table[:, -1], MOST_LETTERS)
    if last < 2 or first > last:
        return 0
    if first == last:
        raise DataError(
            f"{path} does not name its label's column, and both its first and its last could be it.",
            hint="Say which with --label-column first or last.",
        )
    seen = (f"goes up to {table[:, 0].max()}", f"holds only {table[0, 0]}", "hardly ever changes")[first]
    raise DataError(
        f"{path} does not name its label's column; the first {seen}, while the last holds labels, "
        f"{table[:, -1].min()} to {table[:, -1].max()}.",
        hint="If these are the labels, say so with --label-column last.",
    )


def numbered(names: Sequence[str], indices: Sequence[int], most: int = 6) -> str:
    """Return the names of columns as a message lists them."""
    columns = ", ".join(f"'{shown(names[index])}' ({index + 1})" for index in indices[:most])
    return columns + (" …" if len(indices) > most else "")


def _likeness(column: NDArray[np.uint8], highest: int) -> int:
    """How much a column is like labels: 0 it cannot be, 1 it is constant, 2 all but constant, 3 it may well be."""
    counts = np.bincount(column)
    if len(counts) > highest + 1:
        return 0
    if (counts > 0).sum() == 1:
        return 1
    return 2 if counts.max() > _DOMINATED * len(column) else 3


def _is_label_name(name: str) -> bool:
    return any(word.lower() in _LABEL_WORDS for word in _WORD.findall(name))


def _is_index_name(name: str) -> bool:
    return _INDEX_NAME.fullmatch(name.strip(" #\"'").lower()) is not None


def _nameless(names: Sequence[str], odd: Sequence[int], where: str) -> DataError:
    if len(odd) == 1:
        return DataError(
            f"{where}: no column is named like a label; {numbered(names, odd)} looks like an index.",
            hint="Was the label column dropped? Leave the index out and put the label in.",
        )
    return DataError(f"{where}: no column is named like a label; {numbered(names, odd)} could be it.", hint=NAME_IT)
