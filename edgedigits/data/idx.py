"""IDX files, the form in which MNIST was published: a big-endian header, then bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import as_digits, as_images, as_labels
from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.data.reading import read_bytes
from edgedigits.errors import DataError

IMAGES_MAGIC = 0x00000803  # unsigned bytes, three dimensions
LABELS_MAGIC = 0x00000801  # unsigned bytes, one dimension

KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")
PREFIXES = ("train", "t10k")


def find_idx(folder: Path, prefix: str, kind: str) -> Path | None:
    """Return a file of `folder` such as train-images-idx3-ubyte; .idx3 and a .gz behind it are fine too."""
    dotted = kind.replace("-idx", ".idx")
    names = (f"{prefix}-{spelling}{suffix}" for spelling in (kind, dotted) for suffix in ("", ".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def has_idx(folder: Path) -> bool:
    """Say whether `folder` holds any of the four files."""
    return any(find_idx(folder, prefix, kind) for prefix in PREFIXES for kind in KINDS)


def read_idx_folder(folder: Path) -> Contents:
    """Read the training set, the test set (t10k), or both, from a folder that has at least one file of them.

    Raises:
        DataError: a file of a pair is missing, truncated, of another kind, or does not fit its partner.
    """
    train, test = (_read_pair(folder, prefix) for prefix in PREFIXES)
    return Contents(train, test, folder.resolve().name)


def _read_pair(folder: Path, prefix: str) -> Digits | None:
    images, labels = (find_idx(folder, prefix, kind) for kind in KINDS)
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        present, missing = (labels, KINDS[0]) if images is None else (images, KINDS[1])
        raise DataError(f"{present} has no partner {prefix}-{missing}.", hint="Images and labels are both needed.")
    return parse_pair(read_bytes(images), read_bytes(labels), str(images), str(labels))


def parse_pair(images: bytes, labels: bytes, where_images: str, where_labels: str) -> Digits:
    """Turn the contents of an images file and a labels file into digits.

    Raises:
        DataError: as `read_idx_folder`.
    """
    pixels = as_images(_parse(images, IMAGES_MAGIC, "images", where_images), where_images)
    classes = as_labels(_parse(labels, LABELS_MAGIC, "labels", where_labels), where_labels)
    return as_digits(pixels, classes, where_images, where_labels)


def _parse(content: bytes, magic: int, noun: str, where: str) -> NDArray[np.uint8]:
    found = int.from_bytes(content[:4])
    if found in (IMAGES_MAGIC, LABELS_MAGIC) and found != magic:
        raise DataError(f"{where} does not hold {noun}.", hint="Are images and labels swapped?")
    if found != magic:
        raise DataError(
            f"{where} is no IDX file of {noun}: it begins 0x{content[:4].hex()}, expected 0x{magic:08x}.",
            hint="Download or copy it again.",
        )
    dimensions = magic & 0xFF
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{where} is truncated inside its header.", hint="Download or copy it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    promised, present = int(np.prod(shape, dtype=object)), len(content) - start
    if promised != present:
        wrong = "is truncated" if present < promised else "is too long"
        raise DataError(
            f"{where} {wrong}: {present:,} bytes of {noun}, its header promises {promised:,}.",
            hint="Download or copy it again.",
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
