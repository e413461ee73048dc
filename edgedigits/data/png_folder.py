"""A folder of PNG files by class: 0/ … 9/, perhaps below train/ and test/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import as_digits
from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS
from edgedigits.errors import DataError
from edgedigits.progress import SILENT, Progress

_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing")
_OTHER_IMAGES = (".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_WITH_ALPHA = ("RGBA", "LA", "PA")
_MODES = ("1", "L", "P", "RGB", *_WITH_ALPHA)


def has_pngs(folder: Path) -> bool:
    """Say whether `folder` has class folders, its own or below train/ and test/."""
    below = (_subfolder(folder, names) for names in (_TRAIN_NAMES, _TEST_NAMES))
    return any(_has_classes(part) for part in (folder, *below) if part)


def read_png_folder(folder: Path, *, progress: Progress = SILENT) -> Contents:
    """Read 28×28 PNG files, class by class and sorted by name; colours become grey.

    Raises:
        DataError: names the file that is no PNG, has another size or is transparent; or there is no PNG.
    """
    name = folder.resolve().name
    if _has_classes(folder):
        return Contents(_read_classes(folder, progress), None, name)
    parts = (_subfolder(folder, names) for names in (_TRAIN_NAMES, _TEST_NAMES))
    train, test = (None if part is None else _read_classes(part, progress) for part in parts)
    return Contents(train, test, name)


def _subfolder(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if _has_classes(folder / name)), None)


def _has_classes(folder: Path) -> bool:
    return any((folder / str(digit)).is_dir() for digit in range(CLASSES))


def _files(folder: Path) -> Iterator[tuple[int, Path]]:
    for digit in range(CLASSES):
        inside = folder / str(digit)
        for path in sorted(inside.iterdir()) if inside.is_dir() else ():
            if path.name.startswith("."):
                continue
            if path.suffix.lower() in _OTHER_IMAGES:
                raise DataError(f"{path} is not a PNG file.", hint="Convert it to PNG, which keeps every pixel.")
            if path.suffix.lower() == ".png":
                yield digit, path


def _read_classes(folder: Path, progress: Progress) -> Digits:
    files = list(_files(folder))
    if not files:
        raise DataError(f"{folder} has class folders, but no .png file in them.")
    images = np.empty((len(files), PIXELS), np.uint8)
    with progress.stage(f"Reading {folder.name}", len(files)) as stage:
        for row, (_, path) in enumerate(files):
            images[row] = _read_png(path)
            stage.advance()
    labels = np.array([digit for digit, _ in files], np.uint8)
    return as_digits(images, labels, str(folder), str(folder))


def _read_png(path: Path) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as image:
            _require_plain(image.size, image.mode, path)
            if image.mode in _WITH_ALPHA or "transparency" in image.info:
                _require_opaque(image.convert("RGBA").getchannel("A").getextrema(), path)
            return np.asarray(image.convert("L"), np.uint8).reshape(PIXELS)
    except UnidentifiedImageError:
        raise DataError(f"{path} is not a PNG file.", hint="Save it again as PNG.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} is a damaged PNG file: {error}.", hint="Save or copy it again.") from None


def _require_plain(size: tuple[int, int], mode: str, path: Path) -> None:
    if size != (IMAGE_SIDE, IMAGE_SIDE):
        raise DataError(
            f"{path} is {size[0]}×{size[1]} pixels, expected {IMAGE_SIDE}×{IMAGE_SIDE}.",
            hint="Scale the digit to fit 20×20, centre it by its mass on 28×28, and save it again.",
        )
    if mode not in _MODES:
        raise DataError(f"{path} has more than 8 bits a pixel (mode {mode}).", hint="Save it as 8-bit grey.")


def _require_opaque(extrema: object, path: Path) -> None:
    if extrema != (255, 255):
        raise DataError(f"{path} is transparent in places.", hint="Flatten it onto a plain background.")
