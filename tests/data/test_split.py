"""Splits are stratified, seeded, and the same everywhere."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.data.digits import Digits
from edgedigits.data.load import load_splits
from edgedigits.data.split import class_quotas, split_indices
from edgedigits.errors import ConfigError

FRACTIONS = st.floats(0, 0.49, allow_nan=False)
COUNTS = st.lists(st.integers(0, 3000), min_size=10, max_size=10)


@given(counts=COUNTS, validation=FRACTIONS, test=FRACTIONS)
def test_every_count_and_every_total_is_within_one_of_proportional(counts, validation, test) -> None:
    shares = [1 - Fraction(validation) - Fraction(test), Fraction(validation), Fraction(test)]
    quotas = class_quotas(counts, shares)
    assert [sum(row) for row in quotas] == counts
    for count, row in zip(counts, quotas, strict=True):
        assert all(abs(part - count * share) <= 1 for part, share in zip(row, shares, strict=True))
    for column, share in zip(zip(*quotas, strict=True), shares, strict=True):
        assert abs(sum(column) - sum(counts) * share) < 1


@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=300),
    validation=FRACTIONS,
    test=FRACTIONS,
    seed=st.integers(0, 2**31 - 1),
)
def test_every_digit_is_in_exactly_one_split(labels, validation, test, seed) -> None:
    array = np.array(labels, np.uint8)
    parts = split_indices(array, validation_fraction=validation, test_fraction=test, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    again = split_indices(array, validation_fraction=validation, test_fraction=test, seed=seed)
    assert all((one == other).all() for one, other in zip(parts, again, strict=True))


def test_another_seed_gives_another_split(five_thousand: Digits) -> None:
    one, other = (
        split_indices(five_thousand.labels, validation_fraction=0.1, test_fraction=0.1, seed=seed)[2] for seed in (1, 2)
    )
    assert set(one.tolist()) != set(other.tolist())


def test_a_fraction_of_zero_leaves_that_split_empty(five_thousand: Digits) -> None:
    _, validation, test = split_indices(five_thousand.labels, validation_fraction=0.0, test_fraction=0.1, seed=1)
    assert (len(validation), len(test)) == (0, 500)


def test_the_order_in_a_split_is_a_fair_sample(five_thousand: Digits) -> None:
    # The file is sorted by class; the first hundred digits of a split are not.
    train, _, _ = split_indices(five_thousand.labels, validation_fraction=0.1, test_fraction=0.1, seed=1)
    assert len(set(five_thousand.labels[train[:100]].tolist())) == 10


def test_the_split_of_a_seed_never_changes() -> None:
    """A manifest names the seed only: were this digest to change, `evaluate` would score training digits."""
    splits = load_splits("mnist-5k", validation_fraction=0.1, test_fraction=0.15, seed=42)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (3750, 500, 750)
    assert splits.digest == "841278ec311dbe2629b676bcd9920175befdc9d890f10727645988f932e1d720"


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.2, -0.1), (0.9, 0.3)])
def test_fractions_that_leave_nothing_are_refused(validation: float, test: float) -> None:
    with pytest.raises(ConfigError, match="for validation and test leave no rest"):
        split_indices(np.zeros(20, np.uint8), validation_fraction=validation, test_fraction=test, seed=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ConfigError, match="The seed is -1, expected 0 or more"):
        split_indices(np.zeros(20, np.uint8), validation_fraction=0.1, test_fraction=0.1, seed=-1)
