"""Whatever talks at the other end of a port: a right result or a sentence, in bounded time and memory.

The port is an object in this process whose time is counted, not waited for. It answers as the firmware does, but each
random port has habits that no firmware should have.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pytest

from edgedigits.devices.answers import TICK_MASK
from edgedigits.devices.device import (
    ANSWER_TIMEOUT_S,
    ATTEMPTS,
    Device,
    DeviceRun,
    Identity,
    session_limit,
)
from edgedigits.devices.link import BAUD, LONGEST_CHATTER_S, SILENCE_S
from edgedigits.errors import DataError, EdgedigitsError
from tests.cases import MANY_CASES

INPUTS, OUTPUTS, IMAGES = 6, 3, 3
BYTE_S = 10 / BAUD
Habit = Callable[["FuzzPort", str, str], bytes]
NUMBERS = (
    "0", "-1", "-0", "1", "2147483648", "4294967295", "4294967296", "999999999999", "1000000000000", "9" * 30, "9" * 5000,
    "1e9", "nan", "inf", "+5", "1_0", "0x10", " 5", "٣", "", "5 5", "\x1b[2J", "12\x00", "=", "ffffffff", "zz", "f" * 40000,
)  # fmt: skip


def line(text: str) -> bytes:
    content = text.encode("utf-8", "replace")
    return content + f" check={zlib.crc32(content):08x}\n".encode()


class FuzzPort:
    """A port with random habits, at the speed of a serial line."""

    name, emulated = "a port", True

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.now, self._waiting, self._partial, self.closed = 0.0, b"", b"", False
        chosen = self.random.choice(len(HABITS), int(self.random.integers(1, 4)), replace=False)
        self._habits = [HABITS[i] for i in chosen]
        self._how_often = float(self.random.choice([0.03, 0.2, 1.0]))

    def clock(self) -> float:
        return self.now

    def write(self, content: bytes) -> None:
        self._check()
        self.now += len(content) * BYTE_S
        *lines, self._partial = (self._partial + content).split(b"\n")
        for one in lines:
            self._waiting += self._reply(one.decode()) if one else b""

    def _reply(self, command: str) -> bytes:
        honest = answer(command)
        if self.random.random() >= self._how_often:
            return line(honest)
        return self._habits[self.random.integers(len(self._habits))](self, command, honest)

    def read(self, timeout_s: float) -> bytes:
        self._check()
        assert timeout_s > 0
        if not self._waiting:
            self.now += timeout_s
            return b""
        count = int(self.random.integers(1, 4096))
        content, self._waiting = self._waiting[:count], self._waiting[count:]
        self.now += len(content) * BYTE_S
        return content

    def _check(self) -> None:
        if self.closed:
            raise DataError("The connection to a port was closed.")

    def close(self) -> None:
        self.closed = True


def output_of(image: bytes) -> bytes:
    return bytes((sum(image) + i) % 256 for i in range(OUTPUTS))


def answer(command: str) -> str:
    """What firmware says to a command."""
    word, _, rest = command.partition(" ")
    if word == "id":
        sizes = f"input={INPUTS} output={OUTPUTS} workspace=12 tick_hz=64000000 selftest=0"
        return f"ok id protocol=1 model=my_net {sizes}"
    if word == "crc":
        return "ok crc flash=0badcafe bytes=8192"
    if word == "run" and len(rest) == 2 * INPUTS:
        image = bytes.fromhex(rest)
        return f"ok run class=1 margin=3 ticks=700 received={zlib.crc32(image):08x} output={output_of(image).hex()}"
    return "error command"


def lie(port: FuzzPort, _: str, honest: str) -> bytes:
    words = honest.split(" ")
    at = int(port.random.integers(len(words)))
    words[at] = words[at].partition("=")[0] + "=" + NUMBERS[port.random.integers(len(NUMBERS))]
    return line(" ".join(words))


def leave_out(port: FuzzPort, _: str, honest: str) -> bytes:
    words = honest.split(" ")
    del words[int(port.random.integers(len(words)))]
    return line(" ".join(words))


def say_twice(port: FuzzPort, _: str, honest: str) -> bytes:
    words = honest.split(" ")
    return line(" ".join([*words, words[int(port.random.integers(len(words)))]]))


def cut_short(port: FuzzPort, _: str, honest: str) -> bytes:
    content = line(honest)
    return content[: int(port.random.integers(len(content)))]


def spoil(port: FuzzPort, _: str, honest: str) -> bytes:
    content = bytearray(line(honest))
    content[int(port.random.integers(len(content)))] ^= int(port.random.integers(1, 256))
    return bytes(content)


def babble(port: FuzzPort, _: str, honest: str) -> bytes:
    return port.random.bytes(int(port.random.integers(1, 3000))) + line(honest)


def talk_without_pause(port: FuzzPort, command: str, honest: str) -> bytes:
    port.read = lambda timeout_s: port.random.bytes(2048)  # type: ignore[method-assign]  # and time stands still
    return b""


def drone(port: FuzzPort, command: str, honest: str) -> bytes:
    """Talks without pause as fast as the line allows."""
    words = [b"\n", b"ready\n", b"temp=21.5\n", b"x"][int(port.random.integers(4))]

    def read(timeout_s: float) -> bytes:
        port.now += len(words) * BYTE_S
        return words

    port.read = read  # type: ignore[method-assign]
    return b""


def restart(port: FuzzPort, _: str, honest: str) -> bytes:
    greetings = ("selftest=0", "selftest=3", "selftest=-1", "", "selftest=" + "9" * 30)
    return line("ready edgedigits protocol=1 " + greetings[int(port.random.integers(len(greetings)))])


def hang_up(port: FuzzPort, _: str, honest: str) -> bytes:
    port.closed = True
    return b""


HABITS: tuple[Habit, ...] = (
    lie,
    lie,
    leave_out,
    say_twice,
    cut_short,
    spoil,
    babble,
    talk_without_pause,
    drone,
    restart,
    hang_up,
    lambda port, command, honest: b"",
    lambda port, command, honest: f"{command}\r\n".encode() + line(honest),
    lambda port, command, honest: line(answer("crc")) + line(honest),
    lambda port, command, honest: line(answer(f"run {'00' * INPUTS}")),
    lambda port, command, honest: line(honest) * 50,
    lambda port, command, honest: b"\r\n" * 150 + line(honest),
    lambda port, command, honest: line("ok run " + "x" * 70000),
    lambda port, command, honest: line("error \x1b]0;owned\x07\x1b[2J"),
    lambda port, command, honest: line("ok run received=" + "0" * 8 + " class=7"),
)


def longest(identity: Identity | None) -> float:
    """Seconds after which every session with IMAGES images has ended."""
    drop = LONGEST_CHATTER_S + SILENCE_S + 1
    ask = ATTEMPTS * (ANSWER_TIMEOUT_S + drop + 1)
    session = session_limit(IMAGES, identity) if identity else 0
    return 2 * (drop + 2 * ask) + session + ATTEMPTS * (ask + drop)


def examine(port: FuzzPort) -> tuple[Identity | None, DeviceRun | EdgedigitsError, np.ndarray]:
    """Talk to a port as `edgedigits device` does; return what it was, and what came of it."""
    inputs = port.random.integers(-128, 128, (IMAGES, INPUTS)).astype(np.int8)
    device, identity = Device(port, clock=port.clock), None
    try:
        identity = device.identify()
        return identity, device.run(inputs, identity), inputs
    except EdgedigitsError as error:
        return identity, error, inputs


def check(seed: int) -> bool:
    """Examine a random port; return whether it gave a result."""
    port = FuzzPort(seed)
    identity, found, inputs = examine(port)
    assert port.now < longest(identity), seed
    if isinstance(found, EdgedigitsError):
        assert str(found).isprintable() and len(str(found)) < 400, seed
        return False
    assert identity is not None and identity.input_size == INPUTS
    assert found.outputs.shape == (IMAGES, identity.output_size) and found.outputs.nbytes < 1 << 20
    # An engine may classify nothing, and then says so of every input.
    if found.classes is not None:
        assert ((found.classes >= 0) & (found.classes < identity.output_size)).all(), seed
    assert ((found.ticks >= 0) & (found.ticks <= TICK_MASK)).all() and identity.tick_hz >= 1, seed
    if lie not in port._habits and identity.output_size == OUTPUTS:
        assert found.outputs.tobytes() == b"".join(map(output_of, (row.tobytes() for row in inputs))), seed
    return True


def test_three_hundred_ports() -> None:
    results = [check(seed) for seed in range(300)]

    assert 30 < sum(results) < 270, "some habits are forgiven, others are not"


@pytest.mark.slow
def test_thousands_of_ports() -> None:
    for seed in range(1000, 1000 + MANY_CASES):
        check(seed)
