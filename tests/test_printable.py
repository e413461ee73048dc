"""Names that are not ours, before a terminal sees them."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from edgedigits.printable import printable, printable_lines

HOSTILE = "\x1b[2J\x1b]0;title\x07\x9b31m\r\n\t\x7f\u202e\u2066\u200b\u2028\ufeff\ud800\U000e0041"


def test_nothing_that_steers_a_terminal_is_left():
    assert printable(f"a{HOSTILE}b") == "a?[2J?]0;title??31m???????????b"
    assert printable("Zahl – 4×7 γ 数字 e\u0301.csv") == "Zahl – 4×7 γ 数字 e\u0301.csv"


@given(st.text(st.characters()))
def test_a_line_stays_one_of_the_same_length(text):
    shown = printable(text)
    assert len(shown) == len(text) and shown.isprintable()
    assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in shown)
    assert printable(shown) == shown


def test_lines_keep_their_line_feeds_only():
    assert printable_lines("a\nb\r\n\x1b") == "a\nb?\n?"
