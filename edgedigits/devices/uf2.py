"""Writes UF2, the file that the boot drives of RP2040 and RP2350 take, and checks what their boot ROMs look for.

Source of the format: Microsoft, "USB Flashing Format (UF2)".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edgedigits.errors import DataError

FLASH = 0x10000000
FLASH_END = 0x11000000
BOOT2_BYTES = 256
IMAGE_BYTES = 4096
IMAGE_DEFINITION = struct.pack("<5I", 0xFFFFDED3, 0x10210142, 0x000001FF, 0, 0xAB123579)
"""That an Arm program in secure state begins with, somewhere in `IMAGE_BYTES`: RP2350 datasheet, chapter 5.9.5.1."""
PAYLOAD = 256

_BLOCK = struct.Struct("<8I476sI")
_MAGICS = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_FAMILY_PRESENT = 0x2000


def boot2_checksum(content: bytes) -> int:
    """Return the checksum that the RP2040's boot ROM demands of the first 252 bytes of flash.

    CRC-32 with polynomial 0x04C11DB7, most significant bit first, start value all ones, not inverted at the end.
    Source: Raspberry Pi, RP2040 datasheet, chapter 2.8.1.3.1.
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def _check_rp2040(start: bytes) -> None:
    boot = start[:BOOT2_BYTES]
    if len(boot) < BOOT2_BYTES or boot2_checksum(boot[:-4]) != int.from_bytes(boot[-4:], "little"):
        raise DataError(
            "The program has no valid boot stage at 0x10000000, without which an RP2040 does not start.",
            hint="Link the firmware with firmware_stub/drivers/boot2_rp2040.c.",
        )


def _check_rp2350(start: bytes) -> None:
    place = start[:IMAGE_BYTES].find(IMAGE_DEFINITION)
    if place < 0 or place % 4:
        raise DataError(
            "The first 4 KiB of the program do not say that it is one, without which an RP2350 does not start it.",
            hint="Link the firmware with firmware_stub/drivers/image_rp2350.c.",
        )


@dataclass(frozen=True, slots=True)
class Uf2Chip:
    """A chip that starts as a drive and takes UF2 files.

    Attributes:
        name: the vendor's.
        family: that its files name.
        drive: label of its drive.
        check: raises DataError where the chip would not start a program; is given what lies at the start of flash.
    """

    name: str
    family: int
    drive: str
    check: Callable[[bytes], None]


UF2_CHIPS = {
    "rp2040": Uf2Chip("RP2040", 0xE48BFF56, "RPI-RP2", _check_rp2040),
    "rp2350": Uf2Chip("RP2350", 0xE48BFF59, "RP2350", _check_rp2350),
}
"""By the word for each in `firmware_stub/boards/`. The RP2350's family is that of Arm programs in secure state.

Sources: Raspberry Pi, RP2040 datasheet, chapter 2.8.1; RP2350 datasheet, chapter 5.5.
"""


def check_program(chip: Uf2Chip, segments: Iterable[tuple[int, bytes]]) -> None:
    """Check that a chip would start this program.

    Args:
        chip: of `UF2_CHIPS`.
        segments: (load address, bytes).

    Raises:
        DataError: something lies outside its flash, or what its boot ROM looks for is missing or wrong.
    """
    memory = list(segments)
    for address, content in memory:
        if address < FLASH or address + len(content) > FLASH_END:
            raise DataError(
                f"{len(content):,} bytes at {address:#010x} lie outside the {chip.name}'s flash.",
                hint=f"Link the firmware for the {chip.name}: edgedigits flash, or CMake with -DBOARD.",
            )
    chip.check(next((content for address, content in memory if address == FLASH), b""))


def to_uf2(segments: Iterable[tuple[int, bytes]], family: int) -> bytes:
    """Return the UF2 file that writes these segments.

    Args:
        segments: (load address, bytes); they must not overlap.
        family: the kind of chip that shall take the file.

    Raises:
        DataError: two segments overlap.
    """
    pages: dict[int, bytearray] = {}
    written: set[int] = set()
    for address, content in segments:
        for offset, byte in enumerate(content):
            place = address + offset
            if place in written:
                raise DataError(f"Two parts of the program want the byte at {place:#010x}.", hint="Link it again.")
            written.add(place)
            page = pages.setdefault(place // PAYLOAD * PAYLOAD, bytearray(PAYLOAD))
            page[place % PAYLOAD] = byte
    return b"".join(
        _BLOCK.pack(
            *(_MAGICS[0], _MAGICS[1], _FAMILY_PRESENT, address, PAYLOAD, number, len(pages), family),
            bytes(pages[address]),
            _MAGICS[2],
        )
        for number, address in enumerate(sorted(pages))
    )
