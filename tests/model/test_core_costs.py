"""Layouts by the cycles of one core or of several, where each takes its own time for each encoding."""

from __future__ import annotations

import pytest

from edgedigits.model.core_costs import CoreCosts, together, weighed
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, PackedLayer, choose
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from tests.tflite_builder import random_mlp

NETWORK = lower(read_tflite(random_mlp(1, (40, 12, 10), density=0.6)))
NAMES = [encoding.name for encoding in ENCODINGS]


def core(**cheap: float) -> CoreCosts:
    """Return a core for which all is dear but some encodings."""
    factors = dict.fromkeys(NAMES, 10.0) | cheap
    return CoreCosts(",".join(cheap), {name: (factor,) * 3 for name, factor in factors.items()})


def names(chosen: tuple[PackedLayer, ...]) -> list[str]:
    return [one.encoding.name for one in chosen]


def test_times_count_by_their_factors_and_what_is_not_named_as_an_average_one() -> None:
    times = [("pairs", (100.0, 7.0, 2.0)), ("of_tomorrow", (10.0, 1.0, 0.0))]
    assert weighed(times, {}) == 120
    assert core(pairs=2.0).cycles(times[:1]) == 218
    assert weighed(times, {"pairs": (2.0, 3.0, 9.0), "rows": (4.0, 5.0, 9.0)}) == 200 + 21 + 18 + 30 + 4


@pytest.mark.parametrize("name", ["rows", "lists4", "bitmap", "pairs"])
@pytest.mark.parametrize("goal", [Goal.SPEED, Goal.BALANCED])
def test_a_core_gets_what_is_cheap_for_it(name: str, goal: Goal) -> None:
    chosen = choose(NETWORK, goal, cores=[core(**{name: 0.01})])
    assert names(chosen) == [name, name]
    assert [one.instructions for one in chosen] == [
        one.encoding.instructions(one.layer.weights, one.activity) for one in chosen
    ]


def test_a_core_that_takes_alike_for_all_changes_nothing() -> None:
    for goal in (Goal.SPEED, Goal.BALANCED):
        assert names(choose(NETWORK, goal, cores=[core()])) == names(choose(NETWORK, goal))


def test_several_cores_count_alike_however_slow_they_are() -> None:
    """What is fair for both wins over the best of each, which is slow on the other; 1,000 times slower is no louder."""
    one, other = core(pairs=1.0, lists4=1.3), core(rows=1.0, lists4=1.3)
    slow = CoreCosts("slow", {name: tuple(1000 * one for one in factors) for name, factors in other.factors.items()})
    for second in (other, slow):
        assert set(names(choose(NETWORK, Goal.SPEED, cores=[one, second]))) == {"lists4"}
    alone = [(one, 100.0), (slow, 100_000.0)]
    assert together(alone)["lists4"] == pytest.approx((2 * 1.3 / 100,) * 3)
