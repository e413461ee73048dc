"""A folder of PNG files by class: 0/ … 9/, perhaps below train/ and test/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgedigits.data.checks import as_digits
from edgedigits.data.contents import Contents, left_out
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import Fit
from edgedigits.data.impostors import OTHER_PICTURES, PICTURES
from edgedigits.data.png_file import read_png
from edgedigits.data.reading import MOST_BYTES, is_folder, listed, too_large
from edgedigits.data.shape import CLASSES, PIXELS
from edgedigits.errors import DataError
from edgedigits.progress import SILENT, Progress

_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing")


def has_pngs(folder: Path) -> bool:
    """Say whether `folder` has class folders, its own or below train/ and test/."""
    below = (_subfolder(folder, names) for names in (_TRAIN_NAMES, _TEST_NAMES))
    return any(_has_classes(part) for part in (folder, *below) if part)


def read_png_folder(folder: Path, fit: Fit | None = None, *, progress: Progress = SILENT) -> Contents:
    """Read PNG files, of 28×28 pixels or by `fit` of any size, class by class and sorted by name; colours become grey.

    Raises:
        DataError: names the file that is no sound picture, or lies where it would not be read; or there is no PNG.
    """
    name = folder.resolve().name
    whole = _has_classes(folder)
    parts = [None if whole else _subfolder(folder, names) for names in (_TRAIN_NAMES, _TEST_NAMES)]
    train, test = (None if part is None else _read_classes(part, fit, progress) for part in parts)
    unread = [path.name for path in listed(folder) if path not in parts and is_folder(path) and _has_classes(path)]
    if whole:
        note = left_out(name, unread, f"the folders of classes in {name} itself are read")
        return Contents(_read_classes(folder, fit, progress), None, name, note)
    return Contents(train, test, name, left_out(name, unread))


def _subfolder(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if _has_classes(folder / name)), None)


def _has_classes(folder: Path) -> bool:
    return any(is_folder(folder / str(digit)) for digit in range(CLASSES))


def _files(folder: Path) -> Iterator[tuple[int, Path]]:
    _refuse_further_classes(folder)
    for digit in range(CLASSES):
        inside = folder / str(digit)
        for path in listed(inside) if is_folder(inside) else ():
            ending = path.suffix.lower()
            if path.name.startswith("."):
                continue
            if ending in OTHER_PICTURES:
                raise DataError(f"{path} is not a PNG file.", hint="Convert it to PNG, which keeps every pixel.")
            if ending == ".png":
                yield digit, path
            elif _has_pictures(path):
                raise DataError(f"{path} holds pictures, which would not be read.", hint=f"Move them up into {inside}.")


def _refuse_further_classes(folder: Path) -> None:
    for path in listed(folder):
        if path.name.isdecimal() and path.name not in map(str, range(CLASSES)) and _has_pictures(path):
            counts_from_one = path.name == str(CLASSES) and not (folder / "0").exists()
            hint = "Classes count from 0 here: rename it to 0 if it holds zeros." if counts_from_one else ""
            raise DataError(
                f"{path} is the folder of no class, expected 0 to {CLASSES - 1}.", hint=hint or "Move it elsewhere."
            )


def _has_pictures(folder: Path) -> bool:
    if not is_folder(folder):
        return False
    return any(path.suffix.lower() in PICTURES for path in listed(folder) if path.name[0] != ".")


def _read_classes(folder: Path, fit: Fit | None, progress: Progress) -> Digits:
    files = list(_files(folder))
    if not files:
        raise DataError(f"{folder} has class folders, but no .png file in them.")
    if len(files) * PIXELS > MOST_BYTES:
        raise too_large(str(folder))
    images = np.empty((len(files), PIXELS), np.uint8)
    with progress.stage(f"Reading {folder.name}", len(files)) as stage:
        for row, (_, path) in enumerate(files):
            picture = read_png(path, any_size=fit is not None)
            images[row] = fit(picture[None]) if fit else picture.ravel()
            stage.advance()
    labels = np.array([digit for digit, _ in files], np.uint8)
    return as_digits(images, labels, str(folder), str(folder))
