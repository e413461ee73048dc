"""Fetches one file from the first of several mirrors that has it, within bounds of time and size."""

from __future__ import annotations

import hashlib
import http.client
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.data.reading import GZIP_MAGIC
from edgedigits.data.writing import replacing
from edgedigits.errors import AbsentDataError
from edgedigits.progress import SILENT, Progress
from edgedigits.version import __version__

_CHUNK = 1 << 16
_KIB = 1024


@dataclass(frozen=True)
class Servers:
    """Where to fetch from, and how long to try.

    Attributes:
        mirrors: addresses that end in "/"; a file's name is appended.
        answer_seconds: for one mirror to look up, connect and answer.
        read_seconds: for the next bytes to arrive.
        budget_seconds: for everything together.
    """

    mirrors: tuple[str, ...]
    answer_seconds: float
    read_seconds: float
    budget_seconds: float

    def deadline(self) -> float:
        """Return the `time.monotonic` at which a budget that starts now is spent."""
        return time.monotonic() + self.budget_seconds


@dataclass(frozen=True)
class Pin:
    """What a file must be, decompressed.

    Attributes:
        size: bytes.
        sha256: in hexadecimal.
    """

    size: int
    sha256: str

    def matches(self, content: bytes) -> bool:
        """Say whether `content` is that file."""
        return len(content) == self.size and hashlib.sha256(content).hexdigest() == self.sha256


class _RefusedError(Exception):
    """A mirror answered, but not with what is wanted."""


def download(
    name: str, target: Path, *, pin: Pin, servers: Servers, deadline: float, progress: Progress = SILENT
) -> None:
    """Fetch `name`, check it against its pin and store it as `target`, as received.

    Args:
        name: the file's name on the mirrors.
        target: where it goes, by way of a temporary name.
        pin: what it must be, decompressed.
        servers: mirrors and time limits.
        deadline: `time.monotonic` at which to give up.
        progress: gets a stage in KiB.

    Raises:
        AbsentDataError: no mirror had it in time, with the reason of each.
        DataError: `target` cannot be written.
    """
    failures = []
    for mirror in servers.mirrors:
        host = urllib.parse.urlsplit(mirror).netloc
        try:
            content = _fetch(mirror + name, pin, servers, deadline, progress)
        except (OSError, http.client.HTTPException, _RefusedError) as error:
            failures.append(f"{host}: {_reason(error)}")
            continue
        with replacing(target, force=True) as temporary:
            temporary.write_bytes(content)
        return
    raise AbsentDataError(
        f"{name} could not be downloaded ({'; '.join(failures) or 'no mirrors'}).",
        hint="Check the network, set EDGEDIGITS_DATA to a folder with the four MNIST files, or use mnist-5k.",
    )


def _fetch(url: str, pin: Pin, servers: Servers, deadline: float, progress: Progress) -> bytes:
    seconds = min(servers.answer_seconds, deadline - time.monotonic())
    if seconds <= 0:
        raise _RefusedError("no time left")
    with _open(url, seconds, servers.read_seconds) as response:
        content = _receive(response, url, pin, deadline, progress)
    if not pin.matches(_unpacked(content, pin.size)):
        raise _RefusedError("not the expected content (SHA-256 differs)")
    return content


def _open(url: str, answer_seconds: float, read_seconds: float) -> Any:
    """Open `url`; in a thread, because looking up a host name heeds no time limit of ours."""
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
    request = urllib.request.Request(url, headers={"User-Agent": f"edgedigits/{__version__}"})

    def work() -> None:
        try:
            answer.put(urllib.request.urlopen(request, timeout=read_seconds))
        except Exception as error:
            answer.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        response = answer.get(timeout=answer_seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(response, Exception):
        raise response
    return response


def _receive(response: Any, url: str, pin: Pin, deadline: float, progress: Progress) -> bytes:
    # A gzip stream may be slightly longer than what it holds, but not by much.
    limit = pin.size + pin.size // 100 + _KIB
    length = response.headers.get("Content-Length", "")
    total = -(-int(length) // _KIB) if length.isdigit() else None
    content = bytearray()
    with progress.stage(f"Downloading {url.rsplit('/', 1)[-1].split('-ubyte')[0]}", total) as stage:
        while chunk := response.read1(_CHUNK):
            before = len(content) // _KIB
            content += chunk
            stage.advance(len(content) // _KIB - before, note="KiB")
            if len(content) > limit:
                raise _RefusedError("more bytes than expected")
            if time.monotonic() > deadline:
                raise _RefusedError("too slow")
    return bytes(content)


def _unpacked(content: bytes, size: int) -> bytes:
    """Decompress, where it is gzip, to at most one byte more than `size`."""
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content, size + 1)
    except zlib.error:
        raise _RefusedError("a damaged gzip file") from None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
