"""In which order the columns of a CSV are the pixels of a picture: as the numbers in their names say.

Whoever sorts columns as text has pixel10 before pixel2. Such pixels are put in order again, and that is said; names
that number a pixel twice, or leave one out, are refused. Names without numbers have no order but the file's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from edgedigits.data.csv_label import KIN, NAME_IT, family_of, numbered
from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.errors import DataError, shown

_NUMBER = re.compile(r"[0-9]{1,9}")
_LETTERS = re.compile(r"[a-z]+")
# The words before the two numbers of a name that tells the column first, as x3y5 does.
_COLUMN_WORDS, _ROW_WORDS = ("x", "c", "col", "column"), ("y", "r", "row")
_MEND_HINT = "Name each pixel once, by its place in the picture."

_Keys = dict[int, tuple[int, ...]]
"""What a column is sorted by, by its index: the numbers of its name that are not the same in all of its family."""


def pixel_order(names: Sequence[str], label: int | None, where: str) -> tuple[int, ...]:
    """Return the columns of the pixels in the order of the picture.

    Args:
        names: of the 785 columns.
        label: the column that is none of them; None where names do not tell: then all must be in order.
        where: file and line, for messages.

    Returns:
        784 indices; empty where the file has them in order.

    Raises:
        DataError: a pixel is there twice or missing, or out of order in a way that its name does not mend.
    """
    pixels = [index for index in range(len(names)) if index != label]
    families = _families(names, pixels)
    if not families:
        return ()
    for keys in families:
        _require_each_once(names, keys, where)
    placed = sum(map(len, families)) == len(pixels)
    if placed and len(families) == 1:
        _require_no_gap(names, families[0], label, where)
    keys = _joined(names, families) if placed else {}
    if keys and label is not None:
        order = sorted(pixels, key=keys.__getitem__)
        return () if order == pixels else tuple(order)
    _require_in_order(names, pixels, families, where)
    return ()


def order_note(path: Path, names: Sequence[str], order: Sequence[int]) -> str:
    """Return what to say of a file whose pixels were put in order; empty where they were not."""
    if not order:
        return ""
    first, late = next((early, late) for early, late in pairwise(order) if late < early)
    return (
        f"The pixels of {path.name} were put in order by the numbers in their names: {numbered(names, [late])} stands "
        f"before {numbered(names, [first])}."
    )


def _families(names: Sequence[str], pixels: Sequence[int]) -> list[_Keys]:
    """Return the keys of each family of numbered columns, in the order of the file."""
    members: dict[str, list[int]] = defaultdict(list)
    for index in pixels:
        members[family_of(names[index])].append(index)
    kin = [family for family in members.values() if len(family) >= KIN and _NUMBER.search(names[family[0]])]
    return [_keys(names, family) for family in kin]


def _keys(names: Sequence[str], family: Sequence[int]) -> _Keys:
    numbers = [tuple(map(int, _NUMBER.findall(names[index]))) for index in family]
    # A number with more than nine figures counts as several, and so may be of other lengths.
    if len({len(figures) for figures in numbers}) == 1:
        varying = [place for place, column in enumerate(zip(*numbers, strict=True)) if len(set(column)) > 1]
        if len(varying) == 2 and _tells_column_first(names[family[0]], varying):
            varying.reverse()
        numbers = [tuple(figures[place] for place in varying) for figures in numbers]
    return dict(zip(family, numbers, strict=True))


def _tells_column_first(name: str, varying: Sequence[int]) -> bool:
    before = [_LETTERS.findall(text) for text in _NUMBER.split(name.casefold())]
    column, row = ((before[place] or [""])[-1] for place in varying)
    return column in _COLUMN_WORDS and row in _ROW_WORDS


def _joined(names: Sequence[str], families: Sequence[_Keys]) -> _Keys:
    """Return the keys of all columns where they tell the order of a whole picture; else {}.

    They do where they count pixels, or rows and columns; rows may be letters, families of their own then.
    """
    if len(families) == 1:
        (keys,) = families
        return keys if _width(keys) == 1 or _is_grid(keys) else {}
    rows = sorted(families, key=lambda keys: (len(family := family_of(names[next(iter(keys))])), family))
    keys = {index: (row, *key) for row, family in enumerate(rows) for index, key in family.items()}
    return keys if _is_grid(keys) else {}


def _width(keys: _Keys) -> int:
    return len(next(iter(keys.values())))


def _is_grid(keys: _Keys) -> bool:
    if any(len(key) != 2 for key in keys.values()):
        return False
    axes = [sorted(set(axis)) for axis in zip(*keys.values(), strict=True)]
    return all(axis == list(range(axis[0], axis[0] + IMAGE_SIDE)) for axis in axes) and len(keys) == IMAGE_SIDE**2


def _require_each_once(names: Sequence[str], keys: _Keys, where: str) -> None:
    first: dict[tuple[int, ...], int] = {}
    for index, key in keys.items():
        if first.setdefault(key, index) != index:
            both = numbered(names, [first[key], index])
            raise DataError(f"{where}: the columns {both} claim to be the same pixel.", hint=_MEND_HINT)


def _require_no_gap(names: Sequence[str], keys: _Keys, label: int | None, where: str) -> None:
    """Check that pixels which are numbered through are so without a gap, but for one that the label fills."""
    if _width(keys) != 1:
        return
    counted = sorted((key[0], index) for index, key in keys.items())
    if label is not None:
        beside = _keys(names, [*keys, label]) if family_of(names[label]) == family_of(names[counted[0][1]]) else {}
        counted = sorted((key[0], index) for index, key in beside.items()) if beside else counted
    for (number, before), (next_number, after) in pairwise(counted):
        if next_number > number + 1:
            beside_gap = f"'{shown(names[before])}' ({before + 1}) and '{shown(names[after])}' ({after + 1})"
            raise DataError(f"{where}: no column is pixel {number + 1}, between {beside_gap}.", hint=_MEND_HINT)


def _require_in_order(names: Sequence[str], pixels: Sequence[int], families: Sequence[_Keys], where: str) -> None:
    """Check that columns of which not all can be placed by their names stand in order nevertheless."""
    places = {index: place for place, index in enumerate(pixels)}
    for keys in families:
        for (index, first), (next_index, second) in pairwise(keys.items()):
            gap = places[next_index] - places[index]
            # A column of another name in between is the pixel whose number is missing.
            skips = len(families) == 1 and len(first) == 1 and second[0] - first[0] != gap
            if second < first or skips:
                both = numbered(names, [index, next_index])
                raise DataError(
                    f"{where}: the columns {both} are not in order, and not all columns are named so that they could "
                    "be sorted.",
                    hint=f"{NAME_IT} Or name the pixels by their places in the picture.",
                )
