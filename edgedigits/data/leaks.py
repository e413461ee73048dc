"""What one of several sources learns of the test digits of another: the very pictures, and what is nearly one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgedigits.data.digits import Digits, SourceSplits
from edgedigits.data.fingerprints import fingerprints
from edgedigits.data.near_duplicates import near_duplicates

_WORTH_A_WORD = 0.002
"""Share of the smaller side from which near-duplicates are told: of 8×8 pixels one in a thousand is one by chance."""


def leaks(sources: Sequence[SourceSplits]) -> Iterator[str]:
    """Yield what sources learn of the test digits of others, a sentence for each two and kind."""
    learned = [Digits.joined([one.splits.train, one.splits.validation]).images for one in sources]
    known = [fingerprints(images) for images in learned]
    for tested in sources:
        images = tested.splits.test.images
        prints = fingerprints(images)
        for other, theirs, theirs_known in zip(sources, learned, known, strict=True):
            if other is tested:
                continue
            same = np.isin(prints, theirs_known)
            if count := int(same.sum()):
                yield _told(count, len(images), tested.name, f"in {other.name} as well")
            count = int(near_duplicates(images[~same], theirs).sum())
            if count and count >= _WORTH_A_WORD * min(len(images), len(theirs)):
                yield _told(count, len(images), tested.name, f"nearly the same as in {other.name}")


def _told(count: int, of: int, tested: str, how: str) -> str:
    what = f"{count:,} of the {of:,} test digits of {tested} {'is' if count == 1 else 'are'} {how}"
    return f"{what}, which learns them: figures on {tested} will flatter."
