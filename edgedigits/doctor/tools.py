"""Compilers and emulators, each asked for its version: what does not answer is as good as absent."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from edgedigits.doctor.finding import Finding, State, fine
from edgedigits.errors import ToolMissingError
from edgedigits.extras import install_command
from edgedigits.programs import run_program, side_by_side

TIMEOUT_S = 1.5
_AT_ONCE = 4
_FULL_VERSION = ("-dumpfullversion", "-dumpversion")
"""GCC before 7 knows the second alone, and later ones tell more by the first."""
_VERSION = re.compile(r"\d+(?:\.\d+)+(?:-dev[\w.+]*)?|\d+")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program.

    Attributes:
        area: as of a finding.
        name: what people call it, and what it is for.
        commands: how it may be called, with what makes it tell its version.
        remedy: how to get it.
    """

    area: str
    name: str
    commands: tuple[tuple[str, ...], ...]
    remedy: str


def examine_tools() -> Iterator[Finding]:
    """Say how it is with compilers and emulators."""
    tools = list(_tools())
    with side_by_side(_AT_ONCE) as threads:
        started = [threads.start(_simavr), *(threads.start(_examine, tool) for tool in tools)]
        yield from [one.result() for one in started]


def _tools() -> Iterator[Tool]:
    from edgedigits.devices.cores import load_cores
    from edgedigits.devices.host import COMPILERS

    if find_spec("ziglang") is not None:
        again = f"{install_command('mcu')} --force-reinstall"
        yield Tool("compilers", "zig", ((sys.executable, "-m", "ziglang", "version"),), again)
    host = tuple((name, "-dumpversion") for name in COMPILERS)
    yield Tool("compilers", "C for this machine", host, "apt-get install gcc, or use zig")
    yield Tool("compilers", "CMake", (("cmake", "--version"),), "apt-get install cmake")
    for one in {core.architecture.name: core.architecture for core in load_cores().values()}.values():
        gcc = tuple((name, *_FULL_VERSION) for name in one.gcc)
        instead = ("", "") if one.name == "avr" else (", or use zig", ", or use Unicorn")
        yield Tool("compilers", f"GCC for {one.title}", gcc, f"apt-get install {one.gcc_package}{instead[0]}")
        remedy = f"apt-get install {one.qemu_package}{instead[1]}"
        yield Tool("emulators", f"QEMU for {one.title}", ((one.qemu, "--version"),), remedy)


def _examine(tool: Tool) -> Finding:
    found = next((command for command in tool.commands if shutil.which(command[0])), None)
    if found is None:
        return Finding(tool.area, tool.name, State.ABSENT, f"no {tool.commands[-1][0]}", tool.remedy)
    said, problem = _ask(found)
    if problem:
        remedy = f"{shlex.join(found)} tells why; if it is broken, get it anew: {tool.remedy}"
        return Finding(tool.area, tool.name, State.WRONG, f"{shutil.which(found[0])} {problem}", remedy)
    return fine(tool.area, tool.name, said if found[0] == sys.executable else f"{found[0]} {said}")


def _simavr() -> Finding:
    """Say whether the compiler for this machine finds simavr, which is a library."""
    from edgedigits.devices.emulator_simavr import HEADER, PACKAGE
    from edgedigits.devices.host import find_host_compiler

    area, name, remedy = "emulators", "simavr for AVR", f"apt-get install {PACKAGE}"
    try:
        compiler = find_host_compiler()
        done = run_program([*compiler.command, "-M", "-include", HEADER, "-x", "c", os.devnull], TIMEOUT_S)
    except ToolMissingError as error:
        return Finding(area, name, State.ABSENT, error.message.rstrip("."), error.hint)
    except (subprocess.TimeoutExpired, OSError):
        return Finding(area, name, State.WRONG, f"{compiler.version} does not say whether it is there", remedy)
    if done.returncode != 0:
        return Finding(area, name, State.ABSENT, f"{compiler.version} finds no {HEADER}", remedy)
    return fine(area, name, f"{HEADER} for {compiler.version}")


def _ask(command: Sequence[str]) -> tuple[str, str]:
    """Return the version that a program tells, and what is wrong with it, if anything is."""
    try:
        done = run_program(command, TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "", f"does not answer within {TIMEOUT_S:g} s"
    except OSError as error:
        return "", f"cannot be started: {error.strerror}"
    version = _VERSION.search(done.stdout)
    return (version[0], "") if version and done.returncode == 0 else ("", "fails")
