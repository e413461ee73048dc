"""`edgedigits collect`: what is drawn lands in the CSV, whoever else knocks at the port."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.collect.book import Book
from edgedigits.collect.monitor import parse_seen
from edgedigits.collect.run import collecting
from edgedigits.collect.server import MOST_BODY, MOST_CONNECTIONS, CollectServer
from edgedigits.data.csv_file import read_csv
from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER, csv_line
from edgedigits.data.geometry import fit_picture
from edgedigits.errors import DataError
from tests.report.accessibility import assert_accessible
from tests.report.page_checker import check_page

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "deploy" / "reference"
INK = np.full(784, 200, np.uint8)


def text(pixels: np.ndarray) -> str:
    return base64.b64encode(pixels.tobytes()).decode()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "mine.csv"


@pytest.fixture
def server(book: Path) -> Iterator[CollectServer]:
    with collecting(book, model=str(REFERENCE)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: CollectServer, method: str, place: str, given: Any = None, **headers: str) -> tuple[int, Any]:
    """Return status and answer of a request to a place behind the secret, or to a path that begins with a slash."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    path = place if place.startswith("/") else f"/{server.token}/{place}"
    body = None if given is None else given if isinstance(given, bytes) else json.dumps(given)
    kind = {} if given is None else {"Content-Type": "application/json"}
    connection.request(method, path, body, kind | {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    is_page = answer.headers.get_content_type() == "text/html"
    return answer.status, content if is_page else json.loads(content)


def test_what_is_drawn_is_fitted_read_and_kept(server: CollectServer, book: Path, five_thousand: Digits) -> None:
    image, label = five_thousand.images[0], int(five_thousand.labels[0])
    picture = np.kron(image.reshape(28, 28), np.ones((10, 10), np.uint8))
    drawn = {"picture": text(picture), "side": 280}
    fitted = fit_picture(picture).ravel()
    status, read = ask(server, "POST", "read", drawn)
    assert status == 200
    assert read["ink"]
    assert base64.b64decode(read["pixels"]) == fitted.tobytes()
    assert read["said"]["digit"] == label
    assert len(read["said"]["scores"]) == 10
    assert ask(server, "POST", "digits", drawn | {"label": label})[0] == 200
    kept = read_csv(book)
    np.testing.assert_array_equal(kept.images, fitted[None])
    assert kept.labels.tolist() == [label]


def test_a_label_is_corrected_and_a_digit_removed(server: CollectServer, book: Path) -> None:
    keys = [ask(server, "POST", "digits", {"pixels": text(INK), "label": label})[1]["key"] for label in (3, 4, 5)]
    assert ask(server, "PUT", f"digits/{keys[1]}", {"label": 9})[1]["label"] == 9
    assert read_csv(book).labels.tolist() == [3, 9, 5]
    assert ask(server, "DELETE", f"digits/{keys[0]}")[0] == 200
    assert read_csv(book).labels.tolist() == [9, 5]
    assert ask(server, "DELETE", f"digits/{keys[0]}")[0] == 400, "it is gone"
    assert [one["label"] for one in ask(server, "GET", "digits")[1]["digits"]] == [9, 5]


def test_the_page_is_whole_and_takes_nothing_from_elsewhere(server: CollectServer) -> None:
    status, page = ask(server, "GET", "")
    assert status == 200
    assert not check_page(page).links
    nonces = set(re.findall(r'nonce="([^"]+)"', page))
    assert len(nonces) == 1, "of all scripts and styles"
    assert nonces != set(re.findall(r'nonce="([^"]+)"', ask(server, "GET", "")[1])), "another each time"


@pytest.mark.parametrize(
    ("method", "place", "given", "headers", "status"),
    [
        ("GET", "/", None, {}, 403),
        ("GET", "/wrong/", None, {}, 403),
        ("GET", "/wrong/digits", None, {}, 403),
        ("GET", "", None, {"Host": "edgedigits.example"}, 403),
        ("GET", "", None, {"Host": "127.0.0.1"}, 403),
        ("POST", "digits", {"pixels": text(INK), "label": 1}, {"Origin": "http://edgedigits.example"}, 403),
        ("POST", "digits", {"pixels": text(INK), "label": 1}, {"Origin": "null"}, 403),
        ("POST", "digits", {"pixels": text(INK), "label": 1}, {"Content-Type": "text/plain"}, 415),
        ("GET", "nothing", None, {}, 404),
        ("POST", "nothing", {}, {}, 404),
        ("PUT", "digits/x", {"label": 1}, {}, 404),
        ("DELETE", "digits/7", None, {}, 400),
        ("PATCH", "digits/0", {"label": 1}, {}, 501),
        ("POST", "digits", b"[" * 100_000, {}, 400),
        ("POST", "digits", b"no JSON", {}, 400),
        ("POST", "digits", [], {}, 400),
        ("POST", "digits", {"pixels": text(INK)}, {}, 400),
        ("POST", "digits", {"pixels": text(INK), "label": 10}, {}, 400),
        ("POST", "digits", {"pixels": text(INK), "label": True}, {}, 400),
        ("POST", "digits", {"pixels": text(INK[1:]), "label": 1}, {}, 400),
        ("POST", "digits", {"pixels": "%%", "label": 1}, {}, 400),
        ("POST", "digits", {"pixels": text(0 * INK), "label": 1}, {}, 400),
        ("POST", "digits", {"picture": "", "side": 0, "label": 1}, {}, 400),
        ("POST", "digits", {"picture": "", "side": 100_000, "label": 1}, {}, 400),
        ("POST", "digits", {"pixels": text(INK), "label": 1}, {"Content-Length": "-1"}, 411),
        ("POST", "digits", {"pixels": text(INK), "label": 1}, {"Content-Length": str(MOST_BODY + 1)}, 413),
    ],
)
def test_what_is_not_from_the_page_is_refused_with_its_own_status(
    method: str, place: str, given: Any, headers: dict[str, str], status: int, server: CollectServer, book: Path
) -> None:
    found, answer = ask(server, method, place, given, **{name.replace("-", "_"): one for name, one in headers.items()})
    assert found == status
    assert answer["error"]
    assert book.read_text() == HEADER + "\n"


def knock(port: int, content: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as knocking, suppress(ConnectionError):
        knocking.sendall(content)
        knocking.shutdown(socket.SHUT_WR)
        while knocking.recv(65536):
            pass


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_malformed_requests_are_survived(
    count: int, server: CollectServer, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda found: failed.append(str(found.exc_value)))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # both ends are in this process
    bits = np.random.default_rng(1)
    heads = [
        b"GET / HTTP/1.1\r\n",
        b"POST /digits HTTP/9.9\r\n",
        b"\x16\x03\x01",
        b"GET " + b"/" * 70_000,
        b"\r\n" * 9,
        b"",
    ]
    for number in range(count):
        knock(server.server_port, heads[number % len(heads)] + bits.bytes(int(bits.integers(300))))
    assert ask(server, "POST", "digits", {"pixels": text(INK), "label": 1})[0] == 200
    sys.setswitchinterval(before)
    assert read_csv(book).labels.tolist() == [1]
    assert not failed


def test_silent_connections_do_not_pile_up(server: CollectServer) -> None:
    held = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(MOST_CONNECTIONS)]
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(server, "GET", "digits")
    for one in held:
        one.close()
    time.sleep(0.2)
    assert ask(server, "GET", "digits")[0] == 200


def test_a_book_goes_on_where_it_was(book: Path) -> None:
    Book(book).add(7, INK)
    book.write_text(book.read_text().rstrip("\n"))  # as editors leave it
    opened = Book(book)
    opened.add(8, INK)
    assert read_csv(book).labels.tolist() == [7, 8]
    assert [entry.label for entry in Book(book).entries] == [7, 8]


def test_a_book_is_open_in_one_run_at_a_time(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with collecting(book) as first:
        first.service.book.add(7, INK)
        assert main(["collect", str(book)]) == 3
        assert "mine.csv is being filled by another edgedigits collect. Draw on its page" in capsys.readouterr().err
        first.service.book.relabel(0, 8)
    with collecting(book) as second:
        assert [entry.label for entry in second.service.book.entries] == [8]
    assert [path.name for path in book.parent.iterdir()] == ["mine.csv"], "and no lock stays"


def test_what_another_program_wrote_is_never_written_over(book: Path) -> None:
    opened = Book(book)
    opened.add(7, INK)
    opened.relabel(0, 6)
    book.write_text(book.read_text() + csv_line(5, INK))  # an editor saves it
    before = book.read_bytes()
    for change in (lambda: opened.add(1, INK), lambda: opened.relabel(0, 1), lambda: opened.remove(0)):
        with pytest.raises(DataError, match=r"mine\.csv was changed by another program"):
            change()
    assert book.read_bytes() == before


def test_a_disk_that_takes_nothing_leaves_the_book_as_it_was(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Book(book)
    entry = opened.add(7, INK)
    before = book.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left"):
        opened.add(8, INK)
    assert book.read_bytes() == before
    monkeypatch.setattr("edgedigits.collect.book.write_csv", lambda *_, **__: (_ for _ in ()).throw(DataError("full")))
    for change in (lambda: opened.relabel(entry.key, 1), lambda: opened.remove(entry.key)):
        with pytest.raises(DataError):
            change()
        assert [one.label for one in opened.entries] == [7]


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("mine.txt", None, 2, "not the name of a CSV"),
        ("mine.csv", "label,a,b\n1,2,3\n", 3, "line 1: it is no CSV that `collect` wrote"),
        ("mine.csv", HEADER + "\n1,2\n", 3, "line 2"),
        ("none/mine.csv", None, 3, "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_alone(
    name: str, content: str | None, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    assert main(["collect", str(path)]) == code
    assert words in capsys.readouterr().err
    assert (path.read_text() if path.exists() else None) == content


def test_a_port_that_is_taken_and_a_board_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], server: CollectServer
) -> None:
    book = tmp_path / "other.csv"
    assert main(["collect", str(book), "--http-port", str(server.server_port)]) == 4
    assert "cannot be listened on" in capsys.readouterr().err
    assert main(["collect", str(book), "--port", "socket://127.0.0.1:1"]) == 4
    assert "Nobody answers" in capsys.readouterr().err


def test_lines_of_a_board_are_told_from_its_chatter() -> None:
    pixels = bytes(range(256)) * 3 + bytes(16)
    seen = parse_seen(f"seen 7 {pixels.hex()}", 1)
    assert seen is not None
    assert (seen.digit, seen.image.tobytes()) == (7, pixels)
    refused = parse_seen(f"seen ? {pixels.hex().upper()}", 2)
    assert refused is not None
    assert refused.digit is None
    for line in ("ready", f"seen 7 {pixels.hex()[2:]}", f"seen 10 {pixels.hex()}", f" seen 7 {pixels.hex()}"):
        assert parse_seen(line, 1) is None


def test_what_a_board_saw_waits_for_its_label(book: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as board:
        port = f"socket://127.0.0.1:{board.getsockname()[1]}"
        with collecting(book, port=port) as server:
            wire, _ = board.accept()
            wire.sendall(b"hello\r\n" + b"".join(b"seen %d %s\r\n" % (n % 10, b"01" * 784) for n in range(60)))
            seen = []
            deadline = time.monotonic() + 10
            while (not seen or seen[-1]["number"] < 60) and time.monotonic() < deadline:
                seen = server.service.seen(0)["seen"]
            assert [one["number"] for one in seen] == list(range(11, 61)), "the oldest are forgotten"
            assert [one["number"] for one in server.service.seen(58)["seen"]] == [59, 60]
            wire.close()
            while not server.service.seen(0)["lost"] and time.monotonic() < deadline:
                time.sleep(0.01)
            assert "socket://" in server.service.seen(0)["lost"], "a port that vanishes is told"


def test_ctrl_c_ends_it_well(book: Path) -> None:
    command = [sys.executable, "-m", "edgedigits", "collect", str(book), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment) as program:
        assert program.stderr is not None
        assert "at http://127.0.0.1:" in program.stderr.readline()
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=30)
    assert program.returncode == 0
    assert json.loads(out)["digits"] == 0
    assert book.read_text() == HEADER + "\n"


@pytest.mark.slow
def test_what_a_board_refused_is_kept_under_no_label_until_one_is_chosen(book: Path, browser: Any) -> None:
    from playwright.sync_api import expect

    with socket.create_server(("127.0.0.1", 0)) as board:
        port = f"socket://127.0.0.1:{board.getsockname()[1]}"
        with collecting(book, port=port) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            with board.accept()[0] as wire:
                wire.sendall(b"seen ? %s\n" % (b"7f" * 784))
                tab = browser.new_page()
                tab.goto(server.address)
                expect(tab.locator("#seen select")).to_have_value("")
                expect(tab.locator("#seen button")).to_be_disabled()
                tab.locator("#seen select").select_option("4")
                tab.locator("#seen button").click()
                expect(tab.locator("#counts")).to_have_text("1 digit: 1 × 4.")
                wire.sendall(b"seen 9 %s\n" % (b"7f" * 784))
                expect(tab.locator("#seen select")).to_have_value("9")
                expect(tab.locator("#seen button")).to_be_enabled()
            server.shutdown()
            thread.join()
    assert read_csv(book).labels.tolist() == [4]


@pytest.mark.slow
def test_chromium_draws_keeps_and_corrects(server: CollectServer, browser: Any, book: Path) -> None:
    """A person's way through the page in a real browser, wide and narrow, under the page's own rules for scripts."""
    from playwright.sync_api import expect

    server.service.add({"pixels": text(INK), "label": 5})
    troubles: list[str] = []
    for width in (1200, 390):
        tab = browser.new_page(viewport={"width": width, "height": 1200})
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.goto(server.address)
        tab.wait_for_selector("html[data-ready=yes]")
        before = len(server.service.book)
        box = tab.locator("#paper").bounding_box()
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in ((0.5, 0.15), (0.48, 0.85))]
        tab.mouse.move(*at[0])
        tab.mouse.down()
        tab.mouse.move(*at[1], steps=8)
        tab.mouse.up()
        expect(tab.locator("#said")).to_have_text("Read as 1.")
        tab.keyboard.press("1")
        expect(tab.locator("#digits li")).to_have_count(before + 1)
        tab.locator("#digits select").first.select_option("7")
        expect(tab.locator("#counts")).to_contain_text("× 7")
        assert read_csv(book).labels[-1] == 7
        tab.locator("#digits button").first.click()
        expect(tab.locator("#digits li")).to_have_count(before)
        tab.locator("#photo").set_input_files({"name": "no.png", "mimeType": "image/png", "buffer": b"no picture"})
        expect(tab.locator("#photo-told")).to_have_text("That is no picture that this browser can read.")
        expect(tab.locator("#said")).to_have_text("Nothing is drawn yet.")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(tab)
    assert not troubles
