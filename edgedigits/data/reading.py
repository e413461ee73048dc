"""Opens files of data sets, packed or not, so that whatever is wrong with one becomes a sentence.

Nothing here asks for more memory than `MOST_BYTES`, and nothing waits: what is no regular file is refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader
from pathlib import Path

from edgedigits.errors import DataError
from edgedigits.files.regular import require_regular

GZIP_MAGIC = b"\x1f\x8b"
_BZIP2_MAGIC, _XZ_MAGIC = b"BZh", b"\xfd7zXZ"
_MOST_XZ_MEMORY = 1 << 27  # for `xz -9`, the strongest of its presets, needs 65 MiB

PACKED = re.compile(r"\.(gz|bz2|xz)$", re.IGNORECASE)
"""How the name of a packed file ends; whether one is packed is told by its content."""

MOST_BYTES = 1 << 30
"""What a source may hold once decompressed, 1 GiB: 1.3 million digits of a byte a pixel, or half as many in a CSV."""

_PART = 1 << 20
_AGAIN = "Download or copy it again."


def exists(path: Path) -> bool:
    """Say whether there is anything at `path`; a link that leads nowhere is nothing.

    Raises:
        DataError: the system does not let us look.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, error) from None
    return True


def require_file(path: Path) -> None:
    """Check that `path` is a file: to open a pipe or a device may be to wait for ever.

    Raises:
        DataError: it is missing or cannot be looked at, or is a folder, pipe, socket or device.
    """
    with _told(path):
        require_regular(path)


def is_folder(path: Path) -> bool:
    """Say whether `path` is a folder; no where the system does not tell."""
    try:
        return path.is_dir()
    except OSError:
        return False


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted by name.

    Raises:
        DataError: it cannot be looked into.
    """
    with _told(folder):
        return sorted(folder.iterdir())


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open `path` for reading the bytes that are stored.

    Raises:
        DataError: it is missing, no regular file, unreadable, or larger than `MOST_BYTES`.
    """
    require_file(path)
    with _told(path), path.open("rb") as stored:
        if os.fstat(stored.fileno()).st_size > MOST_BYTES:
            raise too_large(str(path))
        yield stored


@contextmanager
def reading(path: Path) -> Iterator[BufferedReader]:
    """Open `path` for reading bytes, decompressed where its content is gzip, bzip2 or xz, whatever its name says.

    Raises:
        DataError: as `opened`; or it is empty, what is packed is damaged, or holds more than `MOST_BYTES`.
            Damage shows only while reading, so keep the reading inside the `with`.
    """
    with opened(path) as stored:
        # By its size, for those files of the system that have none make a reader wait.
        if not os.fstat(stored.fileno()).st_size:
            raise DataError(f"{path} is empty.", hint=_AGAIN)
        magic = stored.read(len(_XZ_MAGIC))
        stored.seek(0)
        if magic.startswith(GZIP_MAGIC):
            with gzip.open(stored) as unpacked:
                yield BufferedReader(_Bounded(unpacked, path))
        elif magic.startswith(_BZIP2_MAGIC):
            yield BufferedReader(_Bounded(_Unpacked(stored, bz2.BZ2Decompressor), path))
        elif magic == _XZ_MAGIC:
            yield BufferedReader(_Bounded(_Unpacked(stored, _xz_decompressor), path))
        else:
            yield stored


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the first bytes of `path`, at most `limit`, decompressed where it is packed.

    Raises:
        DataError: as `reading`.
    """
    with reading(path) as stream:
        return stream.read(limit)


def read_whole(path: Path) -> bytearray:
    """Return the content of `path`, decompressed where it is packed.

    Raises:
        DataError: as `reading`.
    """
    content = bytearray()
    with reading(path) as stream:
        # Unlike stream.read(), which joins a list of parts, this never holds the content twice.
        while part := stream.read(_PART):
            content += part
    return content


def too_large(where: str) -> DataError:
    """What to say of a source that would not fit."""
    return DataError(
        f"{where} holds more than {MOST_BYTES >> 20:,} MiB once unpacked, which is the most that is read.",
        hint="Store a byte a pixel (uint8), or take fewer digits.",
    )


def _xz_decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_XZ_MEMORY)


class _Unpacked(io.RawIOBase):
    """The content of a packed file, one stream behind the other; the library's own readers know no limit of memory."""

    def __init__(self, stored: BufferedReader, new: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> None:
        self._stored, self._new, self._stream = stored, new, new()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part, rest = b"", b""
        while not part:
            if self._stream.eof:
                rest = self._stream.unused_data or self._stored.read(_PART)
                if not rest.strip(b"\0"):
                    return 0
                self._stream = self._new()
            elif self._stream.needs_input:
                rest = self._stored.read(_PART)
                if not rest:
                    raise EOFError
            part, rest = self._stream.decompress(rest, len(buffer)), b""
        buffer[: len(part)] = part
        return len(part)


class _Bounded(io.RawIOBase):
    """Passes on what a decompressor gives, up to `MOST_BYTES`."""

    def __init__(self, stream: BufferedIOBase | io.RawIOBase, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._stream.readinto(buffer) or 0
        self._left -= count
        if self._left < 0:
            raise too_large(str(self._path))
        return count


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the system and the decompressor raise into sentences."""
    try:
        yield
    except EOFError:
        raise DataError(f"{path} is a truncated {_packing(path)} file.", hint=_AGAIN) from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path} is a damaged {_packing(path)} file ({error}).", hint=_AGAIN) from None
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.", hint="Check the spelling and the folder.") from None
    except OSError as error:
        if error.errno is None:  # Of bzip2's decompressor, which has no error of its own.
            raise DataError(f"{path} is a damaged bzip2 file ({error}).", hint=_AGAIN) from None
        raise _unreadable(path, error) from None


def _packing(path: Path) -> str:
    """Return what a file that is damaged is packed with."""
    with path.open("rb") as stored:
        magic = stored.read(len(_XZ_MAGIC))
    return "xz" if magic == _XZ_MAGIC else "bzip2" if magic.startswith(_BZIP2_MAGIC) else "gzip"


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be read: {error.strerror or error}.", hint="Check its permissions.")
