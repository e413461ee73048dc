"""What the firmware may say, line by line: checked, cut into fields, and every field held to its bounds.

The other side is `firmware_stub/src/protocol.c`; `protocol.h` tells the same bounds. A device is not trusted: what it
says sizes memory, divides, and is printed.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from edgedigits.devices.link import BAUD
from edgedigits.errors import DataError
from edgedigits.printable import printable

PROTOCOL = "1"
HINT = f"Is it the firmware of firmware_stub with this engine, at {BAUD:,} baud?"
LONGEST_SHOWN = 40

MOST_INPUT, MOST_OUTPUT = 1 << 20, 1 << 14
"""Bytes of an input and of an output; twice as many hexadecimal digits are a line."""
MOST_WORKSPACE = 1 << 24
MOST_RUNS = 10_000
UINT32 = (1 << 32) - 1
TICK_MASK = (1 << 24) - 1
"""Ticks of the longest inference that the firmware can time; its clock wraps there."""

_CHECKED = re.compile(r"([ -~]*) check=([0-9a-f]{8})")
_FIELD = re.compile(r"([a-z_]{1,16})=(\S+)")
# At most ten digits: no number of a device needs more, and int() refuses thousands of them.
_NUMBER = re.compile(r"[0-9]{1,10}")
_CRC = re.compile(r"[0-9a-f]{8}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class AnswerFields:
    """The fields of one answer.

    Attributes:
        device: what to call the device in messages.
        values: as text, by name.
    """

    device: str
    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a field as it came.

        Raises:
            DataError: it is missing.
        """
        if name not in self.values:
            raise DataError(f"{self.device} does not say all of what it should: no {name}.", hint=HINT)
        return self.values[name]

    def number(self, name: str, low: int, high: int) -> int:
        """Return a field as a number from `low` to `high`.

        Raises:
            DataError: it is missing, no plain decimal number, or outside.
        """
        text = self.text(name)
        if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
            raise self._odd(name, f"a number from {low:,} to {high:,}")
        return int(text)

    def crc(self, name: str) -> int:
        """Return a field as a CRC-32.

        Raises:
            DataError: it is missing or not eight hexadecimal digits.
        """
        if not _CRC.fullmatch(self.text(name)):
            raise self._odd(name, "eight hexadecimal digits")
        return int(self.values[name], 16)

    def identifier(self, name: str) -> str:
        """Return a field as a name in C.

        Raises:
            DataError: it is missing or no such name.
        """
        if not _NAME.fullmatch(self.text(name)):
            raise self._odd(name, "a name of C of at most 64 characters")
        return self.values[name]

    def content(self, name: str, size: int) -> bytes:
        """Return a field as `size` bytes.

        Raises:
            DataError: it is missing, not hexadecimal, or of another length.
        """
        text = self.text(name)
        if not re.fullmatch(r"[0-9a-f]*", text) or len(text) != 2 * size:
            raise self._odd(name, f"{2 * size:,} hexadecimal digits")
        return bytes.fromhex(text)

    def _odd(self, name: str, expected: str) -> DataError:
        return DataError(f"{self.device} says {name}={heard(self.values[name])}, expected {expected}.", hint=HINT)


def whole(line: str) -> str:
    """Return a line without its checksum, or nothing where the two do not agree."""
    found = _CHECKED.fullmatch(line)
    return found[1] if found and zlib.crc32(found[1].encode("ascii")) == int(found[2], 16) else ""


def fields_of(device: str, text: str) -> AnswerFields:
    """Return the fields of an answer, of what stands behind its first words.

    Raises:
        DataError: a field comes twice.
    """
    pairs = [(found[1], found[2]) for word in text.split(" ") if (found := _FIELD.fullmatch(word))]
    values = dict(pairs)
    if len(values) != len(pairs):
        raise DataError(f"{device} says the same twice: '{heard(text)}'.", hint=HINT)
    return AnswerFields(device, values)


def heard(text: str) -> str:
    """Return what a device said as it may be shown: short, and without what a terminal would obey."""
    short = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
    return printable(short.replace("\ufffd", "?"))
