"""The trials of `study run levers`, run small: what is compared has the bytes that it is compared at."""

from __future__ import annotations

import pytest

from edgedigits.data.load import read_source
from edgedigits.levers.chapter import lever_effects
from edgedigits.levers.plan import BASE, IN_TURN, NAME, plan_levers
from edgedigits.levers.trial_kind import KIND
from edgedigits.study.findings.frame import study_frame
from edgedigits.study.kinds import Plan
from tests.study.made_up import trials_of

pytestmark = pytest.mark.slow

LIMIT = 1024


@pytest.fixture(scope="module")
def frame():
    plan = plan_levers(source="mnist-5k", seeds=1, budgets=str(LIMIT), epochs=2)
    wanted = {(BASE, BASE), ("weight_bits", "8"), (IN_TURN, "polynomial")}
    entries = tuple(one for one in plan.entries if (one.spec["lever"], one.spec["value"]) in wanted)
    todo = [{"key": str(number), "spec": entry.spec} for number, entry in enumerate(entries)]
    answers = KIND.run(NAME, todo, read_source("mnist-5k"))
    return study_frame(trials_of(Plan(NAME, entries), [answer["result"] for answer in answers]))


def test_builds_to_a_budget_keep_it_in_the_engine_that_was_built(frame):
    met = frame[frame["lever"] != IN_TURN]
    assert met["engine_bytes"].between(0.85 * LIMIT, LIMIT).all()


def test_fewer_weights_take_fewer_bytes_in_turn(frame):
    swept = frame[frame["lever"] == IN_TURN].sort_values("sparsity")
    assert len(swept) == 3
    assert swept["engine_bytes"].is_monotonic_decreasing
    assert swept["engine_bytes"].iloc[0] > LIMIT > swept["engine_bytes"].iloc[-1]


def test_both_are_told_together(frame):
    told = {(one.lever, one.value, one.against) for one in lever_effects(frame)}
    assert ("Bits of a weight", "8", "weight_bits 3") in told
    assert ("Joint or in turn", IN_TURN, "joint with 8 bits") in told
