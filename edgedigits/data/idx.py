"""IDX files, the form in which MNIST was published: a big-endian header, then numbers."""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import as_digits, as_images, as_labels
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import Fitter
from edgedigits.errors import DataError

IMAGES_MAGIC = 0x00000803  # unsigned bytes, three dimensions
LABELS_MAGIC = 0x00000801  # unsigned bytes, one dimension
MAGIC_BYTES = 4

# The third byte of a file tells the type, the fourth the number of dimensions.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DIMENSIONS = 4
_QMNIST_COLUMNS = 8  # of a label: the class, then where the digit comes from
Buffer = bytes | bytearray

_AGAIN = "Download or copy it again."


def dimensions_of(head: Buffer) -> int:
    """Return how many dimensions a file that begins with `head` says it has; 0 where it is no IDX file."""
    known = len(head) >= MAGIC_BYTES and head[:2] == b"\0\0" and head[2] in _TYPES
    return head[3] if known and head[3] <= _MOST_DIMENSIONS else 0


def parse_pair(
    images: Buffer, labels: Buffer, where_images: str, where_labels: str, fit: Fitter | None = None
) -> Digits:
    """Turn the contents of an images file and a labels file into digits, by `fit` pictures of any size.

    Labels may be those of QMNIST, eight numbers a digit, of which the first is its class.

    Raises:
        DataError: one is truncated, of another kind, or does not fit its partner.
    """
    pixels = as_images(_parse(images, "images", where_images), where_images, fit)
    numbers = _parse(labels, "labels", where_labels)
    if numbers.ndim == 2 and numbers.shape[1] == _QMNIST_COLUMNS:
        numbers = numbers[:, 0]
    return as_digits(pixels, as_labels(numbers, where_labels), where_images, where_labels)


def parse_images(content: Buffer, where: str) -> NDArray[np.uint8]:
    """Turn the content of an images file into images, uint8 (n, 784), n ≥ 1; nobody asks what they show.

    Raises:
        DataError: it is truncated, of another kind, or holds none.
    """
    images = as_images(_parse(content, "images", where), where)
    if not len(images):
        raise DataError(f"{where} holds no images.", hint=_AGAIN)
    return images


def _parse(content: Buffer, noun: str, where: str) -> NDArray[np.generic]:
    dimensions = dimensions_of(content)
    if not dimensions:
        magic = IMAGES_MAGIC if noun == "images" else LABELS_MAGIC
        raise DataError(
            f"{where} is no IDX file of {noun}: it begins 0x{content[:MAGIC_BYTES].hex()}, expected 0x{magic:08x}.",
            hint=_AGAIN,
        )
    if (dimensions == 1) if noun == "images" else (dimensions > 2):
        raise DataError(f"{where} does not hold {noun}.", hint="Are images and labels swapped?")
    start = MAGIC_BYTES + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{where} is truncated inside its header.", hint=_AGAIN)
    shape = struct.unpack(f">{dimensions}I", content[MAGIC_BYTES:start])
    kind = np.dtype(_TYPES[content[2]])
    promised, present = math.prod(shape) * kind.itemsize, len(content) - start
    if promised != present:
        wrong = "is truncated" if present < promised else "is too long"
        raise DataError(f"{where} {wrong}: {present:,} bytes of {noun}, its header promises {promised:,}.", hint=_AGAIN)
    return np.frombuffer(content, kind, offset=start).reshape(shape)
