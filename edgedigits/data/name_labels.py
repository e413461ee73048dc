"""Labels in the names of pictures: 7_001.png, img-12-7.jpg, seven (3).png."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {**{str(digit): digit for digit in range(10)}, **{word: digit for digit, word in enumerate(_WORDS)}}
_TOKEN = re.compile(r"[a-z]+|[0-9]+")


def labels_in_names(names: Sequence[str]) -> list[tuple[int, ...]]:
    """Return each way in which names tell a digit: by itself, in the same place of all, counted from either end.

    Several ways are several readings, and nobody knows which is meant; a place that holds the same digit in all names
    (of a version, of a writer) is none where another tells several.

    Args:
        names: of files, one at least.
    """
    tokens = [_TOKEN.findall(PurePath(name).stem.lower()) for name in names]
    fewest = min(map(len, tokens))
    ways = dict.fromkeys(
        tuple(_DIGITS.get(found[place], -1) for found in tokens) for place in (*range(fewest), *range(-fewest, 0))
    )
    told = [way for way in ways if -1 not in way]
    return [way for way in told if len(set(way)) > 1] or told
