"""Fetching from mirrors on 127.0.0.1: what goes wrong with one is told, and the next is tried."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgedigits.data.download import Pin, Servers, download
from edgedigits.errors import DataError
from edgedigits.progress import SilentProgress

CONTENT = bytes(range(256)) * 512
PACKED = gzip.compress(CONTENT)
BOMB = gzip.compress(bytes(20_000_000))
PIN = Pin(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class _Mirror(BaseHTTPRequestHandler):
    """Answers by the first folder of the path."""

    def do_GET(self) -> None:
        answer = getattr(self, "_" + self.path.split("/")[1])
        answer()

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, content: bytes, *, promised: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if promised is None else promised))
        self.end_headers()
        self.wfile.write(content)

    def _good(self) -> None:
        self._send(PACKED)

    def _plain(self) -> None:
        self._send(CONTENT)

    def _wrong(self) -> None:
        self._send(gzip.compress(CONTENT[::-1]))

    def _damaged(self) -> None:
        self._send(PACKED[:20] + b"\xff" * 50 + PACKED[70:])

    def _short(self) -> None:
        self._send(PACKED[:100], promised=len(PACKED))

    def _bomb(self) -> None:
        self._send(BOMB)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(bytes(10_000))

    def _sleepy(self) -> None:
        time.sleep(20)

    def _stalling(self) -> None:
        self._send(PACKED[:50], promised=len(PACKED))
        self.wfile.flush()
        time.sleep(20)

    def _dripping(self) -> None:
        self.send_response(200)
        self.end_headers()
        for byte in PACKED:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.05)

    def _missing(self) -> None:
        self.send_error(404)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what these tests are about."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with _serving() as address:
        yield address


@contextmanager
def _serving() -> Iterator[str]:
    server = _QuietServer(("127.0.0.1", 0), _Mirror)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def _servers(host: str, *folders: str, patience: float = 10.0, budget: float = 20.0) -> Servers:
    mirrors = tuple(f"http://{host}/{folder}/" for folder in folders)
    return Servers(mirrors, answer_seconds=patience, read_seconds=patience, budget_seconds=budget)


def _download(servers: Servers, target: Path, progress=None) -> None:
    download(
        "f.gz",
        target,
        pin=PIN,
        servers=servers,
        deadline=servers.deadline(),
        progress=progress or SilentProgress(),
    )


@pytest.mark.parametrize(("folder", "stored"), [("good", PACKED), ("plain", CONTENT)])
def test_a_file_is_stored_as_received(folder: str, stored: bytes, host: str, tmp_path: Path) -> None:
    _download(_servers(host, folder), tmp_path / "f.gz")
    assert (tmp_path / "f.gz").read_bytes() == stored
    assert [path.name for path in tmp_path.iterdir()] == ["f.gz"]


FAULTS = {
    "missing": "HTTP 404 Not Found",
    "wrong": "not the expected content (SHA-256 differs)",
    "damaged": "a damaged gzip file",
    "short": "not the expected content (SHA-256 differs)",
    "bomb": "not the expected content (SHA-256 differs)",
    "endless": "more bytes than expected",
    "sleepy": "no answer in time",
    "stalling": "no answer in time",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_mirror_is_told_and_leaves_nothing(fault: str, host: str, tmp_path: Path) -> None:
    patience = 0.3 if fault in ("sleepy", "stalling") else 10.0
    with pytest.raises(DataError) as caught:
        _download(_servers(host, fault, patience=patience), tmp_path / "f.gz")
    assert str(caught.value) == (
        f"f.gz could not be downloaded ({host}: {FAULTS[fault]}). Check the network, set EDGEDIGITS_DATA to "
        "a folder with the four MNIST files, or use mnist-5k."
    )
    assert list(tmp_path.iterdir()) == []


def test_the_first_good_mirror_is_used(host: str, tmp_path: Path) -> None:
    _download(_servers(host, "missing", "wrong", "good", "sleepy"), tmp_path / "f.gz")
    assert (tmp_path / "f.gz").read_bytes() == PACKED


def test_a_refused_connection_and_an_unknown_host(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refusing = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        servers = Servers((refusing, "http://no-such-host.invalid/"), 2.0, 0.3, 5.0)
        with pytest.raises(DataError, match=r"127\.0\.0\.1:\d+: Connection refused; no-such-host\.invalid: "):
            _download(servers, tmp_path / "f.gz")


def test_the_budget_bounds_everything_together(host: str, tmp_path: Path) -> None:
    servers = _servers(host, "dripping", "good", budget=0.4)
    with pytest.raises(DataError, match=f"{host}: too slow; {host}: no time left"):
        _download(servers, tmp_path / "f.gz")


def test_no_mirrors_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"f\.gz could not be downloaded \(no mirrors\)"):
        _download(Servers((), 1, 1, 1), tmp_path / "f.gz")


def test_progress_is_told_in_kib(host: str, tmp_path: Path) -> None:
    seen: dict[str, object] = {"steps": 0}

    class Recorder(SilentProgress):
        @contextmanager
        def stage(self, title: str, total: int | None = None):
            seen.update(title=title, total=total)
            yield self

        def advance(self, steps: int = 1, note: str = "") -> None:
            seen["steps"] += steps

    _download(_servers(host, "plain"), tmp_path / "f.gz", Recorder())
    assert seen == {"title": "Downloading f.gz", "total": 128, "steps": 128}


def test_an_interrupted_download_leaves_nothing(host: str, tmp_path: Path) -> None:
    class Interrupting(SilentProgress):
        @contextmanager
        def stage(self, title: str, total: int | None = None):
            raise KeyboardInterrupt
            yield

    with pytest.raises(KeyboardInterrupt):
        _download(_servers(host, "good"), tmp_path / "f.gz", Interrupting())
    assert list(tmp_path.iterdir()) == []
