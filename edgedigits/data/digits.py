"""Labelled digits in memory, the currency of every room behind this one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import PIXELS


@dataclass(frozen=True, eq=False)
class Digits:
    """Labelled 28×28 grey images, white on black.

    Attributes:
        images: uint8 (n, 784), row-major pixels 0…255; made read-only.
        labels: uint8 (n,), 0…9; made read-only.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 2 or self.images.shape[1] != PIXELS:
            raise ValueError(f"images must be uint8 (n, {PIXELS}), got {self.images.dtype} {self.images.shape}")
        if self.labels.dtype != np.uint8 or self.labels.shape != (len(self.images),):
            raise ValueError(f"labels must be uint8 ({len(self.images)},), got {self.labels.dtype} {self.labels.shape}")
        self.images.flags.writeable = False
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def joined(cls, parts: Sequence[Digits]) -> Digits:
        """Return the digits of all parts, one part behind the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))

    def take(self, indices: NDArray[np.integer]) -> Digits:
        """Return the digits at `indices`, in that order."""
        return Digits(self.images[indices], self.labels[indices])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pixels followed by the labels, in hexadecimal."""
        content = hashlib.sha256(self.images.tobytes())
        content.update(self.labels.tobytes())
        return content.hexdigest()


@dataclass(frozen=True, eq=False)
class SourceSplits:
    """One of several sources that a data set is of.

    Attributes:
        name: as a person would say it.
        weight: how many times a training digit of it counts.
        splits: its own, every digit once.
        rows: places of its test digits in the test split of all, int64 (n,), ascending.
        reading: how it was read, as `DataConfig.reading` has it; what is not named is the default.
    """

    name: str
    weight: float
    splits: Splits
    rows: NDArray[np.int64]
    reading: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set divided for training.

    Attributes:
        train: what weights are fitted on.
        validation: what choices are made on.
        test: touched once, for the final figures.
        source: name of the data set as a person would say it, e.g. "mnist" or "train.csv".
        note: one sentence on how it was found or why a fallback was taken; may be empty.
        sources: what it is of, where it is of several; empty for one. The training split has each digit as often as it
            counts.
    """

    train: Digits
    validation: Digits
    test: Digits
    source: str
    note: str = ""
    sources: tuple[SourceSplits, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of the three splits, in hexadecimal."""
        parts = (self.train.digest, self.validation.digest, self.test.digest)
        return hashlib.sha256("".join(parts).encode()).hexdigest()
