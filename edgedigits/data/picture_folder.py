"""A folder of pictures by class: 0/ … 9/, or a label in each name; perhaps below train/ and test/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import as_digits
from edgedigits.data.contents import Contents, left_out
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import Fitter
from edgedigits.data.impostors import OTHER_PICTURES, PICTURES
from edgedigits.data.name_labels import labels_in_names
from edgedigits.data.photos.finding import digit_of
from edgedigits.data.photos.photo import open_photo
from edgedigits.data.png_file import read_png
from edgedigits.data.reading import MOST_BYTES, is_folder, listed, too_large
from edgedigits.data.shape import CLASSES, PIXELS
from edgedigits.errors import DataError, shown
from edgedigits.progress import SILENT, Progress

CUT_OUT = 64
"""Pixels of a side up to which a picture is a digit that somebody cut out, and none in which to look for one."""
_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing")


def has_class_folders(folder: Path) -> bool:
    """Say whether `folder` has class folders, its own or below train/ and test/."""
    return any(_has_classes(part) for part in _places(folder))


def has_named_pictures(folder: Path) -> bool:
    """Say whether names of pictures in `folder`, or below train/ and test/, tell labels, in one way or in several."""
    return any(_ways(part) for part in _places(folder))


def read_picture_folder(folder: Path, fit: Fitter | None = None, *, progress: Progress = SILENT) -> Contents:
    """Read PNG files of 28×28 pixels, or by `fit` pictures of any size and kind, class by class and sorted by name.

    Colours become grey. What is no PNG, and larger than `CUT_OUT`, is taken for a photo of one digit, which is found as
    in any other photo.

    Raises:
        DataError: names the file that is no sound picture, or lies where it would not be read; there is no picture, or
            names tell labels in several ways.
    """
    name = folder.resolve().name
    is_part = _has_classes if has_class_folders(folder) else _ways
    whole = bool(is_part(folder))
    parts = [
        None if whole else next((folder / name for name in names if is_part(folder / name)), None)
        for names in (_TRAIN_NAMES, _TEST_NAMES)
    ]
    unread = [path.name for path in listed(folder) if path not in parts and is_folder(path) and is_part(path)]
    if whole:
        what = "folders of classes" if is_part is _has_classes else "pictures"
        note = left_out(name, unread, f"the {what} in {name} itself are read")
        return Contents(_read(folder, fit, progress), None, name, _noted(note, folder))
    train, test = (None if part is None else _read(part, fit, progress) for part in parts)
    return Contents(train, test, name, _noted(left_out(name, unread), *filter(None, parts)))


def _places(folder: Path) -> Iterator[Path]:
    yield from (folder, *(folder / name for name in (*_TRAIN_NAMES, *_TEST_NAMES)))


def _has_classes(folder: Path) -> bool:
    return any(is_folder(folder / str(digit)) for digit in range(CLASSES))


def _pictures(folder: Path) -> list[Path]:
    if not is_folder(folder):
        return []
    return [path for path in listed(folder) if path.suffix.lower() in PICTURES and not path.name.startswith(".")]


def _ways(folder: Path) -> list[tuple[int, ...]]:
    pictures = _pictures(folder)
    return labels_in_names([path.name for path in pictures]) if pictures else []


def _noted(note: str, *folders: Path) -> str:
    """Add which labels are read from names, of the first picture as an example."""
    for folder in folders:
        if not _has_classes(folder):
            (labels,), first = _ways(folder), _pictures(folder)[0]
            return f"{note} Labels are read from names, of {shown(first.name)} {labels[0]}.".lstrip()
    return note


def _read(folder: Path, fit: Fitter | None, progress: Progress) -> Digits:
    files = list(_in_classes(folder) if _has_classes(folder) else _by_name(folder))
    if not files:
        raise DataError(f"{folder} has class folders, but no .png file in them.")
    if len(files) * PIXELS > MOST_BYTES:
        raise too_large(str(folder))
    images = np.empty((len(files), PIXELS), np.uint8)
    with progress.stage(f"Reading {folder.name}", len(files)) as stage:
        for row, (_, path) in enumerate(files):
            images[row] = _image(path, fit)
            stage.advance()
    labels = np.array([digit for digit, _ in files], np.uint8)
    return as_digits(images, labels, str(folder), str(folder))


def _image(path: Path, fit: Fitter | None) -> NDArray[np.uint8]:
    """Return one picture, uint8 (784,)."""
    if path.suffix.lower() not in OTHER_PICTURES:
        picture = read_png(path, any_size=fit is not None)
        return fit(picture[None])[0] if fit else picture.ravel()
    if fit is None:
        raise DataError(
            f"{path} is not a PNG file.",
            hint="Convert it to PNG, which keeps every pixel, or read it with --fit, as photos are.",
        )
    photo = open_photo(path)
    return fit(photo.grey[None])[0] if max(photo.grey.shape) <= CUT_OUT else digit_of(photo, dark=fit.dark)


def _in_classes(folder: Path) -> Iterator[tuple[int, Path]]:
    _refuse_further_classes(folder)
    for digit in range(CLASSES):
        inside = folder / str(digit)
        for path in listed(inside) if is_folder(inside) else ():
            if path.name.startswith("."):
                continue
            if path.suffix.lower() in PICTURES:
                yield digit, path
            elif _pictures(path):
                raise DataError(f"{path} holds pictures, which would not be read.", hint=f"Move them up into {inside}.")


def _by_name(folder: Path) -> Sequence[tuple[int, Path]]:
    pictures, ways = _pictures(folder), _ways(folder)
    if len(ways) > 1:
        place = next(at for at in range(len(pictures)) if len({way[at] for way in ways}) > 1)
        told = " or ".join(str(digit) for digit in sorted({way[place] for way in ways}))
        raise DataError(
            f"{pictures[place]}: its name tells the label {told}, and the other names do not settle which.",
            hint="Sort the pictures into folders 0 to 9.",
        )
    return sorted(zip(ways[0], pictures, strict=True), key=lambda file: file[0])


def _refuse_further_classes(folder: Path) -> None:
    for path in listed(folder):
        if path.name.isdecimal() and path.name not in map(str, range(CLASSES)) and _pictures(path):
            counts_from_one = path.name == str(CLASSES) and not (folder / "0").exists()
            hint = "Classes count from 0 here: rename it to 0 if it holds zeros." if counts_from_one else ""
            raise DataError(
                f"{path} is the folder of no class, expected 0 to {CLASSES - 1}.", hint=hint or "Move it elsewhere."
            )
