"""Stratified, seeded splits that are the same on every platform and under every version of NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES
from edgedigits.errors import ConfigError

TRAIN, VALIDATION, TEST = range(3)

Indices = NDArray[np.int64]


class Division(TypedDict):
    """How a source is divided.

    Attributes:
        validation_fraction: share for validation: of all digits, or of the training set where the source brings a test
            set.
        test_fraction: share for the test; not used where the source brings a test set, which is kept.
        seed: the same seed gives the same split, on every platform.
    """

    validation_fraction: float
    test_fraction: float
    seed: int


def split_indices(
    labels: NDArray[np.uint8], *, validation_fraction: float, test_fraction: float, seed: int
) -> tuple[Indices, Indices, Indices]:
    """Divide digits into train, validation and test.

    Every class is divided in the same proportion: each of its three counts is within 1 of the proportional
    one, and so is each total. The order in a split is shuffled, so that its first digits are a fair sample.

    Args:
        labels: uint8 (n,), 0…9.
        validation_fraction: share of all digits for validation, 0 or more.
        test_fraction: share of all digits for the test, 0 or more; the sum of both is below 1.
        seed: not negative; the same seed gives the same split.

    Returns:
        Indices into `labels`: train, validation, test; int64.

    Raises:
        ConfigError: the fractions or the seed are out of range.
    """
    shares = _shares(validation_fraction, test_fraction)
    if seed < 0:
        raise ConfigError(f"The seed is {seed}, expected 0 or more.")
    quotas = class_quotas(np.bincount(labels, minlength=CLASSES).tolist(), shares)
    draw, order = _shuffles(len(labels), seed)
    part = np.full(len(labels), TRAIN, np.int8)
    for digit, (_, validation, test) in enumerate(quotas):
        members = draw[labels[draw] == digit]
        part[members[:test]] = TEST
        part[members[test : test + validation]] = VALIDATION
    train, validate, held_out = (order[part[order] == wanted] for wanted in (TRAIN, VALIDATION, TEST))
    return train, validate, held_out


def class_quotas(counts: Sequence[int], shares: Sequence[Fraction]) -> list[list[int]]:
    """Divide each class's count by `shares` into whole numbers.

    Rounding every class by itself could leave a total off by several. So the totals are fixed first, every
    class gets its rounded-down part, and what is left of it goes to the splits that still lack most.

    Args:
        counts: digits in each class.
        shares: what each split gets; their sum is 1.

    Returns:
        For each class its count in each split.
    """
    quotas = [[floor(count * share) for share in shares] for count in counts]
    totals = _largest_remainders(sum(counts), shares)
    lacking = [total - sum(column) for total, column in zip(totals, zip(*quotas, strict=True), strict=True)]
    left = [count - sum(row) for count, row in zip(counts, quotas, strict=True)]
    for digit in sorted(range(len(counts)), key=lambda digit: -left[digit]):
        remainders = [counts[digit] * share % 1 for share in shares]
        neediest = sorted(range(len(shares)), key=lambda split: (-lacking[split], -remainders[split]))
        for split in neediest[: left[digit]]:
            quotas[digit][split] += 1
            lacking[split] -= 1
    return quotas


def _shares(validation_fraction: float, test_fraction: float) -> tuple[Fraction, Fraction, Fraction]:
    # From the decimal text, so that 0.1 is a tenth and no platform's rounding decides.
    validation, test = (Fraction(repr(float(fraction))) for fraction in (validation_fraction, test_fraction))
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ConfigError(
            f"Shares of {validation_fraction:g} and {test_fraction:g} for validation and test leave no rest.",
            hint="Choose both from 0 and their sum below 1.",
        )
    return 1 - validation - test, validation, test


def _largest_remainders(count: int, shares: Sequence[Fraction]) -> list[int]:
    whole = [floor(count * share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda split: -(count * shares[split] % 1))
    for split in by_remainder[: count - sum(whole)]:
        whole[split] += 1
    return whole


def _shuffles(count: int, seed: int) -> tuple[Indices, Indices]:
    """Two independent orders: one to draw from, one to lay out, as drawing leaves a gap at the front."""
    # NumPy promises the raw stream of a bit generator for good, not what Generator.permutation makes of it.
    raw = np.random.PCG64(seed).random_raw(2 * count)
    draw, order = (np.argsort(half, kind="stable").astype(np.int64) for half in (raw[:count], raw[count:]))
    return draw, order
