"""Numbers as C array literals: rows of text that templates only indent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE_LENGTH = 116

C_TYPES = {
    "int8": "int8_t",
    "int16": "int16_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
}


def literals(values: NDArray[Any]) -> list[str]:
    """Return integers (k,) as C literals; words are hexadecimal, since they hold several values."""
    if values.dtype == np.uint32:
        return [f"0x{value:08x}" for value in values.tolist()]
    return [int_literal(value) for value in values.tolist()]


def int_literal(value: int) -> str:
    """Return one int32 as a C expression; −2³¹ has no literal of its own."""
    return "-2147483647 - 1" if value == -(2**31) else str(value)


def float_literal(value: np.float32) -> str:
    """Return a float32 as the shortest C literal that a compiler reads as the same number."""
    return f"{np.float32(value)!s}f"


def macro_value(value: int) -> str:
    """Return an int as a macro's value, which may stand behind any operator."""
    return f"({value})" if value < 0 else str(value)


def rows(words: Sequence[str], indent: int = 4) -> list[str]:
    """Join literals by commas into lines that are not too long after an indent."""
    lines: list[str] = []
    current = ""
    for word in words:
        joined = f"{current}, {word}" if current else word
        if len(joined) > LINE_LENGTH - indent:
            lines.append(current)
            joined = word
        current = joined
    return [*lines, current]


def array_rows(values: NDArray[Any], indent: int = 4) -> list[str]:
    """Return integers (k,) as lines of literals."""
    return rows(literals(values), indent)
