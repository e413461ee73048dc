"""NumPy archives (.npz), in the form of Keras' mnist.npz and its relatives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.data.checks import as_digits, as_images, as_labels
from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.data.reading import impostor_hint, read_bytes
from edgedigits.errors import DataError

TRAIN_KEYS = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y"))
TEST_KEYS = (("x_test", "y_test"), ("test_images", "test_labels"))

_ZIP_MAGIC = b"PK\x03\x04"


def read_npz(path: Path) -> Contents:
    """Read an archive with x_train, y_train and perhaps x_test, y_test, or with images, labels or x, y.

    Nothing in the archive is executed: pickled objects are refused.

    Raises:
        DataError: it is not such an archive, is damaged, or an array is not what its name says.
    """
    _require_zip(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name.lower(): name for name in archive.files}
            train, test = (_read_pair(archive, arrays, keys, path) for keys in (TRAIN_KEYS, TEST_KEYS))
    except DataError:
        raise
    except Exception as error:  # NumPy, zipfile and zlib raise a dozen kinds for a damaged archive.
        cause = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{path} is a damaged .npz archive: {cause}.", hint="Save or copy it again.") from None
    if train is None and test is None:
        found = ", ".join(sorted(arrays.values())[:6]) or "nothing"
        raise DataError(
            f"{path} holds {found}, expected x_train and y_train.", hint="Name them so, or images and labels."
        )
    return Contents(train, test, path.name)


def _require_zip(path: Path) -> None:
    head = read_bytes(path, 16)
    if not head.startswith(_ZIP_MAGIC):
        raise DataError(f"{path} is not a .npz archive.", hint=impostor_hint(head) or "Save it with numpy.savez.")


def _read_pair(
    archive: Mapping[str, Any], arrays: Mapping[str, str], known: tuple[tuple[str, str], ...], path: Path
) -> Digits | None:
    for images, labels in known:
        if images not in arrays and labels not in arrays:
            continue
        for here, partner in ((images, labels), (labels, images)):
            if partner not in arrays:
                raise DataError(f"{path} holds {arrays[here]} but no {partner}.", hint="Both are needed.")
        where_images, where_labels = (f"{path}, {arrays[key]}" for key in (images, labels))
        pixels = as_images(_plain(archive[arrays[images]], where_images), where_images)
        return as_digits(pixels, as_labels(archive[arrays[labels]], where_labels), where_images, where_labels)
    return None


def _plain(array: Any, where: str) -> Any:
    if not isinstance(array, np.ndarray):
        raise DataError(f"{where} is not an array.", hint="Save it with numpy.savez.")
    return array
