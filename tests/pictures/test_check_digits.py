"""Check digits: numbers that are known to be right, and the misreadings that each kind tells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.errors import ConfigError
from edgedigits.pictures.check_digits import CHECK_DIGITS, find_check_digit, passes_check

RIGHT = {
    "luhn": "79927398713",
    "verhoeff": "2363",
    "damm": "5724",
    "ean8": "73513537",
    "ean13": "4006381333931",
    "mod97": "79444",
}


def test_of_each_kind_a_number_is_known() -> None:
    assert RIGHT.keys() == CHECK_DIGITS.keys()
    assert all(passes_check(kind, RIGHT[name]) for name, kind in CHECK_DIGITS.items())


def completed(name: str, start: str) -> str:
    """Return a number that passes: the start with the digits that make it pass."""
    kind, places = CHECK_DIGITS[name], 2 if name == "mod97" else 1
    start = start[: kind.length - 1].zfill(kind.length - 1) if kind.length else start
    ends = (f"{start}{end:0{places}}" for end in range(10**places))
    return next(number for number in ends if passes_check(kind, number))


NUMBERS = st.text("0123456789", min_size=1, max_size=18)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(CHECK_DIGITS)), NUMBERS, st.data())
def test_one_misread_digit_is_told(name: str, start: str, data: st.DataObject) -> None:
    number = completed(name, start)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([one for one in "0123456789" if one != number[place]]))
    assert not passes_check(CHECK_DIGITS[name], number[:place] + other + number[place + 1 :])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["verhoeff", "damm", "mod97"]), NUMBERS, st.data())
def test_two_digits_exchanged_are_told(name: str, start: str, data: st.DataObject) -> None:
    number = completed(name, start)
    at = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert swapped == number or not passes_check(CHECK_DIGITS[name], swapped)


@pytest.mark.parametrize("number", ["", "0", "7992739871?", "٠٠", "40063813339310"])
def test_what_is_too_short_too_long_or_refused_does_not_pass(number: str) -> None:
    kind = CHECK_DIGITS["ean13" if len(number) > 13 else "luhn"]
    assert not passes_check(kind, number)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'luhn'"):
        find_check_digit("lunh")
