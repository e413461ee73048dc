"""Runs an engine on this machine, under sanitizers: the same C that goes onto the board, without an emulator."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Toolchain, compile_error, find_zig, run_tool, toolchain_environment
from edgedigits.errors import CheckFailedError, DataError, ToolMissingError
from edgedigits.files.scratch import scratch
from edgedigits.programs import run_program

COMPILERS = ("gcc", "clang")
INPUTS, PIXELS, INVERTED_PIXELS = 0, 1, 2
"""What harness/host.c is given."""
TIMEOUT_S = 60.0
TIMEOUT_S_PER_IMAGE = 0.05

# zig brings the undefined-behaviour sanitizer alone; the trap needs no library.
_ZIG_FLAGS = ("-fsanitize=undefined", "-fsanitize-trap=undefined")
_OTHER_FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# What harness/host.c ends with.
_REASONS = {
    2: "the harness cannot open its files",
    3: "the harness gets no memory",
    4: "the harness cannot write its results; is the disk full?",
    5: "its self-test fails",
    6: "its classify gives another class than its own scores",
    7: "it writes beside its buffers",
}


def host_compiler(toolchain: Toolchain) -> Toolchain:
    """Return what compiles for this machine: zig itself, or the host's own GCC or clang beside a GCC for the core.

    Raises:
        ToolMissingError: there is neither.
    """
    found = toolchain if toolchain.name == "zig" else _own_compiler()
    if found is None:
        raise ToolMissingError(
            "There is no C compiler for this machine.",
            hint="Install one (Debian, Ubuntu: apt-get install gcc), or use --toolchain zig.",
        )
    return found


def find_host_compiler() -> Toolchain:
    """Return what compiles for this machine where nobody named a toolchain: its own compiler, else zig.

    Raises:
        ToolMissingError: there is neither.
    """
    return _own_compiler() or find_zig()


def _own_compiler() -> Toolchain | None:
    for name in COMPILERS:
        path = shutil.which(name)
        if path is not None:
            version = run_tool([path, "-dumpversion"]).stdout.strip()
            return Toolchain(name, f"{name} {version}", (path,))
    return None


def run_host(
    toolchain: Toolchain,
    engine: Engine,
    inputs: NDArray[np.int8] | NDArray[np.uint8],
    modes: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.int8], str]:
    """Compile the engine for this machine and run every input through it.

    Args:
        toolchain: as `find_toolchain` returns it.
        engine: the engine.
        inputs: int8 (n, input size), or uint8 pixels (n, pixel count), which go through `preprocess`.
        modes: uint8 (n,), what each is: INPUTS, PIXELS or INVERTED_PIXELS; by default all INPUTS.

    Returns:
        Outputs, int8 (n, output size), and compiler and sanitizers as text.

    Raises:
        ToolMissingError: no compiler for this machine.
        DataError: the engine does not compile, or the results are not whole.
        CheckFailedError: a sanitizer stopped it, it hangs, its self-test fails or `classify` disagrees with `invoke`.
    """
    compiler = host_compiler(toolchain)
    with scratch("host") as folder:
        program = _compile(compiler, engine, folder)
        flags = np.full(len(inputs), INPUTS, np.uint8) if modes is None else modes
        content = np.concatenate([flags[:, None], np.ascontiguousarray(inputs).view(np.uint8)], axis=1)
        (folder / "images.bin").write_bytes(content.tobytes())
        _run(program, folder, TIMEOUT_S + TIMEOUT_S_PER_IMAGE * len(inputs))
        results = (folder / "results.bin").read_bytes()
    if len(results) != len(inputs) * engine.facts.output.size:
        raise DataError(
            f"The host returned {len(results) // engine.facts.output.size} results of {len(inputs)}.",
            hint="Run it again.",
        )
    sanitizers = "UBSan" if compiler.name == "zig" else "ASan and UBSan"
    return np.frombuffer(results, dtype=np.int8).reshape(len(inputs), -1), f"{compiler.version}, {sanitizers}"


def _compile(compiler: Toolchain, engine: Engine, folder: Path) -> Path:
    stub, program = firmware_stub(), folder / "host.exe"
    flags = _ZIG_FLAGS if compiler.name == "zig" else _OTHER_FLAGS
    command = [
        *(*compiler.command, "-std=c99", "-O1", "-g", *flags),
        *(f"-D{name}={value}" for name, value in engine.defines.items()),
        *(f"-I{folder}" for folder in (engine.folder, stub / "src")),
        *map(str, (*engine.sources, engine.self_test, stub / "harness" / "host.c")),
        *("-o", str(program)),
    ]
    done = run_tool(command, toolchain_environment(compiler))
    if done.returncode != 0 or not program.is_file():
        raise compile_error(compiler, "the engine for this machine", done.stderr)
    return program


def _run(program: Path, folder: Path, timeout_s: float) -> None:
    try:
        done = run_program([str(program), "images.bin", "results.bin"], timeout_s, folder=folder)
    except subprocess.TimeoutExpired:
        raise CheckFailedError(
            f"The engine did not finish within {timeout_s:g} s on this machine.",
            hint="It hangs, or the machine is overloaded; try fewer --images.",
        ) from None
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
        what = said[0] if said else _REASONS.get(done.returncode, f"it was stopped (exit code {done.returncode})")
        raise CheckFailedError(
            f"The engine fails on this machine: {what.rstrip('.')}.",
            hint="The engine is damaged or has a bug; build it again, and report it if it stays.",
        )
