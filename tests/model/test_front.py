"""Bytes against instructions: no way to store a network is better in both than one of the front."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgedigits.model.activity import measured
from edgedigits.model.front import Packing, packing_front, packings
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.ordering import by_blocks, by_reading
from edgedigits.model.packing import Goal, arrange, candidates
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from tests.model.test_within import some_weights
from tests.tflite_builder import build_mlp, random_mlp


def network(seed: int) -> Network:
    weights = some_weights([(20, 60), (10, 20)], 0.2, levels=7, seed=seed)
    return simplify(lower(read_tflite(build_mlp(weights, [None, None]))))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_beats_the_front(seed: int) -> None:
    found = network(seed)
    front = packing_front(found)
    assert [one.flash for one in front] == sorted({one.flash for one in front})
    assert [one.instructions for one in front] == sorted((one.instructions for one in front), reverse=True)
    for way in (by_reading, by_blocks):
        for layers in itertools.product(*candidates(way(found))):
            flash = sum(one.nbytes for one in layers) + sum(one.code_bytes for one in {one.encoding for one in layers})
            instructions = sum(one.instructions for one in layers)
            assert any(one.flash <= flash and 0.99 * one.instructions <= instructions for one in front)


def test_what_the_goals_choose_lies_on_it_or_behind() -> None:
    found = network(0)
    front = packing_front(found)
    _, fastest = arrange(found, Goal.SPEED)
    assert 0.99 * front[-1].instructions <= sum(one.instructions for one in fastest)
    _, smallest = arrange(found, Goal.SIZE)
    assert front[0].nbytes <= sum(one.nbytes for one in smallest)


def test_what_an_engine_for_size_was_packed_by_lies_on_it_by_the_same_images() -> None:
    found = network(0)
    seen = np.random.default_rng(1).integers(-128, 127, (50, 60), dtype=np.int8)
    seen[:, ::2] = -128
    ordered, smallest = arrange(found, Goal.SIZE, seen=seen)
    chosen = Packing.of(
        [one.encoding.name for one in smallest],
        sum(one.nbytes for one in smallest),
        sum(one.instructions for one in smallest),
    )
    assert [one.activity.inputs for one in smallest] == [one.inputs for one in measured(ordered, seen)]
    assert chosen == packings(found, seen)[0] and chosen.instructions != packings(found)[0].instructions


def test_the_code_of_a_kernel_is_paid_for_once() -> None:
    alone, twice = Packing.of(["stream"], 100, 2.4), Packing.of(["stream", "stream"], 100, 2.6)
    assert alone.flash == twice.flash > alone.weight_bytes == 100
    assert (alone.instructions, twice.instructions) == (2, 3)


def test_deep_networks_have_one_encoding_for_all() -> None:
    deep = simplify(lower(read_tflite(random_mlp(1, (12, 10, 10, 10, 10, 10, 10), density=0.5))))
    assert all(len(set(one.encodings)) == 1 for one in packing_front(deep))
