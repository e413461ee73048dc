"""Between the smallest and the fastest packing lie others, each the best at its price."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.packing import Goal, choose
from edgedigits.model.reader import read_tflite
from edgedigits.model.trade import Packing, fastest_within, trades
from tests.tflite_builder import build_mlp


@pytest.fixture(scope="module")
def network() -> Network:
    random = np.random.default_rng(4)
    shapes = ((60, 144), (10, 60))
    values = np.array([-127, -90, -60, -30, 25, 50, 80, 110])
    weights = [random.choice(values, shape) * (random.random(shape) < 0.2) for shape in shapes]
    return lower(read_tflite(build_mlp([one.astype(np.int8) for one in weights], [None, None])))


@pytest.fixture(scope="module")
def front(network: Network) -> tuple[Packing, ...]:
    return trades(network)


def test_a_larger_packing_is_faster(front: tuple[Packing, ...]) -> None:
    assert len(front) >= 3
    for small, large in pairwise(front):
        assert small.flash < large.flash and small.instructions > large.instructions


def test_the_ends_are_what_is_chosen_for_size_and_for_speed(network: Network, front: tuple[Packing, ...]) -> None:
    smallest, fastest = Packing(choose(network, Goal.SIZE)), Packing(choose(network, Goal.SPEED))
    assert front[0].flash == smallest.flash
    assert front[-1].instructions == pytest.approx(fastest.instructions)
    names = [[one.encoding.name for one in packing.layers] for packing in front]
    assert names[0] == ["stream", "stream"] and ["fields", "fields"] in names


def test_the_fastest_that_fits_is_taken(front: tuple[Packing, ...]) -> None:
    for one in front:
        assert fastest_within(front, one.flash) is fastest_within(front, one.flash + 1) is one
    assert fastest_within(front, front[0].flash - 1) is None
    assert fastest_within(front, 10**6) is front[-1]
