"""A device says what its engine computes, over a good wire and over a bad one; what is no firmware is told."""

from __future__ import annotations

import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.device import Device, Identity
from edgedigits.devices.link import BoardLink, ProcessLink
from edgedigits.errors import CheckFailedError, DataError
from tests.devices.tiny_engine import expected, random_inputs
from tests.firmware.host_firmware import build_for_host

INPUTS = 12


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """The firmware as a program of this machine, and its engine's weights."""
    return build_for_host(tmp_path_factory.mktemp("host"), inputs=INPUTS, outputs=3)


@contextmanager
def running(program: Path) -> Iterator[BoardLink]:
    link = ProcessLink("the host", subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    try:
        yield link
    finally:
        link.close()


class NoisyLink:
    """A wire that loses and garbles bytes in both directions."""

    def __init__(self, link: BoardLink, *, lost: float = 0.0, garbled: float = 0.0, seed: int = 0) -> None:
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
CRC = "ok crc flash=0badcafe bytes=4096"
IDENTITY = Identity("x", INPUTS, 3, 0, 1000, 0, 0x0BADCAFE, 4096)


def honestly(asked: str) -> str:
    """What sound firmware says."""
    if asked.startswith("run "):
        image = bytes.fromhex(asked[4:])
        return f"ok run class=1 margin=0 ticks=7 received={zlib.crc32(image):08x} output={image[:3].hex()}"
    return ID if asked == "id" else CRC


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
        (lambda said: line(ID) if said == "id" else line("ok crc flash=zz bytes=1"), "says flash=zz, expected eight hex"),
        (lambda _: line("ready edgedigits protocol=1 selftest=0"), "restarts whenever it is asked 'id'"),
        (lambda _: b"\r\n" * 200, "sends 100 lines that say nothing"),
        (lambda _: line("error \x1b[2J"), r"answers 'error \?\[2J check="),
        (lambda said: line(f"{ID} input=5"), "says the same twice"),
    ],
)  # fmt: skip
def test_what_is_no_firmware_is_told(say: Callable[[str], bytes], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Device(Stranger(say), timeout_s=0.05).identify()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("output", "1000000000000", "says output=1000000000000, expected a number from 1 to 16,384"),
        ("output", "16385", "from 1 to 16,384"),
        ("output", "0", "from 1 to 16,384"),
        ("input", "1048577", "says input=1048577, expected a number from 1 to 1,048,576"),
        ("input", "9" * 30, r"says input=9{30}, expected"),
        ("input", "9" * 5000, r"says input=9{40}…, expected"),
        ("workspace", "16777217", "from 0 to 16,777,216"),
        ("tick_hz", "0", "says tick_hz=0, expected a number from 1 to 4,294,967,295"),
        ("tick_hz", "-25000000", "says tick_hz=-25000000"),
        ("tick_hz", "1_000", "says tick_hz=1_000"),
        ("selftest", "-1", "says selftest=-1"),
        ("model", "[red]x[/red]", r"says model=\[red\]x\[/red\], expected a name of C"),
        ("model", "x" * 65, "expected a name of C of at most 64 characters"),
    ],
)
def test_an_absurd_field_is_refused_with_its_bounds(field: str, value: str, words: str) -> None:
    said = " ".join(f"{field}={value}" if word.startswith(f"{field}=") else word for word in ID.split(" "))

    with pytest.raises(DataError, match=words):
        Device(Stranger(lambda asked: line(said) if asked == "id" else line(CRC)), timeout_s=0.05).identify()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("class", "4", "says class=4, expected a number from 0 to 3"),  # 3 is a refusal
        ("class", "-1", "says class=-1"),
        ("ticks", "16777216", "says ticks=16777216, expected a number from 0 to 16,777,215"),
        ("output", "0102", "says output=0102, expected 6 hexadecimal digits"),
        ("output", "0g0203", "says output=0g0203"),
        ("received", "1234567", "says received=1234567, expected eight"),
    ],
)
def test_an_answer_that_cannot_be_is_an_error(field: str, value: str, words: str) -> None:
    def say(asked: str) -> bytes:
        honest = honestly(asked)
        return line(
            " ".join(f"{field}={value}" if word.startswith(f"{field}=") else word for word in honest.split(" "))
        )

    with pytest.raises(DataError, match=words):
        Device(Stranger(say), timeout_s=0.05).run(random_inputs(2, INPUTS), IDENTITY)


def test_a_port_that_talks_without_pause_comes_to_an_end() -> None:
    """As `cat /dev/zero` into the port, or another program's log."""
    code = "import sys\nwhile True: sys.stdout.write('temperature 21.5\\n')"
    link = ProcessLink("a sensor", subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1))

    with pytest.raises(DataError, match=r"a sensor talks without pause: 1,0\d\d,\d\d\d bytes that nobody asked for"):
        Device(link).identify()
    link.close()


class Slow(Stranger):
    """Honest firmware that takes its time, which is counted and not waited for."""

    def __init__(self, seconds: float) -> None:
        super().__init__(lambda asked: line(honestly(asked)))
        self.now, self._seconds = 0.0, seconds

    def clock(self) -> float:
        return self.now

    def read(self, timeout_s: float) -> bytes:
        self.now += min(timeout_s, self._seconds) if self._waiting else timeout_s
        return super().read(0) if self._seconds <= timeout_s else b""


def test_a_session_has_an_end_even_where_every_answer_comes_in_time() -> None:
    slow = Slow(4.9)
    device = Device(slow, clock=slow.clock)

    with pytest.raises(DataError, match=r"took longer than 261 s for 54 of 100 images.*fewer --images"):
        device.run(random_inputs(100, INPUTS), IDENTITY)
    assert slow.now < 300


def test_what_comes_back_as_an_echo_is_passed_over() -> None:
    device = Device(Stranger(lambda asked: f"{asked}\r\n".encode() + line(honestly(asked))), timeout_s=0.05)

    run = device.run(random_inputs(3, INPUTS), device.identify())

    assert (run.classes == 1).all() and run.resent == 0


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_images() -> None:
    inputs, late = random_inputs(4, INPUTS, ink=0.8), [b""]

    def say(asked: str) -> bytes:
        said, late[0] = late[0], line(honestly(asked))
        return said

    run = Device(Stranger(say), timeout_s=0.05).run(inputs, IDENTITY)

    assert np.array_equal(run.outputs, inputs[:, :3]) and run.resent == 4


def restarting(device: Callable[[str], bytes], at: int, greeting: str = "selftest=0") -> Stranger:
    """A device that restarts instead of answering the command of this number."""
    count = iter(range(1000))
    ready = line(f"ready edgedigits protocol=1 {greeting}")
    return Stranger(lambda asked: ready if next(count) == at else device(asked))


def test_a_device_that_restarts_is_asked_again_and_must_be_the_same() -> None:
    wait_for_answer = 5.0
    start = time.monotonic()
    same = Device(restarting(lambda asked: line(honestly(asked)), 4), timeout_s=wait_for_answer)
    run = same.run(random_inputs(4, INPUTS), same.identify())
    assert run.resent == 1 and time.monotonic() - start < wait_for_answer, "at once, not after the wait for an answer"

    other = Device(restarting(lambda asked: line(honestly(asked).replace("0badcafe", "0badcaff")), 2), timeout_s=0.05)
    with pytest.raises(DataError, match="restarted in the middle, as other firmware than before"):
        other.run(random_inputs(4, INPUTS), IDENTITY)

    broken = Device(restarting(lambda asked: line(honestly(asked)), 2, "selftest=1"), timeout_s=0.05)
    with pytest.raises(CheckFailedError, match="self-test on a stranger fails with 1"):
        broken.run(random_inputs(4, INPUTS), IDENTITY)
