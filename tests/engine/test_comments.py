"""What may stand in the comments of generated C and C++."""

from __future__ import annotations

import pytest

from edgedigits.engine.comments import comment_text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain, with marks: [1, 784]", "plain, with marks: [1, 784]"),
        ("ends */ here", "ends * / here"),
        ("opens /* here", "opens / * here"),
        ("two\nlines\\", "two lines/"),
        ("trigraph ??/", "trigraph ? ?/"),
        ("naïve", "na?ve"),
    ],
)
def test_text_from_a_file_cannot_leave_its_comment(text: str, safe: str) -> None:
    assert comment_text(text) == safe
