"""A trial of `study run levers`, run small: what is compared keeps the bytes that it is compared at."""

from __future__ import annotations

import pytest

from edgedigits.data.load import read_source
from edgedigits.levers.plan import BASE, NAME, plan_levers
from edgedigits.levers.trial_kind import KIND

LIMIT = 1024


@pytest.mark.slow(seconds=40)
def test_the_base_keeps_its_budget_in_the_engine_that_was_built():
    """How nearly it is used up depends on the training; one of two epochs is cut at two strokes."""
    base, *_ = plan_levers(source="mnist-5k", seeds=1, budgets=str(LIMIT), epochs=2).entries
    assert base.spec["lever"] == BASE
    (answer,) = KIND.run(NAME, [{"key": "base", "spec": base.spec}], read_source("mnist-5k"))
    assert LIMIT / 2 < answer["result"]["engine_bytes"] <= LIMIT
    assert answer["result"]["distinct"] <= 9
