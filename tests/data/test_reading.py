"""Opening files: what is no file, what is no path, and what would not fit is told, and nothing waits."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data import reading
from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER
from edgedigits.data.load import read_source
from edgedigits.data.reading import MOST_BYTES, exists, is_folder, listed, read_whole
from edgedigits.errors import EXIT_DATA, ConfigError, DataError
from edgedigits.files import regular
from tests.data.digit_files import csv_lines, idx_images, told, write_idx, write_text

WRITE_FIRST = "Write what comes out of it to a file first."
SMALLER = "Store a byte a pixel (uint8), or take fewer digits."


def _refusal(call, *arguments, folder: Path = Path()) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert caught.value.exit_code == EXIT_DATA
    return told(caught.value, folder)


@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x", "train-images-idx3-ubyte", "x.png"])
def test_a_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    expected = f"{name} is a pipe, expected a file. {WRITE_FIRST}"
    assert _refusal(read_source, str(tmp_path / name), folder=tmp_path) == expected


def test_devices_and_sockets_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _refusal(read_source, "/dev/zero") == f"/dev/zero is a device, expected a file. {WRITE_FIRST}"
    assert _refusal(read_source, "/dev/tty") == f"/dev/tty is a device, expected a file. {WRITE_FIRST}"
    monkeypatch.chdir(tmp_path)  # A socket's path may be no longer than a hundred bytes.
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("x.csv")
        assert _refusal(read_source, "x.csv") == f"x.csv is a socket, expected a file. {WRITE_FIRST}"


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="is Linux's")
def test_what_the_system_makes_up_as_it_is_read_is_no_file() -> None:
    assert Path("/proc/version").read_text()
    assert _refusal(read_source, "/proc/version") == "/proc/version is empty. Download or copy it again."


def test_a_block_device_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk.csv").write_text("x")
    monkeypatch.setattr(regular.stat, "S_ISREG", lambda _: False)
    for kind, noun in (("S_ISBLK", "device"), ("", "special file")):
        monkeypatch.setattr(regular, "_KINDS", ((lambda _: True, "device"),) if kind else ())
        assert _refusal(read_whole, tmp_path / "disk.csv", folder=tmp_path) == (
            f"disk.csv is a {noun}, expected a file. {WRITE_FIRST}"
        )


@pytest.mark.parametrize("text", ["a\0b", "\ud800.csv", "~nosuchuser/x.csv", "x" * 5000, "/x" * 5000])
def test_what_can_be_no_path(text: str) -> None:
    with pytest.raises(ConfigError):
        read_source(text)


def test_a_path_that_leads_nowhere_or_in_circles(tmp_path: Path) -> None:
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    assert _refusal(read_source, str(tmp_path / "loop.csv"), folder=tmp_path).startswith(
        "loop.csv cannot be read: Too many levels of symbolic links."
    )
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nothing")
    assert "gone.csv does not exist." in _refusal(read_source, str(tmp_path / "gone.csv"))
    (tmp_path / "file").write_text("x")
    assert "file/x.csv does not exist." in _refusal(read_source, str(tmp_path / "file" / "x.csv"))
    assert _refusal(read_whole, tmp_path / "none", folder=tmp_path) == (
        "none does not exist. Check the spelling and the folder."
    )


def test_a_tilde_is_the_user_s_home(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_text(tmp_path / "x.csv", [HEADER, *csv_lines(few)])
    assert read_source("~/x.csv").everything.digest == few.digest


def test_a_folder_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    expected = ". cannot be read: Permission denied. Check its permissions."
    assert _refusal(listed, Path()) == expected
    assert _refusal(read_source, str(tmp_path)).endswith("cannot be read: Permission denied. Check its permissions.")
    monkeypatch.setattr(Path, "is_dir", refuse)
    assert not is_folder(tmp_path)
    monkeypatch.setattr(Path, "stat", refuse)
    assert _refusal(exists, Path("x")) == "x cannot be read: Permission denied. Check its permissions."


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_and_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("x")
    (tmp_path / "f.csv").chmod(0)
    expected = "f.csv cannot be read: Permission denied. Check its permissions."
    assert _refusal(read_source, str(tmp_path / "f.csv"), folder=tmp_path) == expected


# --- bounds ----------------------------------------------------------------------------------------

BOMB = gzip.compress(bytes(30_000_000), compresslevel=9)


@pytest.mark.parametrize(
    "name", ["x.csv", "x.csv.gz", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "x.bin.gz"]
)
def test_what_unpacks_to_more_than_the_limit_is_refused(
    name: str, few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a limit of 16 MiB; a test of the real one, 1 GiB, is among the slow."""
    monkeypatch.setattr(reading, "MOST_BYTES", 16 << 20)
    start = {"images": idx_images(few.images)[:16], "labels": b"\0\0\x08\1\1\0\0\0"}
    head = next((head for noun, head in start.items() if noun in name), (HEADER + "\n").encode())
    folder = write_idx(tmp_path, few, packed=True) if "idx" in name else tmp_path
    (folder / name).write_bytes(gzip.compress(head) + BOMB)
    source = folder if "idx" in name else folder / name
    tracemalloc.start()
    try:
        sentence = _refusal(read_source, str(source), folder=tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 24_000_000
    finally:
        tracemalloc.stop()
    if name == "x.bin.gz":
        assert sentence.startswith("x.bin.gz is of no known kind.")
    elif name.startswith("x"):
        assert sentence == f"{name}, line 2 is longer than 1,048,576 characters. Is this the CSV that was meant?"
    else:
        assert sentence == f"{name} holds more than 16 MiB once unpacked, which is the most that is read. {SMALLER}"


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_csv_is_read_up_to_the_limit(
    packed: bool, few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n".join([HEADER, *csv_lines(few) * 3]).encode()
    path = tmp_path / "x.csv"
    path.write_bytes(gzip.compress(text) if packed else text)
    monkeypatch.setattr(reading, "MOST_BYTES", len(text))
    assert len(read_source(str(path)).everything) == 180
    monkeypatch.setattr(reading, "MOST_BYTES", len(text) - 1)
    expected = f"x.csv holds more than 0 MiB once unpacked, which is the most that is read. {SMALLER}"
    assert _refusal(read_source, str(path), folder=tmp_path) == expected


def test_a_file_with_a_hole_is_judged_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    expected = f"x.csv holds more than 1,024 MiB once unpacked, which is the most that is read. {SMALLER}"
    assert _refusal(read_source, str(path), folder=tmp_path) == expected


@pytest.mark.slow
def test_three_megabytes_that_unpack_to_gigabytes(tmp_path: Path) -> None:
    line = ",".join(["7", *["0"] * 784]).encode() + b"\n"
    with gzip.open(tmp_path / "x.csv.gz", "wb", compresslevel=9) as file:
        for _ in range(-(-MOST_BYTES // (1000 * len(line)))):
            file.write(line * 1000)
    assert (tmp_path / "x.csv.gz").stat().st_size < 4_000_000
    expected = f"x.csv.gz holds more than 1,024 MiB once unpacked, which is the most that is read. {SMALLER}"
    assert _refusal(read_source, str(tmp_path / "x.csv.gz"), folder=tmp_path) == expected


def _noise(count: int) -> bytes:
    """Return bytes that no packing makes shorter, the same ones in every run."""
    return np.random.default_rng(0).bytes(count)


PACKINGS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("kind", PACKINGS)
def test_what_is_packed_is_unpacked_whatever_it_is_called(kind: str, tmp_path: Path) -> None:
    content = _noise(300_000) + bytes(3_000_000)
    (tmp_path / "x").write_bytes(PACKINGS[kind](content))
    assert read_whole(tmp_path / "x") == content
    two = PACKINGS[kind](content[:5]) + PACKINGS[kind](content[5:])
    (tmp_path / "x").write_bytes(two + bytes(8))  # xz and tar fill up with zeros
    assert read_whole(tmp_path / "x") == content


@pytest.mark.parametrize("kind", PACKINGS)
def test_what_is_packed_and_damaged_is_told(kind: str, tmp_path: Path) -> None:
    whole, where, again = PACKINGS[kind](_noise(5000)), "x is a", f"{kind} file"
    (tmp_path / "x").write_bytes(whole[:-30])
    truncated = f"{where} truncated {again}. Download or copy it again."
    assert _refusal(read_whole, tmp_path / "x", folder=tmp_path) == truncated
    found = []
    for place in range(100, len(whole) - 100, 97):
        (tmp_path / "x").write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        found.append(_refusal(read_whole, tmp_path / "x", folder=tmp_path))
    damaged = [refusal for refusal in found if refusal != truncated]  # A few bytes of bzip2 hide where the data end.
    assert len(damaged) > 0.8 * len(found)
    for refusal in damaged:
        assert refusal.startswith(f"{where} damaged {again} (") and refusal.endswith("). Download or copy it again.")


def test_an_xz_file_that_asks_for_more_memory_than_any_usual_one_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]
    (tmp_path / "x").write_bytes(lzma.compress(b"x", lzma.FORMAT_XZ, filters=filters))
    assert _refusal(read_whole, tmp_path / "x", folder=tmp_path).startswith("x is a damaged xz file (Memory usage")


@pytest.mark.parametrize("ending", [".bz2", ".xz"])
def test_a_packed_csv_is_a_csv(ending: str, few: Digits, tmp_path: Path) -> None:
    write_text(tmp_path / "x.csv", [HEADER, *csv_lines(few)])
    (tmp_path / f"y.csv{ending}").write_bytes(
        PACKINGS["xz" if ending == ".xz" else "bzip2"]((tmp_path / "x.csv").read_bytes())
    )
    assert read_source(str(tmp_path / f"y.csv{ending}")).everything.digest == few.digest
