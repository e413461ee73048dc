"""The least that pruning leaves feeds every class, and is what is told before training."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.config_file import make_config, parse_sections
from edgedigits.model.packing import packed_bytes
from edgedigits.stages.chain import barest, chain, layer_widths, least_of, made_up
from edgedigits.stages.goals import ByLayer, Bytes, Overall
from edgedigits.stages.masks import masks_of, pooled, rank, without_dead

GRANULARITIES = ("weights", "blocks", "neurons", "inputs")


def config(**sections):
    return make_config(parse_sections({"budget": {"constants": 2000}, **sections}, "test"))


def classes_that_are_fed(masks) -> int:
    """Classes that some input reaches."""
    reached = np.ones(len(masks[0]), bool)
    for mask in masks:
        reached = (mask[reached] > 0).any(axis=0)
    return int(reached.sum())


@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.sampled_from(GRANULARITIES), st.integers(0, 1000))
def test_however_few_groups_are_kept_a_spared_chain_feeds_every_class(hidden, granularity, seed) -> None:
    widths, generator = [30, *hidden, 10], np.random.default_rng(seed)
    shapes, groups = list(pairwise(widths)), [granularity] * (len(widths) - 1)
    scores = [pooled(generator.random(shape, np.float32), granularity) for shape in shapes]
    masks, alive = [np.ones(shape, np.float32) for shape in shapes], [np.ones(one.shape, bool) for one in scores]
    ranking = rank(scores, alive, normalise=True, spared=chain(scores, alive, groups))
    left = masks_of(ranking, ranking.counts[:, ranking.spared], masks, groups)
    assert classes_that_are_fed(left) == 10
    # What shares a block with the chain is dead, as nothing reads it.
    assert [int(mask.any(axis=0).sum()) for mask in left] == [1] * len(hidden) + [10]
    # The next ranking finds a chain among what is left, whatever scores have become.
    alive = [pooled(mask, granularity) > 0 for mask in left]
    again = chain([pooled(generator.random(shape, np.float32), granularity) for shape in shapes], alive, groups)
    assert sum(int((one & on).sum()) for one, on in zip(again, alive, strict=True)) == ranking.spared


def test_of_several_neurons_that_feed_every_class_the_best_is_spared() -> None:
    scores = [np.array([[1, 9, 2], [3, 1, 4]], np.float32), np.array([[9, 0], [1, 5], [2, 3]], np.float32)]
    alive = [np.ones((2, 3), bool), np.array([[True, False], [True, True], [True, True]])]
    spared = chain(scores, alive, ["weights", "weights"])
    assert [np.argwhere(one).tolist() for one in spared] == [[[0, 1]], [[1, 0], [1, 1]]]
    alive[1][:, 0] = False
    assert not any(one.any() for one in chain(scores, alive, ["weights", "weights"]))


@pytest.mark.parametrize(
    ("granularity", "weights"),
    [("weights", [1, 1, 10]), ("blocks", [1, 1, 10]), ("neurons", [144, 1, 10]), ("inputs", [1, 1, 10])],
)
def test_the_barest_network_has_a_chain_and_nothing_else(granularity, weights) -> None:
    masks = barest([144, 20, 12, 10], granularity, first=70)
    assert [int(mask.sum()) for mask in masks] == weights
    assert masks[0][70].any() and classes_that_are_fed(masks) == 10
    assert all(np.array_equal(*pair) for pair in zip(masks, without_dead(masks), strict=True))


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("bits", [2, 3, 8])
def test_the_least_holds_any_weights_of_a_chain(granularity, bits) -> None:
    choices = config(prune={"granularity": granularity}, levels={"weight_bits": bits})
    masks, generator = barest(layer_widths(choices), granularity), np.random.default_rng(99)
    sizes = [packed_bytes(*made_up(masks, bits, generator)) for _ in range(50)]
    told = least_of(choices).nbytes
    assert 0.98 * max(sizes) <= told <= 1.05 * max(sizes)


def test_sparing_begins_where_little_is_left() -> None:
    """Usual builds keep their ranking as it is: the frontier's smallest is 424 bytes."""
    sizes, least = [2200, 220], least_of(config())
    assert Overall(0.99).is_tight(sizes) and not Overall(0.9).is_tight(sizes)
    assert ByLayer([0.5, 0.95]).is_tight(sizes) and not ByLayer([0.9, 0.0]).is_tight(sizes)
    goals = {limit: Bytes(limit, None, "weights", least) for limit in (100, 424)}
    assert goals[100].is_tight(sizes) and not goals[424].is_tight(sizes)
    assert Bytes(424, None, "weights", least, 2 * least.instructions).is_tight(sizes)
    assert not Bytes(424, None, "weights", least, 4 * least.instructions).is_tight(sizes)


def test_an_engine_is_given_the_room_of_other_kernels_before_its_classes_lose_what_feeds_them() -> None:
    """Its code is reckoned with as that of some weights, and measured with others that may be packed another way."""
    least = least_of(config())
    limit = 3 * least.nbytes + 100
    assert not Bytes(limit, None, "weights", least).is_tight([2200, 220])
    assert Bytes(limit, None, "weights", least, by_engine=True).is_tight([2200, 220])
    assert not Bytes(limit + 300, None, "weights", least, by_engine=True).is_tight([2200, 220])


def test_a_limit_is_lowered_to_the_least_before_it_is_lowered_further() -> None:
    """What is too much in the engine of a larger network is not too much in that of the smallest."""
    least = least_of(config())
    goal = Bytes(least.nbytes + 50, None, "weights", least, by_engine=True)
    for nbytes, left in ((20, 30), (500, 0), (7, -7), (500, -507)):
        goal.lower(nbytes)
        assert goal.limit == least.nbytes + left
