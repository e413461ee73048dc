"""Sizes and symbols of an ELF equal what binutils says of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgedigits.errors import DataError
from edgedigits.targets.elf import Image, read_elf
from edgedigits.targets.stub import Engine


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_the_footprint_equals_binutils(tiny: Engine, compiled: Callable[..., Image], toolchain: str) -> None:
    size = shutil.which("arm-none-eabi-size")
    if size is None:
        pytest.skip("arm-none-eabi-size is not installed")
    image = compiled(tiny, "cortex-m4", toolchain)

    line = subprocess.run([size, image.path], capture_output=True, text=True, check=True).stdout.splitlines()[1]
    text, data, bss = map(int, line.split()[:3])

    assert (image.footprint.flash, image.footprint.static_ram) == (text + data, data + bss)


def test_the_biggest_symbols_come_first_with_their_kind(tiny: Engine, compiled: Callable[..., Image]) -> None:
    weights, invoke, *_ = compiled(tiny).biggest()

    assert (weights.name, weights.size, weights.kind) == ("weights", 7840, "constant")
    assert (invoke.name, invoke.kind) == ("edgedigits_model_invoke", "code")


def test_an_address_belongs_to_its_function(tiny: Engine, compiled: Callable[..., Image]) -> None:
    image = compiled(tiny)
    start = image.address("edgedigits_model_invoke")

    assert start % 2 == 0 and image.entry == start
    assert image.function_at(start + 10) == "edgedigits_model_invoke"
    assert image.function_at(4) == ""
    with pytest.raises(DataError, match="has no symbol missing"):
        image.address("missing")


@pytest.mark.parametrize("content", [b"", b"MZ" + bytes(100), b"\x7fELF" + bytes(20)])
def test_what_is_no_elf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.elf"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"x\.elf cannot be read as an ELF"):
        read_elf(path)
