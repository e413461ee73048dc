"""Engines, compilers and emulators for these tests; a test skips only where its tool is absent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgedigits.targets.cores import CORES, Core
from edgedigits.targets.elf import Image
from edgedigits.targets.engine_elf import compile_engine
from edgedigits.targets.stub import Engine, find_engine
from edgedigits.targets.toolchain import Toolchain, find_toolchain
from tests.targets.tiny_engine import write_engine

UNICORN_CORES = [core.name for core in CORES.values() if core.unicorn_cpu]
QEMU_CORES = [core.name for core in CORES.values() if core.qemu_board]


def toolchain_or_skip(name: str, core: Core) -> Toolchain:
    """Return the toolchain, or skip the test where it is absent."""
    if name == "zig" and find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed")
    if name == "gcc" and (core.architecture != "arm" or shutil.which("arm-none-eabi-gcc") is None):
        pytest.skip(f"no GCC for {core.name}")
    return find_toolchain(name, core)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A dense layer 784-10."""
    folder = tmp_path_factory.mktemp("tiny")
    write_engine(folder)
    return find_engine(folder)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Image]:
    """Compile an engine for a core; each combination once."""
    known: dict[tuple[Path, str, str], Image] = {}

    def compile_once(engine: Engine, core: str = "cortex-m4", toolchain: str = "zig") -> Image:
        key = (engine.folder, core, toolchain)
        if key not in known:
            folder = tmp_path_factory.mktemp("elf")
            known[key] = compile_engine(toolchain_or_skip(toolchain, CORES[core]), CORES[core], engine, folder)
        return known[key]

    return compile_once
