"""A trial of `study run levers`, run small: what is compared keeps the bytes that it is compared at."""

from __future__ import annotations

import pytest

from edgedigits.config_file import make_config
from edgedigits.data.load import read_source
from edgedigits.errors import CheckFailedError
from edgedigits.levers.plan import BASE, NAME, plan_levers
from edgedigits.levers.trial_kind import KIND
from edgedigits.model.packing import barest_bytes
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT

LIMIT = 1024


@pytest.mark.slow(seconds=40)
def test_the_base_keeps_its_budget_in_the_engine_that_was_built():
    """How nearly it is used up depends on the training; one of two epochs is cut at two strokes."""
    base, *_ = plan_levers(source="mnist-5k", seeds=1, budgets=str(LIMIT), epochs=2).entries
    assert base.spec["lever"] == BASE
    (answer,) = KIND.run(NAME, [{"key": "base", "spec": base.spec}], read_source("mnist-5k"))
    assert LIMIT / 2 < answer["result"]["engine_bytes"] <= LIMIT
    assert answer["result"]["distinct"] <= 9


@pytest.mark.slow
def test_a_network_of_which_all_was_cut_that_can_be_takes_the_bytes_that_are_told(few):
    least = barest_bytes((64, 10, 10))
    tables = {"input": {"size": 8}, "model": {"hidden": [10]}, "training": {"epochs": 1, "augment_copies": 1}}
    config = make_config({"budget": {"constants": least - 1}, **tables, "joint": {"epochs": 2, "tries": 1}})
    with pytest.raises(CheckFailedError, match=f"takes {least} B, more than the budget of {least - 1} B"):
        train_and_compress(config, few, SILENT)
