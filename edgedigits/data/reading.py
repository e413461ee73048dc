"""Opens files of data sets, gzipped or not, so that whatever is wrong with one becomes a sentence."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from edgedigits.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"

_AGAIN = "Download or copy it again."

# Files that are often found under a name that promises something else.
_IMPOSTORS = (
    (b"PK\x03\x04", "This is a zip archive, as Kaggle hands out: unzip it and give the file inside."),
    (b"\x89PNG", "This is a PNG image: put digits into folders 0 to 9 and give the folder above them."),
    (b"\x93NUMPY", "This is a .npy array: save images and labels together with numpy.savez(file, x=…, y=…)."),
    (b"version https://git-lfs", "This is a Git LFS pointer: run `git lfs pull` to get the file."),
    (b"\xff\xfe", "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8."),
    (b"<!DOCTYPE", "This is a web page, perhaps a failed download."),
    (b"<html", "This is a web page, perhaps a failed download."),
)


@contextmanager
def reading(path: Path) -> Iterator[BufferedIOBase]:
    """Open `path` for reading bytes, decompressed where its content is gzip, whatever its name says.

    Raises:
        DataError: the file is missing, a folder, unreadable or empty, or its gzip stream is damaged. Damage
            shows only while reading, so keep the reading inside the `with`.
    """
    try:
        with path.open("rb") as stored:
            magic = stored.read(2)
            stored.seek(0)
            if not magic:
                raise DataError(f"{path} is empty.", hint=_AGAIN)
            if magic == GZIP_MAGIC:
                with gzip.open(stored) as unpacked:
                    yield unpacked
            else:
                yield stored
    except EOFError:
        raise DataError(f"{path} is a truncated gzip file.", hint=_AGAIN) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}).", hint=_AGAIN) from None
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.", hint="Check the spelling and the folder.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, expected a file.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.", hint="Check its permissions.") from None


def read_bytes(path: Path, limit: int = -1) -> bytes:
    """Return the content of `path`, decompressed where it is gzip; at most `limit` bytes unless negative.

    Raises:
        DataError: as `reading`.
    """
    with reading(path) as stream:
        return stream.read(limit)


def impostor_hint(head: bytes) -> str:
    """Return what a file that begins with `head` really is and what to do about it; empty where unknown."""
    return next((hint for magic, hint in _IMPOSTORS if head.startswith(magic)), "")
