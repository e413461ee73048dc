"""Engines, compilers and emulators for these tests; a test skips only where its tool is absent."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec

import pytest

from edgedigits.devices.cores import Core, find_core, load_cores
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.emulator_simavr import find_runner
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.toolchain import Toolchain, find_toolchain
from edgedigits.errors import ToolMissingError
from tests.devices.tiny_engine import write_engine

UNICORN_CORES = [core.name for core in load_cores().values() if core.unicorn_cpu]
QEMU_CORES = [core.name for core in load_cores().values() if core.qemu_board]


def toolchain_or_skip(name: str, core: Core) -> Toolchain:
    """Return the toolchain, or skip the test where it is absent."""
    if name == "zig" and find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed")
    if name == "zig" and not core.zig:
        pytest.skip(f"zig makes no programs for {core.name}")
    if name == "gcc" and not any(map(shutil.which, core.architecture.gcc)):
        pytest.skip(f"no GCC for {core.name}")
    return find_toolchain(name, core)


def emulator_or_skip(core: Core) -> None:
    """Skip the test where what emulates a core by default is absent."""
    if core.emulator == "qemu" and shutil.which(core.architecture.qemu) is None:
        pytest.skip(f"{core.architecture.qemu} is not installed")
    if core.emulator == "simavr":
        try:
            find_runner()
        except ToolMissingError as error:
            pytest.skip(error.message)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A dense layer 784-10."""
    folder = tmp_path_factory.mktemp("tiny")
    write_engine(folder)
    return find_engine(folder)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Image]:
    """Compile an engine for a core; what has the same text once, whichever worker asks first."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def compile_once(engine: Engine, core: str = "cortex-m4", toolchain: str = "zig") -> Image:
        texts = [path.read_bytes() for path in (engine.folder / engine.header, *engine.sources)]
        key = hashlib.sha256(b"".join(texts)).hexdigest()[:16]
        ready = shared / f"{key}-{core}-{toolchain}"
        compiler = toolchain_or_skip(toolchain, find_core(core))
        if not (ready / "engine.elf").is_file():
            folder = tmp_path_factory.mktemp("elf")
            compile_engine(compiler, find_core(core), engine, folder)
            with suppress(OSError):  # Another worker was faster.
                folder.rename(ready)
        return read_elf(ready / "engine.elf")

    return compile_once
