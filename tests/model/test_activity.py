"""How many inputs of a layer are active: counted on images where there are some, else what was to be expected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.model.activity import expected, measured
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights.encoding import DIGITS, HIDDEN, Activity
from tests.model.random_models import SEEDS, random_model
from tests.tflite_builder import random_mlp


@given(st.integers(1, 4), st.integers(1, 13), SEEDS)
@settings(deadline=None)
def test_shares_are_those_of_inputs_and_of_aligned_groups_with_one(count: int, width: int, seed: int) -> None:
    active = np.random.default_rng(seed).random((count, width)) < 0.3
    found = Activity.of(active)
    assert found.inputs == active.mean() and found.by_input is not None
    assert found.by_input.tolist() == active.mean(axis=0).tolist()
    for share, size in ((found.pairs, 2), (found.words, 4)):
        groups = [active[:, start : start + size].any(axis=1).mean() for start in range(0, width, size)]
        assert share * width / size == pytest.approx(sum(groups))


def test_entries_count_by_how_often_their_input_is_active() -> None:
    active = np.array([[True, False, False], [True, True, False]])
    assert Activity.of(active).taken(np.array([10, 4, 100])) == 10 + 2
    assert Activity(0.5, 0.5, 0.5).taken(np.array([10, 4, 100])) == 57


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_each_layer_is_measured_on_what_it_reads(seed: int) -> None:
    network = lower(read_tflite(random_model(seed, widest=20).content))
    inputs = np.random.default_rng(seed).integers(-128, 128, (5, network.inputs)).astype(np.int8)
    values = inputs
    for layer, found in zip(network.layers, measured(network, inputs), strict=True):
        assert found.inputs == pytest.approx((values != layer.input_low).mean())
        values = layer.run([values], network.rounding)


def test_without_images_it_is_what_was_to_be_expected() -> None:
    network = lower(read_tflite(random_mlp(1, (12, 6, 4))))
    assert expected(network) == [DIGITS, HIDDEN]
    for seen in (None, np.zeros((0, 12), np.int8)):
        assert [one.activity for one in arrange(network, Goal.SPEED, seen=seen)[1]] == [DIGITS, HIDDEN]


def test_a_layer_is_stored_for_what_it_sees() -> None:
    """What skips inputs is faster where few are active, what multiplies two at a time where all are."""
    network = lower(read_tflite(random_mlp(1, (400, 40), density=0.3)))
    for value, name in ((-128, "lists8"), (127, "pairs")):
        [packed] = arrange(network, Goal.SPEED, seen=np.full((2, 400), value, np.int8))[1]
        assert (packed.encoding.name, packed.activity.inputs) == (name, float(value == 127))
