"""UF2 files hold the program as the format says; a program that a chip would not start is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.devices.cores import find_core
from edgedigits.devices.stub import firmware_stub
from edgedigits.devices.toolchain import run_tool, toolchain_environment
from edgedigits.devices.uf2 import FLASH, IMAGE_DEFINITION, UF2_CHIPS, Uf2Chip, boot2_checksum, check_program, to_uf2
from edgedigits.errors import DataError
from tests.devices.conftest import toolchain_or_skip

RP2040, RP2350 = UF2_CHIPS["rp2040"], UF2_CHIPS["rp2350"]


def read_uf2(content: bytes, chip: Uf2Chip = RP2040) -> dict[int, bytes]:
    """Read a UF2 file as a boot loader does: address → 256 bytes."""
    assert len(content) % 512 == 0
    pages = {}
    for number in range(len(content) // 512):
        block = content[512 * number : 512 * (number + 1)]
        first, second, flags, address, size, index, count, family = struct.unpack("<8I", block[:32])
        assert (first, second, block[508:]) == (0x0A324655, 0x9E5D5157, struct.pack("<I", 0x0AB16F30))
        assert (flags, size, index, count, family) == (0x2000, 256, number, len(content) // 512, chip.family)
        assert address % 256 == 0 and address not in pages
        pages[address] = block[32:288]
        assert not any(block[288:508])
    return pages


@given(
    st.binary(min_size=1, max_size=2000), st.integers(0, 1000), st.binary(min_size=1, max_size=600), st.integers(0, 700)
)
@settings(deadline=None, max_examples=60)
def test_every_byte_arrives_at_its_address(first: bytes, start: int, second: bytes, gap: int) -> None:
    here = FLASH + start
    there = here + len(first) + gap

    pages = read_uf2(to_uf2([(there, second), (here, first)], RP2040.family))

    def at(address: int) -> int:
        return pages[address // 256 * 256][address % 256]

    assert bytes(at(here + i) for i in range(len(first))) == first
    assert bytes(at(there + i) for i in range(len(second))) == second
    assert list(pages) == sorted(pages)


def test_parts_that_overlap_are_refused() -> None:
    with pytest.raises(DataError, match="Two parts of the program want the byte at 0x10000002"):
        to_uf2([(FLASH, b"abc"), (FLASH + 2, b"d")], RP2040.family)


def test_the_checksum_is_that_of_the_boot_rom() -> None:
    """CRC-32/MPEG-2 of the catalogue of CRC parameters; its check value."""
    assert boot2_checksum(b"123456789") == 0x0376E6E7


def test_the_boot_stage_is_its_source_assembled(tmp_path: Path) -> None:
    core, words = find_core("cortex-m0plus"), []
    zig = toolchain_or_skip("zig", core)
    for end in ("c", "S"):
        source, made = firmware_stub() / "drivers" / f"boot2_rp2040.{end}", tmp_path / f"{end}.o"
        command = [*zig.command, *core.zig, "-c", str(source), "-o", str(made)]
        assert run_tool(command, toolchain_environment(zig)).returncode == 0
        with made.open("rb") as file:
            words.append(ELFFile(file).get_section_by_name(".boot2").data())
    program, assembled = words

    assert assembled.ljust(252, b"\0") == program[:252]
    check_program(RP2040, [(FLASH, program)])


def test_a_program_without_a_boot_stage_is_refused() -> None:
    boot = bytes(range(252))
    good = boot + boot2_checksum(boot).to_bytes(4, "little")

    check_program(RP2040, [(FLASH, good), (FLASH + 256, b"x")])
    for segments in ([(FLASH, boot + bytes(4))], [(FLASH + 256, b"x")], [(FLASH, b"short")]):
        with pytest.raises(DataError, match="no valid boot stage"):
            check_program(RP2040, segments)
    with pytest.raises(DataError, match="lie outside the RP2040's flash"):
        check_program(RP2040, [(0x20000000, b"x")])


def test_a_program_that_does_not_say_so_is_none_for_an_rp2350() -> None:
    for start in (bytes(64), bytes(4092 - 16)):
        check_program(RP2350, [(FLASH, start + IMAGE_DEFINITION + b"x")])
    for segments in (
        [(FLASH, bytes(4096) + IMAGE_DEFINITION)],
        [(FLASH + 4, IMAGE_DEFINITION)],
        [(FLASH, b"\0" + IMAGE_DEFINITION)],
    ):
        with pytest.raises(DataError, match="do not say that it is one, without which an RP2350 does not start it"):
            check_program(RP2350, segments)
    with pytest.raises(DataError, match="lie outside the RP2350's flash"):
        check_program(RP2350, [(0x20000000, b"x")])
