"""A device says what its engine computes, over a good wire and over a bad one; what is no firmware is told."""

from __future__ import annotations

import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgedigits.errors import CheckFailedError, DataError
from edgedigits.targets.device import Device
from edgedigits.targets.link import Link, ProcessLink
from tests.firmware.host_firmware import build_for_host
from tests.targets.tiny_engine import expected, random_inputs

INPUTS = 12


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """The firmware as a program of this machine, and its engine's weights."""
    return build_for_host(tmp_path_factory.mktemp("host"), inputs=INPUTS, outputs=3)


@contextmanager
def running(program: Path) -> Iterator[Link]:
    link = ProcessLink("the host", subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    try:
        yield link
    finally:
        link.close()


class NoisyLink:
    """A wire that loses and garbles bytes in both directions."""

    def __init__(self, link: Link, *, lost: float = 0.0, garbled: float = 0.0, seed: int = 0) -> None:
        self.emulated, self.name, self._link, self._lost, self._garbled = True, "a bad wire", link, lost, garbled
        self._there, self._back = np.random.default_rng(seed), np.random.default_rng(seed + 1)

    def _spoil(self, content: bytes, random: np.random.Generator) -> bytes:
        values = np.frombuffer(content, dtype=np.uint8)
        flips = np.uint8(1) << random.integers(0, 7, len(values), dtype=np.uint8)
        spoilt = np.where(random.random(len(values)) < self._garbled, values ^ flips, values)
        return spoilt[random.random(len(values)) >= self._lost].tobytes()

    def write(self, content: bytes) -> None:
        self._link.write(self._spoil(content, self._there))

    def read(self, timeout_s: float) -> bytes:
        end = time.monotonic() + timeout_s
        while (rest := end - time.monotonic()) > 0:
            fresh = self._link.read(rest)
            kept = self._spoil(fresh, self._back)
            if kept or not fresh:
                return kept
        return b""

    def close(self) -> None:
        self._link.close()


def test_a_good_wire(firmware: tuple[Path, np.ndarray]) -> None:
    inputs = random_inputs(50, INPUTS, ink=0.8)

    with running(firmware[0]) as link:
        device = Device(link)
        identity = device.identify()
        run = device.run(inputs, identity)
        mean = device.bench(20)

    assert (identity.model, identity.input_size, identity.output_size) == ("my_net", 12, 3)
    assert identity.flash_crc == zlib.crc32(bytes([1, 2, 3, 4]))
    assert np.array_equal(run.outputs, expected(firmware[1], inputs)) and run.resent == 0
    assert np.array_equal(run.classes, run.outputs.argmax(axis=1))
    assert (run.ticks == 7).all() and mean == 7


@pytest.mark.parametrize("noise", [{"lost": 0.001}, {"garbled": 0.001}, {"lost": 0.0005, "garbled": 0.0005}])
def test_lost_and_garbled_bytes_are_noticed_and_sent_again(
    firmware: tuple[Path, np.ndarray], noise: dict[str, float]
) -> None:
    """Every tenth line or so is spoilt; not one wrong output gets through."""
    inputs = random_inputs(150, INPUTS, ink=0.8)

    with running(firmware[0]) as link:
        device = Device(NoisyLink(link, **noise), timeout_s=0.25)
        run = device.run(inputs, device.identify())

    assert np.array_equal(run.outputs, expected(firmware[1], inputs))
    assert np.array_equal(run.classes, run.outputs.argmax(axis=1)) and (run.ticks == 7).all()
    assert run.resent >= 5


@pytest.mark.parametrize("noise", [{"lost": 0.2}, {"garbled": 0.2}])
def test_a_wire_that_is_too_bad_is_an_error_and_never_a_result(
    firmware: tuple[Path, np.ndarray], noise: dict[str, float]
) -> None:
    with running(firmware[0]) as link:
        device = Device(link, timeout_s=0.1)
        identity = device.identify()
        bad = Device(NoisyLink(link, **noise), timeout_s=0.1)
        with pytest.raises(DataError, match="a bad wire (does not answer|answers|garbles|refuses)"):
            bad.run(random_inputs(200, INPUTS), identity)


def test_firmware_that_went_away(firmware: tuple[Path, np.ndarray]) -> None:
    process = subprocess.Popen([firmware[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    link = ProcessLink("the host", process)
    device = Device(link)
    identity = device.identify()
    process.kill()
    process.wait()

    with pytest.raises(DataError, match="The connection to the host was closed"):
        device.run(random_inputs(2, INPUTS), identity)
    link.close()


def test_images_of_another_size(firmware: tuple[Path, np.ndarray]) -> None:
    with running(firmware[0]) as link:
        device = Device(link)
        with pytest.raises(DataError, match="takes images of 12 bytes, not 784"):
            device.run(random_inputs(2, 784), device.identify())


def test_a_self_test_that_fails(tmp_path: Path) -> None:
    program, _ = build_for_host(tmp_path, inputs=INPUTS, outputs=3, self_test=3)

    with running(program) as link, pytest.raises(CheckFailedError, match="self-test on the host fails with 3"):
        Device(link).identify()


class Stranger:
    """Something else at the other end: answers each line with what `say` gives for it."""

    name = "a stranger"
    emulated = True

    def __init__(self, say: Callable[[str], bytes]) -> None:
        self._say, self._waiting = say, b""

    def write(self, content: bytes) -> None:
        for line in content.decode().splitlines():
            self._waiting += self._say(line) if line else b""

    def read(self, timeout_s: float) -> bytes:
        content, self._waiting = self._waiting, b""
        if not content:
            time.sleep(min(timeout_s, 0.01))
        return content

    def close(self) -> None:
        pass


def line(text: str) -> bytes:
    return f"{text} check={zlib.crc32(text.encode()):08x}\n".encode()


ID = "ok id protocol=1 model=x input=12 output=3 workspace=0 tick_hz=1000 selftest=0"


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (lambda _: b"", "does not answer within 0.05 s"),
        (lambda _: b"login: \r\n", "answers 'login:', which is no answer to 'id'"),
        (lambda _: bytes(range(128, 200)) + b"\n", r"answers '\?\?"),
        (lambda _: b"x" * 70000, "sends 65,536 bytes without a line's end"),
        (lambda _: line("error command"), "refuses 'id': error command"),
        (lambda said: line(ID) if said == "id" else b"", "does not answer"),
        (lambda said: line(ID.replace("protocol=1", "protocol=9")) if said == "id" else line("ok crc x=1"), "speaks protocol 9"),
        (lambda said: line(ID.replace("input", "in")) if said == "id" else line("ok crc flash=0 bytes=1"), "does not say all"),
        (lambda said: line(ID) if said == "id" else line("ok crc flash=zz bytes=1"), "does not say all"),
    ],
)  # fmt: skip
def test_what_is_no_firmware_is_told(say: Callable[[str], bytes], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Device(Stranger(say), timeout_s=0.05).identify()
