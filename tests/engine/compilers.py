"""Compilers of the host, for tests that compile what was generated."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wdouble-promotion", "-Werror")
C_COMPILERS = ("gcc", "clang")
EACH_COMPILER = (C_COMPILERS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in C_COMPILERS[1:]))
"""As parameters of a test whose programs take long to compile: the first always, the others among the slow ones."""
CXX_COMPILERS = ("g++", "clang++")


def available(names: Sequence[str]) -> list[str]:
    """Return those of `names` that are installed; skip the test when none is."""
    found = [name for name in names if shutil.which(name)]
    if not found:
        pytest.skip(f"none of {', '.join(names)} is installed")
    return found


def compile_and_run(compiler: str, flags: Sequence[str], sources: Sequence[Path], folder: Path) -> str:
    """Compile `sources` with every warning an error, run the program and return what it printed."""
    program = folder / "program"
    command = [compiler, *flags, *STRICT, *map(str, sources), "-o", str(program)]
    compiled = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert compiled.returncode == 0, compiled.stderr
    return subprocess.run([program], capture_output=True, text=True, timeout=60, check=True).stdout
