"""Writes UF2, the file that the RP2040's boot drive takes, and checks the RP2040's boot stage.

Source of the format: Microsoft, "USB Flashing Format (UF2)".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from edgedigits.errors import DataError

RP2040_FAMILY = 0xE48BFF56
RP2040_FLASH = 0x10000000
RP2040_FLASH_END = 0x11000000
BOOT2_BYTES = 256
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


def check_rp2040(segments: Iterable[tuple[int, bytes]]) -> None:
    """Check that an RP2040 would start this program.

    Args:
        segments: (load address, bytes).

    Raises:
        DataError: something lies outside its flash, or the boot stage is missing or its checksum wrong.
    """
    memory = list(segments)
    for address, content in memory:
        if address < RP2040_FLASH or address + len(content) > RP2040_FLASH_END:
            raise DataError(
                f"{len(content):,} bytes at {address:#010x} lie outside the RP2040's flash.",
                hint="Link the firmware for the RP2040: edgedigits flash, or CMake with -DBOARD=rp2040.",
            )
    boot = next((content for address, content in memory if address == RP2040_FLASH), b"")[:BOOT2_BYTES]
    if len(boot) < BOOT2_BYTES or boot2_checksum(boot[:-4]) != int.from_bytes(boot[-4:], "little"):
        raise DataError(
            "The program has no valid boot stage at 0x10000000, without which an RP2040 does not start.",
            hint="Link the firmware with firmware_stub/drivers/boot2_rp2040.c.",
        )


def to_uf2(segments: Iterable[tuple[int, bytes]], family: int = RP2040_FAMILY) -> bytes:
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
