"""Learning rates at the steps that define each schedule."""

from __future__ import annotations

import pytest

from edgedigits.config import TrainingConfig
from edgedigits.sections import OPTIMIZERS, SCHEDULES
from edgedigits.training.schedules import make_optimizer, make_rate


@pytest.mark.parametrize(
    ("name", "at_start", "in_the_middle", "at_the_end"),
    [("cosine", 1.0, 0.5, 0.0), ("exponential", 1.0, 0.1, 0.01), ("cyclical", 0.1, 1.0, 0.1)],
)
def test_a_schedule_runs_from_its_start_to_its_end(name, at_start, in_the_middle, at_the_end):
    rate = make_rate(name, 1.0, 300)
    assert [float(rate(step)) for step in (0, 150, 300)] == pytest.approx([at_start, in_the_middle, at_the_end])


def test_constant_and_plateau_start_as_a_number():
    assert make_rate("constant", 0.5, 10) == make_rate("plateau", 0.5, 10) == 0.5


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimizer_takes_every_schedule(optimizer, schedule):
    made = make_optimizer(TrainingConfig(optimizer=optimizer, schedule=schedule), 0.25, 30)
    expected = 0.025 if schedule == "cyclical" else 0.25
    assert float(made.learning_rate) == pytest.approx(expected)
    assert getattr(made, "momentum", None) == {"adam": None, "momentum": 0.9, "sgd": 0.0}[optimizer]
