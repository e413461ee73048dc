"""What is chosen is chosen by digits that it is not then measured on, and nothing is called sure that is not."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgedigits.reproduction.trial_kind import KIND
from edgedigits.study.findings.choices import DEVICES, pareto, recommendations, variant_means
from edgedigits.study.findings.digits import _best, best_for_digits, sufferers
from edgedigits.study.findings.effects import FEWEST_SEEDS, ONE_IMAGE, Difference, corrected, interval, over_seeds
from edgedigits.study.findings.frame import compared, study_frame
from edgedigits.study.findings.insights import find_insights
from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.trial_kind import plan_builds
from tests.study.made_up import figures, trials_of

LOSSES = ("mse", "focal", "one-hot")


def builds(by_loss, seeds=(1, 2, 3)):
    """Return a trial for each loss and seed with the figures that `by_loss` gives it."""
    plan = plan_builds("grid", plan_grid({"axes": {"loss": list(by_loss), "seed": list(seeds)}}, "x"))
    found = []
    for entry in plan.entries:
        values = entry.spec["values"]
        figure = by_loss[values["loss"]]
        found.append({**figures(0.9), **(figure(values["seed"]) if callable(figure) else figure)})
    return trials_of(plan, found)


def advice(trials, device="64 KB"):
    (one,) = (one for one in find_insights("grid", trials).recommendations if one.device == device)
    return one


def test_a_device_gets_the_best_by_validation_and_is_told_its_test_accuracy():
    """By test accuracy it would be focal, by that of the dev set one-hot."""
    chosen = advice(
        builds(
            {
                "mse": {"val_accuracy": 0.95, "accuracy": 0.91, "dev_accuracy": 0.1},
                "focal": {"val_accuracy": 0.94, "accuracy": 0.99, "dev_accuracy": 0.2},
                "one-hot": {"val_accuracy": 0.93, "accuracy": 0.92, "dev_accuracy": 0.3},
            }
        )
    )
    assert chosen.variant.startswith("mse")
    assert chosen.accuracy == pytest.approx(0.91)
    assert chosen.chosen_on == "the validation split"
    assert chosen.command.startswith("edgedigits build --loss mse")


@pytest.mark.parametrize(
    ("unknown", "variant", "where"),
    [
        pytest.param(("val_accuracy",), "one-hot", "the dev set", id="some were not validated"),
        pytest.param(("val_accuracy", "dev_accuracy"), "focal", "the same digits", id="nor had all a dev set"),
    ],
)
def test_without_validation_for_all_the_dev_set_counts_then_the_test_and_that_is_told(unknown, variant, where):
    by_loss = {
        "mse": {"val_accuracy": 0.95, "accuracy": 0.91, "dev_accuracy": 0.1},
        "focal": {"val_accuracy": 0.94, "accuracy": 0.99, "dev_accuracy": 0.2},
        "one-hot": {"val_accuracy": 0.93, "accuracy": 0.92, "dev_accuracy": 0.3},
    }
    by_loss["mse"] |= dict.fromkeys(unknown)
    chosen = advice(builds(by_loss))
    assert chosen.variant.startswith(variant)
    assert chosen.chosen_on == where


def test_what_does_not_fit_is_not_recommended_and_what_just_fits_is():
    by_loss = {
        "mse": {"engine_bytes": 4097, "val_accuracy": 0.99},
        "focal": {"engine_bytes": 4096, "val_accuracy": 0.9},
        "one-hot": {"engine_bytes": 65537, "val_accuracy": 0.999},
    }
    found = {one.device: one for one in find_insights("grid", builds(by_loss)).recommendations}
    assert [name for name, _ in DEVICES] == list(found)
    assert [found[name].variant.split(",")[0] for name, _ in DEVICES] == ["focal", "mse", "mse"]
    assert found["4 KB"].bytes == 4096
    assert found["4 KB"].counted == "constants, code not counted"


def test_the_whole_flash_counts_where_it_is_known_of_all():
    known = {name: {"engine_bytes": 3000, "flash": 5000 if name == "mse" else 4000} for name in LOSSES}
    chosen = advice(builds(known), "4 KB")
    assert (chosen.bytes, chosen.counted) == (4000, "flash, code and constants")
    assert not chosen.variant.startswith("mse")
    known["focal"] = {"engine_bytes": 3000}
    assert advice(builds(known), "4 KB").counted == "constants, code not counted"


def test_no_engine_no_advice():
    assert recommendations(variant_means(study_frame(builds({"mse": {"engine_bytes": None}}))), {}) == []


def test_a_variant_is_the_mean_of_its_seeds():
    trials = builds({"mse": lambda seed: {"accuracy": 0.9 + seed / 100}, "focal": {}}, seeds=(1, 2, 4))
    means = variant_means(study_frame(trials)).set_index("loss")
    assert means.loc["mse", "accuracy"] == pytest.approx(0.9 + 7 / 300)
    assert means.loc["mse", "accuracy_sd"] == pytest.approx(np.std([0.91, 0.92, 0.94], ddof=1))
    assert means.loc["mse", "seeds"] == 3
    assert means.loc["mse", "key"] == trials[0].key


def test_of_equal_cost_the_front_has_the_best_and_of_equal_accuracy_the_cheapest():
    points = pd.DataFrame({"bytes": [3, 3, 2, 5, 4], "accuracy": [0.6, 0.7, 0.5, 0.7, 0.8]})
    assert pareto(points, "bytes").index.tolist() == [2, 1, 4]


def test_the_best_of_a_digit_is_chosen_by_the_other_seeds():
    """Each is ahead by 10 points in the seed that it is best in, and behind in the others: no lead is real."""
    grid = pd.DataFrame(
        {"a": [0.9, 0.8, 0.8], "b": [0.8, 0.9, 0.8], "c": [0.8, 0.8, 0.9]},
        index=pd.MultiIndex.from_tuples([("", 1), ("", 2), ("", 3)], names=["setting", "seed"]),
    )
    found = _best(grid, 7)
    assert (found.digit, found.seeds) == (7, 3)
    # Whoever is chosen by two seeds is as good in the third as the next: the lead is 0 in each.
    assert found.difference == pytest.approx(0)
    assert found.high - found.low < 0.001


def test_a_lead_that_holds_in_the_seed_that_did_not_choose_is_kept():
    grid = pd.DataFrame(
        {"a": [0.90, 0.91, 0.92], "b": [0.80, 0.80, 0.80], "c": [0.1, 0.2, 0.3]},
        index=pd.MultiIndex.from_tuples([("", 1), ("", 2), ("", 3)], names=["setting", "seed"]),
    )
    found = _best(grid, 0)
    assert (found.variant, found.next, found.f1) == ("a", "b", pytest.approx(0.91))
    assert found.difference == pytest.approx(0.11)


def test_a_copy_of_another_loss_is_not_the_best_for_a_digit():
    """one-hot sends back the error of cross-entropy: it would be held against itself."""
    best = best_for_digits(study_frame(builds({"mse": {}, "focal": {}, "one-hot": {"class_f1": [0.99] * 10}})))
    assert not any("one-hot" in one.variant + one.next for one in best)


def confused(digit, right, **others):
    """Return a confusion matrix of 1,000 images of each digit, all right but those of one digit."""
    matrix = (1000 * np.eye(10, dtype=int)).tolist()
    matrix[digit] = [others.get(f"as_{other}", 0) for other in range(10)]
    matrix[digit][digit] = right
    return matrix


def pruned(changes):
    """Return a pruned trial for each (setting, seed, confusion before, confusion after)."""
    rows = [
        {
            "compression": "QAT",
            "setting": setting,
            "seed": seed,
            "confusion": after,
            "float_confusion": before,
        }
        for setting, seed, before, after in changes
    ]
    return pd.DataFrame(rows)


def test_a_digit_that_is_found_more_often_does_not_suffer_though_it_is_taken_for_one_more_often():
    before, after = confused(5, 900, as_1=90, as_6=10), confused(5, 950, as_1=20, as_6=30)
    frame = pruned([("", seed, before, after) for seed in (1, 2, 3)])
    assert sufferers(frame) == []
    (one,) = sufferers(pruned([("", seed, after, before) for seed in (1, 2, 3)]))
    assert (one.digit, one.turns_into, one.more) == (5, 1, 70.0)
    assert (one.before, one.after) == (pytest.approx(0.95), pytest.approx(0.9))


def test_a_loss_that_is_only_one_of_the_weights_of_seeds_is_not_told():
    """Three settings of one seed gain 10 images each, one of the other loses 20: fewer by seed, more by trial."""
    gains = [(setting, 1, confused(4, 900, as_7=100), confused(4, 910, as_7=90)) for setting in "abc"]
    loss = [("a", 2, confused(4, 900, as_7=100), confused(4, 880, as_7=120))]
    assert sufferers(pruned(gains + loss)) == []


def test_the_rows_of_the_reports_arithmetic_and_copies_are_not_compared():
    cells = [
        KIND.row({"column": one, "loss": loss}, set())
        for one, loss in (("published", "mse"), ("edgedigits", "none"), ("edgedigits", "mse"))
    ]
    assert compared(pd.DataFrame(cells)).index.tolist() == [2]


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=8, unique=True))
def test_p_values_are_those_of_a_two_sided_t_test(values):
    found = over_seeds(values)
    deviation = np.std(values, ddof=1)
    if deviation > ONE_IMAGE:
        test = stats.ttest_1samp(values, 0.0)
        assert found["p_value"] == pytest.approx(test.pvalue, rel=1e-6, abs=1e-12)
        low, high = test.confidence_interval(0.95)
        assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))
    assert over_seeds([-value for value in values])["p_value"] == pytest.approx(found["p_value"])
    assert found["difference"] == pytest.approx(np.mean(values))
    assert found["seeds"] == len(values)


def test_equal_differences_are_as_sure_as_one_image_lets_them_be():
    low, high = interval([0.01, 0.01, 0.01])
    reach = stats.t.ppf(0.975, 2) * ONE_IMAGE / math.sqrt(3)
    assert (low, high) == (pytest.approx(0.01 - reach), pytest.approx(0.01 + reach))


def difference(p_value, seeds=FEWEST_SEEDS):
    return Difference(difference=0.1, low=0.01, high=0.2, p_value=p_value, seeds=seeds)


def test_what_is_real_is_told_by_the_false_discovery_rate_over_all_that_are_told():
    """Benjamini and Hochberg, by hand: of four, the k-th smallest may be as large as 5% · k/4."""
    assert [one.real for one in corrected([difference(p) for p in (0.0125, 0.025, 0.0375, 0.05)])] == [True] * 4
    assert [one.real for one in corrected([difference(p) for p in (0.0125, 0.03, 0.04, 0.051)])] == [True] + [False] * 3
    assert [one.real for one in corrected([difference(p) for p in (0.0126, 0.3, 0.4, 0.5)])] == [False] * 4
    assert {one.tests for one in corrected([difference(0.01), difference(0.9)])} == {2}


def test_differences_of_too_few_seeds_are_neither_real_nor_counted_among_the_tests():
    few, enough, one = corrected([difference(1e-9, seeds=2), difference(0.04), difference(None, seeds=1)])
    assert (few.real, enough.real, one.real) == (False, True, False)
    assert enough.tests == 1
    assert enough.verdict.endswith(": real")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-0.1, 0.2, "not told from 0"), (0.0, 0.2, "not told from 0"), (0.001, 0.2, "likely, not certain among 3")],
)
def test_what_is_not_real_is_told_with_its_reason(low, high, words):
    one = Difference(difference=0.1, low=low, high=high, p_value=0.04, seeds=3, tests=3)
    assert words in one.verdict
