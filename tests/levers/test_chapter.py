"""What is told of made-up trials, whose numbers were reckoned by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.levers.chapter import interpolate, lever_chapter
from edgedigits.levers.plan import BASE, IN_TURN, NAME, plan_levers
from edgedigits.study.findings.frame import study_frame
from edgedigits.study.findings.insights import find_insights
from tests.study.made_up import figures, trials_of

NOISE = {1: 0.001, 2: 0.0, 3: -0.001}
GAINS = {("weight_bits", "2"): -0.004, ("criterion", "random"): -0.03, ("loss", "focal"): 0.0}
SWEPT = {"PQAT": 0.0, "iterative": 0.006, "scratch": -0.002, "PCQAT": 0.004, "CQAT": -0.02}


def result(spec, doublings):
    """Figures: the base has 97%; engines of a sweep take 1,024 B and 4,096 B, 2 points apart."""
    seed = spec["config"]["training"]["seed"]
    if spec["lever"] == IN_TURN:
        return {**figures(0.95 + 0.01 * doublings + SWEPT[spec["value"]]), "engine_bytes": 1024 * 2**doublings}
    gain = GAINS.get((spec["lever"], spec["value"]), 0.0)
    # A lever that does something varies by seed on top of what it does; one that does nothing varies about 0.
    varied = NOISE[seed] if spec["lever"] == "loss" else NOISE[seed] / 5
    return {**figures(0.97 + gain + (varied if spec["lever"] != BASE else 0.0)), "engine_bytes": 2040}


@pytest.fixture(scope="module")
def trials():
    plan = plan_levers(seeds=3, budgets="2K")
    # A sweep begins with the largest.
    doublings = itertools.cycle((2, 0))
    return trials_of(
        plan, [result(one.spec, next(doublings) if one.spec["lever"] == IN_TURN else 0) for one in plan.entries]
    )


@pytest.fixture(scope="module")
def sentences(trials):
    return lever_chapter(study_frame(trials)).sentences


def starting(sentences, words):
    (found,) = (one for one in sentences if one.startswith(words))
    return found


def test_a_lever_is_told_with_its_numbers(sentences):
    """Differences −0.38, −0.40, −0.42 points: 4.303 · 0.02 / √3 = 0.05 about −0.40."""
    bits = starting(sentences, "Bits of a weight")
    assert bits.startswith("Bits of a weight, at 2,048 B against weight_bits 3: ")
    assert "2 −0.40 points (95% interval −0.45 to −0.35, 3 seeds: real)" in bits


def test_what_chance_may_have_done_is_not_told_as_a_finding(sentences):
    """Differences +0.10, 0 and −0.10 points: 4.303 · 0.1 / √3 = 0.25."""
    assert "focal +0.00 points (95% interval −0.25 to +0.25, 3 seeds: not told from 0)" in starting(sentences, "Loss")


def test_in_turn_is_read_off_at_the_bytes_of_the_budget(sentences):
    """PQAT has 96% in 2,048 B, the base 97%; iterative 96.6%, scratch 95.8%: the same for every seed."""
    order = starting(sentences, "Joint or in turn, at 2,048 B against the base")
    assert all(words in order for words in ("PQAT −1.00 points", "PCQAT −0.60 points", "CQAT −3.00 points"))
    assert "PCQAT +0.40 points" in starting(sentences, "Joint or in turn, at 2,048 B against PQAT")
    schedules = starting(sentences, "Schedule in turn, at 2,048 B against PQAT")
    assert "iterative +0.60 points" in schedules
    assert "scratch −0.20 points" in schedules
    ticket = starting(sentences, "Lottery ticket or from scratch, at 2,048 B against scratch")
    assert "iterative +0.80 points (95% interval +0.78 to +0.82, 3 seeds: real)" in ticket


def test_a_sweep_that_missed_the_budget_tells_nothing_and_says_so(trials):
    for trial in trials:
        if trial.spec["value"] == "iterative":
            trial.result["engine_bytes"] += 3000
    said = lever_chapter(study_frame(trials)).sentences
    assert (
        "In turn (iterative), at 2,048 B: nothing is told, for no seed has engines on both sides; they take 4,024 to 7,096 B."
        in said
    )
    assert not any(one.startswith("Lottery ticket") for one in said)


def test_the_study_tells_it_first_and_compares_no_more_of_what_was_swept(trials):
    insights = find_insights(NAME, trials)
    assert next(iter(insights.groups)) == "What each lever does at equal bytes"
    assert insights.chapter.table is not None
    assert not any("quantization" in one.variant for one in insights.recommendations)
    assert len(insights.means) == 20


def test_between_its_neighbours_accuracy_is_linear_in_the_logarithm_of_bytes():
    points = {1000: 0.90, 4000: 0.96, 8000: 0.98}
    assert interpolate(points, 2000) == pytest.approx(0.93)
    assert interpolate(points, 4000) == 0.96
    assert interpolate(points, 999) is None
    assert interpolate(points, 8001) is None


@given(st.dictionaries(st.floats(10, 1e6), st.floats(0, 1), min_size=1, max_size=6), st.floats(10, 1e6))
def test_what_is_read_off_lies_between_what_was_measured(points, nbytes):
    value = interpolate(points, nbytes)
    inside = min(points) <= nbytes <= max(points)
    assert (value is not None) == inside
    assert value is None or min(points.values()) - 1e-12 <= value <= max(points.values()) + 1e-12
