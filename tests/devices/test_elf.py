"""Sizes and symbols of an ELF equal what binutils says of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.stub import Engine
from edgedigits.errors import DataError
from tests.cases import MANY_CASES


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


def patched(content: bytes, *patches: tuple[int, int, int]) -> bytes:
    """Return an ELF with little-endian numbers overwritten: (offset, bytes, value)."""
    changed = bytearray(content)
    for offset, count, value in patches:
        changed[offset : offset + count] = value.to_bytes(count, "little")
    return bytes(changed)


# Places in the header of a 32-bit ELF.
CLASS, BYTE_ORDER, PROGRAM_HEADERS, SECTION_HEADERS, SEGMENTS, SECTIONS = 4, 5, 28, 32, 44, 48


@pytest.mark.parametrize(
    ("patches", "words"),
    [
        ([(CLASS, 1, 2)], "cannot be read as an ELF"),
        ([(BYTE_ORDER, 1, 2)], "cannot be read as an ELF"),
        ([(SECTIONS, 2, 0xFEFF)], "it has 65,279 sections, more than 1,000"),
        ([(SEGMENTS, 2, 0xFEFF)], "it has 65,279 segments, more than 1,000"),
        ([(SECTION_HEADERS, 4, 0xFFFFFF00)], "cannot be read as an ELF"),
        ([(PROGRAM_HEADERS, 4, 0xFFFFFF00)], "cannot be read as an ELF"),
    ],
)
def test_a_hostile_header_is_told(
    tmp_path: Path, tiny: Engine, compiled: Callable[..., Image], patches: list[tuple[int, int, int]], words: str
) -> None:
    path = tmp_path / "x.elf"
    path.write_bytes(patched(compiled(tiny).path.read_bytes(), *patches))

    with pytest.raises(DataError, match=words):
        read_elf(path)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("sh_size", 0xFFFFFFF0, "symbols, more than 262,144"),
        ("sh_entsize", 0, "cannot be read as an ELF"),
        ("sh_entsize", 1, "cannot be read as an ELF"),
        ("sh_link", 9999, "cannot be read as an ELF"),
    ],
)
def test_a_hostile_table_of_symbols_is_told(
    tmp_path: Path, tiny: Engine, compiled: Callable[..., Image], field: str, value: int, words: str
) -> None:
    content = compiled(tiny).path.read_bytes()
    with compiled(tiny).path.open("rb") as file:
        elf = ELFFile(file)
        number = elf.get_section_index(".symtab")
        at = elf["e_shoff"] + number * elf["e_shentsize"] + {"sh_size": 20, "sh_link": 24, "sh_entsize": 36}[field]
    path = tmp_path / "x.elf"
    path.write_bytes(patched(content, (at, 4, value)))

    with pytest.raises(DataError, match=words):
        read_elf(path)


def test_what_a_file_holds_must_be_there_and_must_not_be_everywhere(
    tmp_path: Path, tiny: Engine, compiled: Callable[..., Image]
) -> None:
    content = compiled(tiny).path.read_bytes()
    first = int.from_bytes(content[PROGRAM_HEADERS : PROGRAM_HEADERS + 4], "little")
    for size, words in ((len(content) + 1, "ends before what it says"), (0xFFFFFFFF, "bytes to load, more than")):
        path = tmp_path / "x.elf"
        path.write_bytes(patched(content, (first + 16, 4, size), (first, 4, 1)))
        with pytest.raises(DataError, match=words):
            read_elf(path)


def check_mutants(content: bytes, folder: Path, seeds: range) -> None:
    """Bytes changed anywhere, most of them in headers: an image or a sentence."""
    path, refused = folder / "x.elf", 0
    for seed in seeds:
        random = np.random.default_rng(seed)
        changed = bytearray(content[: random.integers(len(content))] if seed % 10 == 0 else content)
        headers = [*range(52), *range(52, 180), *range(max(0, len(content) - 800), len(content))]
        places = headers if seed % 3 else range(len(content))
        for place in random.choice(places, int(random.integers(1, 9))):
            if place < len(changed):
                changed[place] = random.integers(256)
        path.write_bytes(changed)
        try:
            image = read_elf(path)
        except DataError as error:
            refused += 1
            assert len(str(error)) < 400 + len(str(path)), seed
        else:
            assert sum(len(loaded) for _, _, loaded in image.segments) <= len(changed) * len(image.segments), seed
    assert refused > len(seeds) / 10


def test_a_hundred_damaged_files(tmp_path: Path, tiny: Engine, compiled: Callable[..., Image]) -> None:
    check_mutants(compiled(tiny).path.read_bytes(), tmp_path, range(100))


@pytest.mark.slow
def test_thousands_of_damaged_files(tmp_path: Path, tiny: Engine, compiled: Callable[..., Image]) -> None:
    check_mutants(compiled(tiny).path.read_bytes(), tmp_path, range(1000, 1000 + MANY_CASES))
