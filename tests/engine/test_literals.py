"""Numbers in C: what a compiler reads is the number that was meant."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.engine.literals import array_rows, float_literal, int_literal, literals, macro_value, rows


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_int32_is_its_own_text_but_for_the_lowest(value: int) -> None:
    assert int_literal(value) == (str(value) if value > -(2**31) else "-2147483647 - 1")
    assert macro_value(value).strip("()") == str(value) and (macro_value(value)[0] == "(") == (value < 0)


def test_the_lowest_int32_has_no_literal_of_its_own() -> None:
    assert int_literal(-(2**31)) == "-2147483647 - 1"
    assert int_literal(2**31 - 1) == "2147483647"
    assert [macro_value(value) for value in (-1, 0, 1)] == ["(-1)", "0", "1"]


def test_words_are_hexadecimal_and_other_integers_are_not() -> None:
    assert literals(np.array([0, 0x12AB34CD], np.uint32)) == ["0x00000000", "0x12ab34cd"]
    assert literals(np.array([-128, 127], np.int8)) == ["-128", "127"]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_is_read_back_as_it_was(value: float) -> None:
    text = float_literal(np.float32(value))
    assert text.endswith("f") and np.float32(text[:-1]) == np.float32(value)


@pytest.mark.parametrize("indent", [4, 8])
def test_lines_are_as_long_as_they_may_be_and_no_longer(indent: int) -> None:
    values = np.arange(100, 400).astype(np.int32)
    lines = array_rows(values, indent)
    assert array_rows(values) == array_rows(values, 4)
    assert ", ".join(lines) == ", ".join(map(str, values))
    assert all(len(line) <= 116 - indent for line in lines)
    assert all(len(f"{line}, {after.split(',')[0]}") > 116 - indent for line, after in itertools.pairwise(lines))
    assert rows([]) == [""]
