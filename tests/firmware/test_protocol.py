"""The firmware's line protocol, compiled for this host under sanitizers: every answer, every bound."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.answers import TICK_MASK
from edgedigits.devices.stub import find_engine
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import expected, random_inputs, write_engine
from tests.firmware.host_firmware import build_for_host, compile_for_host
from tests.tflite_builder import random_mlp

INPUTS, OUTPUTS = 12, 3
READY = "ready edgedigits protocol=1 selftest=0"


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    return build_for_host(tmp_path_factory.mktemp("host"), inputs=INPUTS, outputs=OUTPUTS)


def talk(program: Path, said: bytes) -> list[str]:
    """Send everything, return all lines that came back, without the checksums that end them."""
    done = subprocess.run([program], input=said, capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return [checked(line) for line in done.stdout.decode("ascii").splitlines()]


def checked(line: str) -> str:
    text, check = line.rsplit(" check=", 1)
    assert check == f"{zlib.crc32(text.encode()):08x}"
    return text


def test_it_greets_and_says_who_it_is(firmware: tuple[Path, np.ndarray]) -> None:
    ready, identity, crc, check = talk(firmware[0], b"id\ncrc\nselftest\n")

    assert ready == READY
    assert identity == "ok id protocol=1 model=my_net input=12 output=3 workspace=0 tick_hz=1000 selftest=0"
    assert crc == f"ok crc flash={zlib.crc32(bytes([1, 2, 3, 4])):08x} bytes=4"
    assert check == "ok selftest result=0"


def test_it_runs_images(firmware: tuple[Path, np.ndarray]) -> None:
    program, weights = firmware
    inputs = random_inputs(20, INPUTS, ink=0.8)

    _, *answers = talk(program, b"".join(f"run {row.tobytes().hex()}\n".encode() for row in inputs))

    for row, output, answer in zip(inputs, expected(weights, inputs), answers, strict=True):
        facts = dict(pair.split("=") for pair in answer.removeprefix("ok run ").split())
        ranked = np.sort(output)
        assert facts["output"] == output.tobytes().hex()
        assert int(facts["class"]) == int(output.argmax())
        assert int(facts["margin"]) == min(127, int(ranked[-1]) - int(ranked[-2]))
        assert facts["received"] == f"{zlib.crc32(row.tobytes()):08x}"
        assert facts["ticks"] == "7"


def test_a_model_that_classifies_nothing_gives_no_class(tmp_path: Path) -> None:
    content = random_mlp(5, (1, 8, 1), input_scale=np.float32(0.0245), input_zero_point=3)
    engine = write_emitted_engine(tmp_path, content, prefix="sine")
    program = compile_for_host(engine, tmp_path)

    _, identity, *answers = talk(program, b"id\n" + b"".join(f"run {byte:02x}\n".encode() for byte in range(256)))

    assert " model=sine input=1 output=1 " in identity
    assert identity.endswith(f" selftest=0 digest={engine.facts.model_sha256[:8]}")
    inputs = np.arange(256, dtype=np.uint8).view(np.int8)[:, None]
    outputs = run(lower(read_tflite(content)), inputs)
    for row, output, answer in zip(inputs, outputs, answers, strict=True):
        received = f"{zlib.crc32(row.tobytes()):08x}"
        assert answer == f"ok run ticks=7 received={received} output={output.tobytes().hex()}"


def test_pixels_are_fed_as_they_arrive(tmp_path: Path) -> None:
    """Without an image in memory the class is that of the same image whole; a line that breaks off harms no other."""
    engine = write_emitted_engine(tmp_path, random_mlp(5, (784, 10)))
    program = compile_for_host(engine, tmp_path)
    images = np.random.default_rng(1).integers(0, 256, (3, 784)).astype(np.uint8)
    lines = [
        line for image in images for line in (f"run {(image ^ 128).tobytes().hex()}", f"pixels {image.tobytes().hex()}")
    ]
    broken = [("pixels", "length"), ("pixels 00", "length"), ("pixels 0x", "digit"), (f"{lines[1]}0", "long")]

    said = [lines[0], *(line for line, _ in broken), *lines[1:]]
    _, first, *answers = talk(program, "".join(f"{line}\n" for line in said).encode())

    assert answers[: len(broken)] == [f"error {reason}" for _, reason in broken]
    runs = [first, *answers[len(broken) + 1 :: 2]]
    for whole, fed in zip(runs, answers[len(broken) :: 2], strict=True):
        assert fed == f"ok pixels {whole.removeprefix('ok run ').partition(' ticks')[0]}"


def test_it_measures(firmware: tuple[Path, np.ndarray]) -> None:
    answers = talk(firmware[0], b"bench 1\nbench 100\nbench 10000\n")[1:]

    assert answers == [f"ok bench runs={n} ticks={7 * n} least=7 most=7" for n in (1, 100, 10000)]


MISTAKES = [
    ("hello", "command"),
    ("IDENTIFY-YOURSELF-PLEASE", "command"),
    ("id please", "command"),
    ("idx", "command"),
    ("selftestx", "command"),
    (" id", "command"),
    ("x" * 100_000, "command"),
    ("run", "length"),
    ("run ", "length"),
    ("run 00", "length"),
    ("run " + "0" * 23, "length"),
    ("run " + "0" * 25, "long"),
    ("run " + "0" * 5000, "long"),
    ("run " + "0" * 24 + "g", "digit"),
    ("run " + "0g" * 12, "digit"),
    ("run  " + "00" * 12, "digit"),
    ("run -1", "digit"),
    ("bench", "number"),
    ("bench ", "number"),
    ("bench 0", "number"),
    ("bench 10001", "number"),
    ("bench 99999999999999999999", "number"),
    ("bench 4294967297", "number"),
    ("bench -5", "number"),
    ("bench 1x", "number"),
    ("bench " + "1" * 5000, "number"),
    ("\x01\x02\x7f\x1b", "command"),
    ("\x00id", "command"),
    ("id\x00", "command"),
]


def test_each_mistake_gets_one_line_and_the_next_command_works(firmware: tuple[Path, np.ndarray]) -> None:
    """All in one session, each followed by a command that is right."""
    said = "".join(f"{line}\nid\n" for line, _ in MISTAKES)

    _, *answers = talk(firmware[0], said.encode("latin-1"))

    assert len(answers) == 2 * len(MISTAKES)
    for (line, reason), answer, following in zip(MISTAKES, answers[::2], answers[1::2], strict=True):
        assert answer == f"error {reason}", line
        assert following.startswith("ok id "), line


def test_lines_may_end_in_any_way_and_hex_in_any_case(firmware: tuple[Path, np.ndarray]) -> None:
    answers = talk(firmware[0], b"\r\n\r\nid\r\ncrc\rid\nrun " + b"aB" * 12 + b"\r\nrun " + b"Ab" * 12)

    assert [answer[:7] for answer in answers[1:]] == ["ok id p", "ok crc ", "ok id p", "ok run "]


@pytest.mark.parametrize("before", ["id", "bench 0", "run " + "00" * 12])
@pytest.mark.parametrize("rest", ["", "i", "bench 1", "run 00"])
def test_a_console_that_ends_ends_the_firmware(firmware: tuple[Path, np.ndarray], before: str, rest: str) -> None:
    """Also in the middle of a line, which then is no command, whatever the line before it was."""
    answers = talk(firmware[0], f"{before}\n{rest}".encode())

    assert len(answers) == 2


def test_a_failed_self_test_is_told_and_a_bench_ends_before_its_sum_overflows(tmp_path: Path) -> None:
    """256 times the longest that the clock can tell still fit into 32 bits, and once more would not."""
    write_engine(tmp_path, prefix="my_net", inputs=INPUTS, outputs=OUTPUTS, self_test=3)
    program = compile_for_host(find_engine(tmp_path), tmp_path, ticks=TICK_MASK)

    done = subprocess.run([program], input=b"id\nbench 1000\n", capture_output=True, timeout=60)

    assert done.returncode == 3
    ready, identity, bench = map(checked, done.stdout.decode().splitlines())
    assert ready == "ready edgedigits protocol=1 selftest=3" and identity.endswith(" selftest=3")
    assert bench == f"ok bench runs=256 ticks={256 * TICK_MASK} least={TICK_MASK} most={TICK_MASK}"


def noises(count: int) -> list[bytes]:
    """Lines of noise: any bytes, and pieces of commands in any order; none of them asks who is there."""
    pieces = (
        b"run ",
        b"bench ",
        b"crc",
        b"selftest",
        b"7",
        b"00",
        b"ff",
        b" ",
        b"g",
        b"\r",
        b"\x00",
        b"\xff",
        b"9" * 12,
    )
    random, found = np.random.default_rng(0), []
    for number in range(count):
        some = random.integers(0, len(pieces), int(random.integers(1, 40)))
        noise = random.bytes(int(random.integers(1, 300))) if number % 2 else b"".join(pieces[i] for i in some)
        found.append(noise.replace(b"\n", b"").replace(b"id", b""))
    return found


def test_no_bytes_can_break_it(firmware: tuple[Path, np.ndarray]) -> None:
    """Two thousand lines of noise in one session, under address and undefined-behaviour sanitizers."""
    lines = noises(2000)

    ready, *answers = talk(firmware[0], b"".join(line + b"\nid\n" for line in lines))

    assert ready == READY
    assert sum(answer.startswith("ok id ") for answer in answers) == len(lines)
    assert all(answer.startswith(("ok ", "error ")) for answer in answers)
    assert sum(answer.startswith("error ") for answer in answers) > len(lines) / 2
