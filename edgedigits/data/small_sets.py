"""Known sets of smaller pictures, fitted as MNIST's digits were: USPS in LIBSVM's form and optdigits of UCI.

USPS: 16×16, a line a digit, `label index:value …`, values from -1 to 1, what is left out is 0; label 1 is the digit 0.
optdigits: 8×8, 64 counts from 0 to 16 and the label, separated by commas; scikit-learn has its test set as digits.csv.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.contents import Contents
from edgedigits.data.csv_cells import is_blank, lines_of
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import fitted
from edgedigits.data.idx_folder import require_the_same
from edgedigits.data.reading import PACKED, listed, read_bytes, reading
from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError, shown

_HEAD = 1 << 14  # holds at least one line of any form

Row = tuple[int, NDArray[np.float64]]
"""Label, 0…9, and pixels from 0 for paper to 1 for ink."""


@dataclass(frozen=True)
class _Form:
    """How a set is stored.

    Attributes:
        title: of the set.
        side: of its pictures, in pixels.
        train, test: what its files are called, but for what they are packed with.
        row: of a line; ValueError says what is wrong with it.
    """

    title: str
    side: int
    train: re.Pattern[str]
    test: re.Pattern[str]
    row: Callable[[str], Row]


def _usps_row(line: str) -> Row:
    first, *words = line.split() or [""]
    label = _label(first, lowest=1)
    if any(word.count(":") != 1 for word in words):
        raise ValueError("not all of it is index:value")
    numbers = _numbers([part for word in words for part in word.split(":")])
    places, values = numbers[::2], numbers[1::2]
    within = ((places >= 1) & (places <= _USPS_PIXELS)).all()
    if not within or (np.diff(places, prepend=0) < 1).any() or (places % 1).any():
        raise ValueError(f"its indices do not ascend from 1 to {_USPS_PIXELS}")
    _require_within(values, -1, 1)
    pixels = np.zeros(_USPS_PIXELS)
    pixels[places.astype(int) - 1] = values
    return label, (pixels + 1) / 2


def _optdigits_row(line: str) -> Row:
    *cells, label = line.split(",")
    if len(cells) != _OPTDIGITS_PIXELS:
        raise ValueError(f"{len(cells)} pixels and a label, expected {_OPTDIGITS_PIXELS}")
    pixels = _numbers(cells)
    _require_within(pixels, 0, _OPTDIGITS_MOST)
    return _label(label), pixels / _OPTDIGITS_MOST


_USPS_PIXELS, _OPTDIGITS_PIXELS, _OPTDIGITS_MOST = 256, 64, 16
_FORMS = (
    _Form("USPS", 16, re.compile(r"usps"), re.compile(r"usps\.t"), _usps_row),
    _Form("optdigits", 8, re.compile(r"optdigits\.tra"), re.compile(r"optdigits\.tes"), _optdigits_row),
)


def is_small_set(path: Path) -> bool:
    """Say whether a file is of such a set, by its name or by its first lines."""
    return _form_of(path) is not None


def has_small_set(folder: Path) -> bool:
    """Say whether a folder holds files of such a set, by their names."""
    return any(_named(path) for path in listed(folder))


def read_small_set(path: Path) -> Contents:
    """Read a set from its folder, or from a file of it and its partner beside; each digit fitted as MNIST's were.

    Raises:
        DataError: a line is none of a digit, or there are several sets or files for one place.
    """
    folder = path if path.is_dir() else path.parent
    files = [(form, part, file) for file in listed(folder) for form, part in _named(file)]
    if not path.is_dir():
        form = _form_of(path)
        files = [one for one in files if one[0] is form] if _named(path) else [(form, "train", path)] if form else []
    forms = {form.title: form for form, _, _ in files}
    if len(forms) != 1:
        raise DataError(f"{folder} holds {' and '.join(forms)}.", hint="Name a file of the one that is meant.")
    (form,) = forms.values()
    train, test = (
        _read_part(form, [file for _, one, file in files if one == part], path) for part in ("train", "test")
    )
    note = (
        f"{form.title} is of {form.side}×{form.side} pixels: each digit was fitted as MNIST's were, its ink into "
        "20×20, centred by mass in 28×28."
    )
    return Contents(train, test, path.resolve().name, note)


def _named(path: Path) -> list[tuple[_Form, str]]:
    """Return the form of a file and "train" or "test", by its name; nothing where that does not tell."""
    name = PACKED.sub("", path.name.lower())
    return [
        (form, part)
        for form in _FORMS
        for part in ("train", "test")
        if getattr(form, part).fullmatch(name) and path.is_file()
    ]


def _form_of(path: Path) -> _Form | None:
    if named := _named(path):
        return named[0][0]
    *whole, last = read_bytes(path, _HEAD).decode("utf-8", "replace").splitlines() or [""]
    # Where there is but one line, it is not cut off.
    return next((form for form in _FORMS if _holds(form, whole or [last])), None)


def _holds(form: _Form, lines: list[str]) -> bool:
    try:
        return bool([form.row(line) for line in lines if not is_blank(line)])
    except ValueError:
        return False


def _read_part(form: _Form, files: list[Path], path: Path) -> Digits | None:
    if not files:
        return None
    require_the_same(files)
    chosen = path if path in files else files[0]
    labels, pictures = [], []
    with reading(chosen) as stream, closing(lines_of(stream, chosen)) as lines:
        for number, line in lines:
            if is_blank(line):
                continue
            try:
                label, pixels = form.row(line)
            except ValueError as error:
                raise DataError(
                    f"{chosen}, line {number} is none of {form.title}: {error}.", hint="Download or copy it again."
                ) from None
            labels.append(label)
            pictures.append(np.floor(255 * pixels + 0.5).astype(np.uint8))
    if not labels:
        raise DataError(f"{chosen} holds no lines.", hint="Download or copy it again.")
    return Digits(fitted(np.array(pictures).reshape(-1, form.side, form.side)), np.array(labels, np.uint8))


def _numbers(cells: list[str]) -> NDArray[np.float64]:
    try:
        return np.array(cells, np.float64)
    except ValueError as error:
        raise ValueError(shown(str(error), 60)) from None


def _label(cell: str, lowest: int = 0) -> int:
    number = float(_numbers([cell])[0])
    if number % 1 or not lowest <= number < lowest + CLASSES:
        raise ValueError(f"the label is {number:g}, expected {lowest} to {lowest + CLASSES - 1}")
    return int(number) - lowest


def _require_within(values: NDArray[np.float64], low: float, high: float) -> None:
    outside = ~((values >= low) & (values <= high))  # NaN as well
    if outside.any():
        raise ValueError(f"a pixel is {values[outside][0]:g}, expected {low:g} to {high:g}")
