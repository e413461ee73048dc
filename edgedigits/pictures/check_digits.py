"""Check digits of numbers that are read: whether a misread digit would show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgedigits.errors import ConfigError, nearest

# The dihedral group of ten elements, and powers of a permutation of digits.
_GROUP = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
# A quasigroup in which no digit beside itself gives itself.
_QUASIGROUP = (
    *("0317598642", "7092154863", "4206871359", "1750983426", "6123045978"),
    *("3674209581", "5869720134", "8945362017", "9438617205", "2581436790"),
)


@dataclass(frozen=True, slots=True)
class CheckDigit:
    """A kind of check digit, which stands last.

    Attributes:
        meaning: where it is used.
        passes: tells whether a number, digits 0-9 only, ends with its check digit.
        length: that such a number has; 0 for any from two digits on.
    """

    meaning: str
    passes: Callable[[str], bool]
    length: int = 0


def _luhn(number: str) -> bool:
    doubled = [int(one) * (2 if place % 2 else 1) for place, one in enumerate(reversed(number))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def _verhoeff(number: str) -> bool:
    state = 0
    for place, one in enumerate(reversed(number)):
        state = int(_GROUP[state][int(_PERMUTED[place % 8][int(one)])])
    return state == 0


def _damm(number: str) -> bool:
    state = 0
    for one in number:
        state = int(_QUASIGROUP[state][int(one)])
    return state == 0


def _in_turn(number: str) -> bool:
    return sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(reversed(number))) % 10 == 0


CHECK_DIGITS = {
    "luhn": CheckDigit("cards, IMEI; ISO/IEC 7812-1", _luhn),
    "verhoeff": CheckDigit("Aadhaar; Verhoeff, 1969", _verhoeff),
    "damm": CheckDigit("Damm, 2004", _damm),
    "ean8": CheckDigit("GTIN-8", _in_turn, 8),
    "ean13": CheckDigit("GTIN-13, ISBN-13", _in_turn, 13),
    "mod97": CheckDigit(
        "two check digits, the number is 1 modulo 97; ISO/IEC 7064", lambda number: int(number) % 97 == 1
    ),
}
"""By the name that `--check-digit` knows."""


def find_check_digit(name: str) -> CheckDigit:
    """Return the kind of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in CHECK_DIGITS:
        raise ConfigError(f"There is no check digit '{name}'.", hint=nearest(name, CHECK_DIGITS))
    return CHECK_DIGITS[name]


def passes_check(kind: CheckDigit, number: str) -> bool:
    """Tell whether a number that was read passes; of another length, or with what is no digit, it does not."""
    fits = len(number) == kind.length if kind.length else len(number) > 1
    return fits and number.isdecimal() and number.isascii() and kind.passes(number)
