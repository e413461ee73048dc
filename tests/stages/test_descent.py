"""Descent finds codes back that were changed, and changes nothing that it may not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edgedigits.stages.descent import Descent, Freedom
from edgedigits.stages.int8_network import Int8Network
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.objective import Objective

LEVELS = [-127.0, -60.0, 50.0, 100.0]
IMAGES, INPUTS, CLASSES = 600, 16, 10


def untrained(seed: int = 0) -> Int8Network:
    """Two layers of few levels, each neuron and class with some weights."""
    random = np.random.default_rng(seed)
    widths = [INPUTS, 12, CLASSES]
    weights = []
    for of, to in pairwise(widths):
        codes = random.choice(LEVELS, (to, of)) * (random.random((to, of)) < 0.4)
        codes[np.arange(to), np.arange(to) % of] = LEVELS[0]
        codes[np.arange(of) % to, np.arange(of)] = LEVELS[3]
        weights.append(codes)
    pixels = (random.integers(0, 256, (IMAGES, INPUTS)) * (random.random((IMAGES, INPUTS)) < 0.6)).astype(np.uint8)
    return Int8Network(weights, [np.zeros(12), np.zeros(CLASSES)], [2e-5, 3e-4], [0.02], pixels)


def disturbed(network: Int8Network, places: int) -> None:
    """Give weights other levels."""
    random = np.random.default_rng(9)
    for weights in network.weights:
        for unit, source in random.permutation(np.argwhere(weights != 0))[:places]:
            weights[unit, source] = random.choice([one for one in LEVELS if one != weights[unit, source]])
    network.run()


def descent(network: Int8Network, labels: np.ndarray, **freedom: object) -> Descent:
    choices = {"moves_levels": False, "moves_zeros": False, "fits": lambda changed: True, **freedom}
    choices = {"bias_steps": [(0.0, 0.0)] * 2, "levels": [list(LEVELS), list(LEVELS)], **choices}
    return Descent(network, Objective(LogitsLoss("cross-entropy"), labels.astype(np.int32)), Freedom(**choices))


def loss(network: Int8Network, labels: np.ndarray) -> float:
    objective = Objective(LogitsLoss("cross-entropy"), labels.astype(np.int32))
    return float(objective.losses(network.logits).mean())


@pytest.fixture
def case() -> tuple[Int8Network, np.ndarray]:
    """A network with some weights wrong, and the labels that it gave before."""
    network = untrained()
    labels = network.logits.argmax(axis=1)
    disturbed(network, 8)
    return network, labels


def test_the_loss_falls_and_digits_are_told_again(case) -> None:
    network, labels = case
    wrong, before = (network.logits.argmax(axis=1) != labels).mean(), loss(network, labels)
    one = descent(network, labels)
    zeros = [weights == 0 for weights in network.weights]
    made = [one.sweep() for _ in range(4)]
    assert made[0] > 8
    assert loss(network, labels) < 0.8 * before
    assert (network.logits.argmax(axis=1) != labels).mean() < 0.5 * wrong
    for weights, were in zip(network.weights, zeros, strict=True):
        assert ((weights == 0) == were).all()
        assert set(np.unique(weights)) <= {0.0, *LEVELS}


def test_what_has_no_room_is_not_done(case) -> None:
    network, labels = case
    before = [weights.copy() for weights in network.weights]
    asked = 0

    def fits(changed: Int8Network) -> bool:
        nonlocal asked
        asked += 1
        return False

    assert descent(network, labels, moves_zeros=True, bias_steps=[(1.0, 15.0)] * 2, fits=fits).sweep() == 0
    for weights, were in zip(network.weights, before, strict=True):
        assert (weights == were).all()
    # Not the whole network is taken out for each weight that might be put in.
    assert asked < 700


def test_weights_are_exchanged_within_their_number_and_no_neuron_is_left_alone(case) -> None:
    network, labels = case
    most = sum(map(np.count_nonzero, network.weights))
    zeros = [weights == 0 for weights in network.weights]

    def fits(changed: Int8Network) -> bool:
        return sum(map(np.count_nonzero, changed.weights)) <= most

    one = descent(network, labels, moves_zeros=True, fits=fits)
    before = loss(network, labels)
    for _ in range(4):
        one.sweep()
    assert fits(network) and loss(network, labels) < 0.7 * before
    assert any((was & (weights != 0)).any() for was, weights in zip(zeros, network.weights, strict=True))
    assert network.weights[0].any(axis=1).all() and network.weights[1].any(axis=1).all()
    assert network.weights[1].any(axis=0).all()


@pytest.mark.parametrize("harm", ["in", "out"])
def test_a_neuron_keeps_its_last_weight_and_is_read(harm) -> None:
    network = untrained()
    first, last = network.weights
    if harm == "in":
        first[3] = 0
    else:
        last[:, 3] = 0
    network.run()
    labels = network.logits.argmax(axis=1)
    # The one weight that makes this neuron say something else is the only one that it has.
    if harm == "in":
        first[3, 2] = LEVELS[3]
    else:
        last[7, 3] = LEVELS[0]
    network.run()
    descent(network, labels, levels=[LEVELS[3:], LEVELS[:1]], moves_zeros=True).sweep()
    assert first[3].any() and last[:, 3].any()


def test_levels_move_together_but_for_the_largest(case) -> None:
    network, labels = case
    levels = [list(LEVELS), list(LEVELS)]
    one = descent(network, labels, moves_levels=True, levels=levels)
    for _ in range(3):
        one.sweep()
    for weights, left in zip(network.weights, levels, strict=True):
        assert left[0] == -127 and left != LEVELS
        assert set(np.unique(weights)) <= {0.0, *left}


def test_biases_move_by_their_steps_and_not_beyond_the_largest(case) -> None:
    network, labels = case
    one = descent(network, labels, bias_steps=[(64.0, 128.0), (16.0, 240.0)])
    for _ in range(3):
        one.sweep()
    for biases, (step, largest) in zip(network.biases, [(64, 128), (16, 240)], strict=True):
        assert biases.any() and not (biases % step).any() and np.abs(biases).max() <= largest


def test_the_same_is_found_twice(case) -> None:
    network, labels = case
    twin = untrained()
    disturbed(twin, 8)
    freedom = {"moves_zeros": True, "moves_levels": True, "bias_steps": [(64.0, 960.0)] * 2}
    most = sum(map(np.count_nonzero, network.weights))
    for one in (network, twin):
        descent(one, labels, **freedom, fits=lambda of: sum(map(np.count_nonzero, of.weights)) <= most).sweep()
    for weights, others in zip(network.weights, twin.weights, strict=True):
        assert (weights == others).all()
