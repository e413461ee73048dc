"""What a reader hands to `load`: the digits of a source as they were found, before any split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.symmetry import relaid, transpose


def left_out(name: str, parts: Sequence[str], why: str = "validation takes its share of the training digits") -> str:
    """Return the note on what a source brings and that is not read; empty where there is nothing."""
    return f"Left out of {name}: {', '.join(parts)}; {why}." if parts else ""


@dataclass(frozen=True)
class Part:
    """One of several sources that were read as one.

    Attributes:
        name: as a person would say it.
        weight: how many times a training digit of it counts.
        train, test: how many digits of each set are its own; those of the next one follow.
        reading: how it was read, as `DataConfig.reading` has it; what is not named is the default.
    """

    name: str
    weight: float
    train: int
    test: int
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """A source as found. At least one of the two sets is there.

    Attributes:
        train: what may be trained on; None where the source is a test set only.
        test: the test set that the source brings along; None where it has none.
        name: the source's name as a person would say it, e.g. "mnist" or "train.csv".
        note: one sentence on a fallback that was taken; may be empty.
        lying: by its name its pictures hold columns for rows, and nobody has exchanged them yet.
        parts: what it is of, where it is of several sources; empty for one.
    """

    train: Digits | None
    test: Digits | None
    name: str
    note: str = ""
    lying: bool = False
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        if self.train is None and self.test is None:
            raise ValueError("a source without any digits")

    @property
    def everything(self) -> Digits:
        """All digits of the source: the training set, then the test set."""
        return Digits.joined([part for part in (self.train, self.test) if part is not None])

    def inverted(self) -> Contents:
        """Return the same digits with every pixel p turned into 255 − p."""
        return self._with_images(lambda images: 255 - images)

    def transposed(self) -> Contents:
        """Return the same digits with rows and columns of every image exchanged."""
        return self._with_images(lambda images: relaid(images, transpose))

    def _with_images(self, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Contents:
        train, test = (
            None if part is None else Digits(change(part.images), part.labels) for part in (self.train, self.test)
        )
        return replace(self, train=train, test=test)
