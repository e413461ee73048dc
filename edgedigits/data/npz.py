"""NumPy archives (.npz), in the form of Keras' mnist.npz and its relatives."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from edgedigits.data.checks import as_digits, as_images, as_labels
from edgedigits.data.contents import Contents, left_out
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import Fitter
from edgedigits.data.impostors import HEAD_BYTES, impostor_hint
from edgedigits.data.reading import MOST_BYTES, opened, too_large
from edgedigits.errors import DataError, shown

TRAIN_KEYS = (
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("images", "labels"),
    ("x", "y"),
    ("data", "target"),
)
TEST_KEYS = (("x_test", "y_test"), ("test_images", "test_labels"))

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # with members, and without any
_AGAIN = "Save or copy it again."
_VALIDATION = re.compile(r"(^|_)(val|valid|validation|dev)(_|$)")
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path: Path, fit: Fitter | None = None) -> Contents:
    """Read an archive with x_train, y_train and perhaps x_test, y_test, or with images, labels or x, y.

    Nothing in the archive is executed: pickled objects are refused. Nothing is unpacked before its header has
    told that it fits.

    Args:
        path: the file.
        fit: makes images of pictures of any size; None where they must be of 28×28.

    Raises:
        DataError: it is not such an archive, is damaged or too large, or an array is not what its name says.
    """
    with opened(path) as stored:
        head = stored.read(HEAD_BYTES)
        if not head.startswith(_ZIP_MAGIC):
            raise DataError(f"{path} is not a .npz archive.", hint=impostor_hint(head) or "Save it with numpy.savez.")
        try:
            with zipfile.ZipFile(stored) as archive:
                return _read_parts(archive, path, fit)
        except DataError:
            raise
        except Exception as error:  # NumPy, zipfile and zlib raise a dozen kinds for a damaged archive.
            cause = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
            raise DataError(f"{path} is a damaged .npz archive: {shown(cause, 200)}.", hint=_AGAIN) from None


def _read_parts(archive: zipfile.ZipFile, path: Path, fit: Fitter | None) -> Contents:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy").lower()
        if key in members:
            raise DataError(f"{path} holds two arrays called {shown(key)}.", hint="Save it with one of them only.")
        members[key] = info
    train, test = (_read_set(archive, members, keys, path, fit) for keys in (TRAIN_KEYS, TEST_KEYS))
    if train is None and test is None:
        names = ", ".join(sorted(shown(_name(info)) for info in members.values())[:6]) or "nothing"
        raise DataError(
            f"{path} holds {names}, expected x_train and y_train.", hint="Name them so, or images and labels."
        )
    unread = sorted(shown(_name(info)) for key, info in members.items() if _VALIDATION.search(key))
    halves = sorted(_name(members[key]) for known in (TRAIN_KEYS, TEST_KEYS) for key in _halves(members, known))
    notes = (left_out(path.name, unread), left_out(path.name, halves, "without a partner, beside a pair that is whole"))
    return Contents(train, test, path.name, " ".join(filter(None, notes)))


def _whole_pairs(members: Mapping[str, zipfile.ZipInfo], known: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [pair for pair in known if members.keys() >= set(pair)]


def _halves(members: Mapping[str, zipfile.ZipInfo], known: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the arrays of pairs of which the other half is missing."""
    return [key for pair in known if not members.keys() >= set(pair) for key in pair if key in members]


def _read_set(
    archive: zipfile.ZipFile,
    members: Mapping[str, zipfile.ZipInfo],
    known: tuple[tuple[str, str], ...],
    path: Path,
    fit: Fitter | None,
) -> Digits | None:
    """Read the training or the test set, by whichever names it has, and check that no other pair is one as well."""
    # A pair that is whole goes before one of which there is but half, as in scikit-learn's digits.
    pairs = _whole_pairs(members, known) or [pair for pair in known if not members.keys().isdisjoint(pair)][:1]
    if not pairs:
        return None
    digits = _read_pair(archive, members, pairs[0], path, fit)
    for further in pairs[1:]:
        if _read_pair(archive, members, further, path, fit).digest != digits.digest:
            one, other = (" and ".join(_name(members[key]) for key in pair) for pair in (pairs[0], further))
            raise DataError(
                f"{path} holds {one}, but also {other}, which are other digits for the same place.",
                hint="Save it with one pair of them only.",
            )
    return digits


def _read_pair(
    archive: zipfile.ZipFile,
    members: Mapping[str, zipfile.ZipInfo],
    pair: tuple[str, str],
    path: Path,
    fit: Fitter | None,
) -> Digits:
    images, labels = pair
    for here, partner in ((images, labels), (labels, images)):
        if partner not in members:
            raise DataError(f"{path} holds {_name(members[here])} but no {partner}.", hint="Both are needed.")
    where_images, where_labels = (f"{path}, {_name(members[key])}" for key in (images, labels))
    pixels = as_images(_read_array(archive, members[images], where_images), where_images, fit)
    classes = as_labels(_read_array(archive, members[labels], where_labels), where_labels)
    return as_digits(pixels, classes, where_images, where_labels)


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> NDArray[np.generic]:
    with archive.open(info) as stream:
        version = npy.read_magic(stream)
        if version not in _HEADERS:
            raise DataError(f"{where} is of an unknown version.", hint="Save it with numpy.savez.")
        try:
            shape, _, kind = _HEADERS[version](stream)
        except Exception:  # Beside its own errors NumPy lets those of Python's parser through.
            raise DataError(f"{where} has a header that cannot be read.", hint=_AGAIN) from None
        header = stream.tell()
    if not kind.itemsize:
        raise DataError(f"{where} has a header that cannot be read.", hint=_AGAIN)
    if kind.hasobject:
        raise DataError(f"{where} holds Python objects, not numbers.", hint="Save arrays of numbers.")
    promised = math.prod(shape) * kind.itemsize
    if promised > MOST_BYTES:
        raise too_large(where)
    if promised != info.file_size - header:
        raise DataError(
            f"{where} is damaged: {info.file_size - header:,} bytes of numbers, its header promises {promised:,}.",
            hint=_AGAIN,
        )
    with archive.open(info) as stream:
        array: NDArray[np.generic] = npy.read_array(stream, allow_pickle=False)
    return array


def _name(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")
