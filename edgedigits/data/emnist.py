"""EMNIST, whose files hold columns for rows: known by its name, and checked by what the pictures look like."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.data.checks import as_digits, as_images, as_labels
from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.data.likeness import likeness
from edgedigits.data.reading import MOST_BYTES, opened, too_large
from edgedigits.errors import DataError, ToolMissingError

EXCHANGED_NOTE = "EMNIST's files hold columns for rows: the two were exchanged."
UPRIGHT_NOTE = "By their name these are EMNIST's files, which hold columns for rows, but these digits stand upright."

_SAMPLE = 2000
_MAT_HEADER, _MAT_MAGIC = 128, b"MATLAB 5.0"
_COMPRESSED = 15  # the type of an element that zlib has packed
_PART = 1 << 20


def upright(contents: Contents) -> Contents:
    """Return digits of EMNIST with rows and columns exchanged; as they are where they clearly stand upright already."""
    exchanged = contents.transposed()
    part = exchanged.test if exchanged.train is None else exchanged.train
    assert part is not None  # Contents holds one of the two
    found = likeness(part.take(np.arange(0, len(part), max(1, len(part) // _SAMPLE))))
    stood = found is not None and found.symmetry is not None and found.symmetry.setting == "transpose"
    kept, note = (contents, UPRIGHT_NOTE) if stood else (exchanged, EXCHANGED_NOTE)
    return replace(kept, note=f"{kept.note} {note}".strip(), lying=False)


def is_mat(path: Path) -> bool:
    """Say whether a file is one of MATLAB, of the form before HDF5, that holds a `dataset`, as EMNIST's do."""
    with opened(path) as stored:
        if not stored.read(_MAT_HEADER).startswith(_MAT_MAGIC):
            return False
    _require_bounded(path)
    return any(name == "dataset" for name, *_ in _scipy("whosmat", path))


def read_mat(path: Path) -> Contents:
    """Read the training and the test set of a .mat of EMNIST.

    Raises:
        DataError: it is damaged, or holds something else.
        ToolMissingError: SciPy is not installed.
    """
    stored = _scipy("loadmat", path, variable_names=["dataset"])
    try:
        parts = {part: stored["dataset"][0, 0][part][0, 0] for part in ("train", "test")}
        arrays = {part: (one["images"], one["labels"]) for part, one in parts.items()}
    except (KeyError, IndexError, ValueError, TypeError):
        raise DataError(
            f"{path} holds no dataset.train.images, dataset.train.labels and the same of a test set, as EMNIST's do.",
            hint="Write numpy.savez(file, x=images, y=labels).",
        ) from None
    train, test = (_digits(*arrays[part], f"{path}, dataset.{part}") for part in ("train", "test"))
    return Contents(train, test, path.name, lying=True)


def _digits(images: Any, labels: Any, where: str) -> Digits:
    in_images, in_labels = f"{where}.images", f"{where}.labels"
    pixels = np.ascontiguousarray(as_images(np.asarray(images), in_images))
    return as_digits(pixels, as_labels(np.asarray(labels), in_labels), in_images, in_labels)


def _scipy(function: str, path: Path, **options: Any) -> Any:
    try:
        from scipy import io
    except ModuleNotFoundError:
        raise ToolMissingError("SciPy, which reads MATLAB's files, is missing.", hint="pip install scipy") from None
    try:
        return getattr(io, function)(path, **options)
    except Exception as error:  # SciPy raises whatever a damaged file leads to.
        cause = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(f"{path} is a damaged .mat file: {cause}.", hint="Download or copy it again.") from None


def _require_bounded(path: Path) -> None:
    """Check that nothing in a .mat file unpacks to more than a source may hold.

    Raises:
        DataError: something does, or is damaged.
    """
    left = MOST_BYTES
    with opened(path) as stored:
        order = "little" if stored.read(_MAT_HEADER).endswith(b"IM") else "big"
        while len(tag := stored.read(8)) == 8:
            kind, size = (int.from_bytes(tag[at : at + 4], order) for at in (0, 4))  # type: ignore[arg-type]
            if kind != _COMPRESSED:
                stored.seek(size, 1)
                continue
            stream, content = zlib.decompressobj(), stored.read(size)
            while content and left >= 0:
                try:
                    left -= len(stream.decompress(content, _PART))
                except zlib.error as error:
                    raise DataError(f"{path} is a damaged .mat file: {error}.", hint="Copy it again.") from None
                content = stream.unconsumed_tail
            if left < 0:
                raise too_large(str(path))
