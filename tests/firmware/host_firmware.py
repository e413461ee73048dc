"""The firmware compiled for this machine, where its serial port is standard input and output."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.devices.stub import Engine, find_engine, firmware_stub
from tests.devices.tiny_engine import write_engine
from tests.engine.compilers import STRICT


def build_for_host(folder: Path, **options: int) -> tuple[Path, NDArray[np.int8]]:
    """Compile the protocol with a tiny engine, under sanitizers; return the program and the engine's weights."""
    weights = write_engine(folder, prefix="my_net", **options)
    return compile_for_host(find_engine(folder), folder), weights


def compile_for_host(engine: Engine, folder: Path, ticks: int = 7) -> Path:
    """Compile the protocol with an engine, under sanitizers; return the program, which is in `folder`.

    `ticks` are what its clock goes on by whenever it is read.
    """
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler on this host")
    stub, here = firmware_stub(), Path(__file__).parent
    sources = [stub / "src" / name for name in ("main.c", "protocol.c", "crc32.c")]
    program = folder / "program"
    command = [
        *(compiler, "-std=c99", "-O1", "-g", *STRICT, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        *(
            "-DHOST_TEST",
            f"-DTICKS_A_READING={ticks}u",
            *(f"-D{name}={value}" for name, value in engine.defines.items()),
        ),
        *(f"-I{stub / 'src'}", f"-I{engine.folder}"),
        *map(str, [*sources, here / "host_platform.c", *engine.sources, engine.self_test]),
        *("-o", str(program)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return program
