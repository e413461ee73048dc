"""`edgedigits device` against firmware in QEMU, over its socket and started by the verb itself."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgedigits.cli import main as cli
from edgedigits.devices.boards import find_board
from edgedigits.devices.firmware import build_firmware
from edgedigits.devices.link import qemu_arguments
from edgedigits.devices.stub import find_engine
from edgedigits.devices.toolchain import find_toolchain
from tests.devices.emitted_engine import write_emitted_engine
from tests.tflite_builder import random_mlp

pytest.importorskip("ziglang")
BOARD = find_board("mps2-an386")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.tflite, engine/ and digits.csv, 40 random digits."""
    path = tmp_path_factory.mktemp("build")
    write_emitted_engine(path, random_mlp(2, sizes=(784, 12, 10)))
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (40, 784)) * (random.random((40, 784)) < 0.2)
    header = ",".join(["label", *(f"pixel{index}" for index in range(784))])
    table = np.column_stack([np.arange(40) % 10, pixels])
    np.savetxt(path / "digits.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    return path


@pytest.fixture
def port(qemu: None, folder: Path, tmp_path: Path) -> Iterator[str]:
    """QEMU's serial socket, with the firmware of `folder` behind it."""
    toolchain = find_toolchain("zig", BOARD.core)
    image = build_firmware(find_engine(folder), BOARD, toolchain, tmp_path / "firmware.elf")
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    command = qemu_arguments(BOARD, image.path, f"tcp:127.0.0.1:{number},server=on,wait=off")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", number), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"socket://127.0.0.1:{number}"
        process.kill()


def run(folder: Path, *flags: str) -> int:
    return cli.main(["device", str(folder), "--data", str(folder / "digits.csv"), "--split", "all", *flags])


def test_a_board_at_a_socket(port: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--port", port, "--images", "10", "--json") == 0

    facts = json.loads(capsys.readouterr().out)["device"]
    assert (facts["images"], facts["differing"], facts["bytes"]) == (10, 0, 100)
    assert facts["identity"]["model"] == "edgedigits_model" and facts["identity"]["self_test"] == 0
    assert facts["misclassified"] == 0 and 0 <= facts["accuracy"] <= 1
    assert 0 < facts["mean_us"] <= facts["p95_us"] <= facts["most_us"]
    assert facts["how"].startswith("emulated: firmware at socket://")


def test_the_verb_starts_qemu_itself(qemu: None, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--port", "qemu:mps2-an386", "--images", "5") == 0

    text = capsys.readouterr().out
    assert "QEMU's mps2-an386 runs edgedigits_model: self-test passed" in text
    assert "every byte equal: 50 output bytes against LiteRT" in text and "µs an image" in text


def test_firmware_of_another_model_fails(
    port: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same shape, other weights: the digest tells, and where that is left out the outputs do."""
    other = write_emitted_engine(tmp_path / "other", random_mlp(9, sizes=(784, 12, 10)))
    data = str(folder / "digits.csv")

    code = cli.main(
        ["device", str(tmp_path / "other"), "--port", port, "--data", data, "--split", "all", "--images", "5"]
    )

    assert code == 1
    said = capsys.readouterr().err
    assert f"runs an engine of another model (SHA-256 {find_engine(folder).facts.model_sha256[:8]}…)" in said
    assert f"({other.facts.model_sha256[:8]}…). Flash this one" in said


def test_the_reference_is_checked_without_its_data_set(
    qemu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By strokes and noise, which have no labels: parity and no accuracy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path / "nowhere"))
    reference = Path(__file__).parents[2] / "deploy" / "reference"

    assert cli.main(["device", str(reference), "--port", "qemu:mps2-an386", "--images", "6"]) == 0

    text = capsys.readouterr().out
    assert "6 images of strokes and noise, seed 0, which have no labels: no accuracy" in text
    assert "every byte equal: 60 output bytes against LiteRT" in text and "note: EDGEDIGITS_DATA is" in text


def test_a_model_that_takes_no_digits(qemu: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_emitted_engine(tmp_path, random_mlp(2, sizes=(20, 6, 3)))

    assert cli.main(["device", str(tmp_path), "--port", "qemu:mps2-an386", "--images", "6", "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert facts["device"]["accuracy"] is None and facts["data"] == "6 random inputs, seed 0"
    assert (facts["device"]["bytes"], facts["device"]["differing"]) == (18, 0)


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--port", "/dev/ttyNOWHERE"], 4, "cannot be opened"),
        (["--port", "socket://127.0.0.1:1"], 4, "Nobody answers at socket://127.0.0.1:1"),
        (["--port", "socket://nonsense"], 2, "Write it like socket://localhost:4444"),
        (["--port", "qemu:mps2-an368"], 2, "Did you mean 'mps2-an386'"),
        (["--port", "qemu:nrf52840dk"], 2, "QEMU does not emulate nrf52840dk"),
        (["--port", "qemu:mps2-an386", "--images", "none"], 2, "is not a number of images"),
        ([], 2, "--port"),
    ],
)
def test_mistakes_are_told_with_their_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, words: str
) -> None:
    assert run(folder, *flags) == code
    assert words in capsys.readouterr().err
