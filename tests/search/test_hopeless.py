"""A training is given up where one that costs no more was better by far at the same point, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.search.hopeless import FAR, LOOKS, HopelessError, Watch, floors_for


def config(constants=1000, instructions=9000, epochs=10, joint=90):
    return {
        "budget": {"constants": constants, "instructions": instructions},
        "training": {"epochs": epochs},
        "joint": {"epochs": joint},
    }


def learned(*pairs):
    return {"curves": {"float_val_accuracy": [[10, 0.5]], "joint_val_accuracy": [list(pair) for pair in pairs]}}


FINISHED = config(), learned((25, 0.9), (50, 0.95), (74, 0.96), (76, 0.99))


@pytest.mark.parametrize("other", [config(constants=999), config(instructions=8999)])
def test_one_that_costs_less_in_anything_has_nothing_to_reach(other):
    assert floors_for(other, [FINISHED]) == []


@pytest.mark.parametrize("other", [config(), config(constants=2000), config(instructions=9001)])
def test_one_that_costs_as_much_has_to_come_near(other):
    assert floors_for(other, [FINISHED]) == [(0.25, 0.9 - FAR), (0.5, 0.95 - FAR), (0.75, 0.96 - FAR)]


def test_the_best_of_those_that_are_finished_counts():
    better = config(), learned((25, 0.91), (50, 0.94), (75, 0.96))
    assert floors_for(config(), [FINISHED, better]) == [(0.25, 0.91 - FAR), (0.5, 0.95 - FAR), (0.75, 0.96 - FAR)]


def test_trainings_of_other_lengths_are_held_against_each_other_by_their_share():
    longer = config(epochs=20, joint=180), learned((50, 0.9), (100, 0.95), (150, 0.96))
    assert floors_for(config(), [longer]) == floors_for(config(), [FINISHED])


def trained(accuracies, floors):
    """Train for 100 epochs with those accuracies; return how many were done before it was given up."""
    watch = Watch(config(), floors)
    with watch.stage("Training", 100) as stage:
        for epoch, accuracy in enumerate(accuracies, start=1):
            try:
                stage.advance(note="words", accuracy=accuracy)
            except HopelessError:
                return epoch
    return len(accuracies)


@given(st.lists(st.floats(0, 1), min_size=100, max_size=100), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_training_ends_at_the_first_look_that_is_below_its_floor(accuracies, floors):
    below = [look for look, floor in zip(LOOKS, floors, strict=True) if accuracies[int(100 * look) - 1] < floor]
    assert trained(accuracies, list(zip(LOOKS, floors, strict=True))) == int(100 * below[0] if below else 100)


def test_bars_without_an_accuracy_are_no_epochs():
    watch = Watch(config(), [(0.25, 0.9)])
    for _ in range(100):
        watch.advance(note="converted")


def test_it_is_told_where_and_by_how_much():
    watch = Watch(config(), [(0.25, 0.9 - FAR)])
    with pytest.raises(
        HopelessError, match=r"given up at 25% of its training, with 50.00% on validation .* had 90.00%"
    ):
        for _ in range(100):
            watch.advance(accuracy=0.5)
