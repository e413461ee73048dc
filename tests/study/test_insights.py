"""Findings on made-up trials whose answers are known."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from edgedigits.cli.config_flags import add_config_arguments, config_from_arguments
from edgedigits.config_file import to_tables
from edgedigits.errors import DataError
from edgedigits.study.findings.choices import ANCHORS, build_command, pareto
from edgedigits.study.findings.digits import balanced
from edgedigits.study.findings.effects import Difference, compare_values, corrected, effects, interval, over_seeds
from edgedigits.study.findings.insights import effect_sentence, find_insights
from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.report.write import _plain
from edgedigits.study.run.rows import FAILED, Trial
from edgedigits.study.trial_kind import plan_builds
from tests.golden.compare import assert_golden
from tests.study.made_up import figures, float_figures, trials_of, varied_trials


def test_effects_are_paired_and_intervals_go_over_seeds(grid):
    found = {(one.axis, one.value): one for one in effects(find_insights("grid", grid).frame)}
    quantization = found["quantization", "qat"]
    assert quantization.difference == pytest.approx(-0.01)
    assert (quantization.seeds, quantization.pairs) == (3, 6)
    # Student's t with 2 degrees of freedom: 4.303 · 0.001 / √3.
    assert quantization.high - quantization.difference == pytest.approx(4.3027 * 0.001 / np.sqrt(3), rel=1e-3)
    assert quantization.real
    assert not found["loss", "focal"].real


def test_an_effect_is_told_with_its_numbers(grid):
    quantization = next(one for one in effects(find_insights("grid", grid).frame) if one.axis == "quantization")
    assert effect_sentence(quantization) == (
        "quantization qat against none: −1.00 points of accuracy (95% interval −1.25 to −0.75, 3 seeds: real; 6 pairs)."
    )


def test_one_seed_is_not_called_a_finding(grid):
    insights = find_insights("grid", [trial for trial in grid if trial.spec["values"]["seed"] == 1])
    assert insights.effects
    assert all(not one.real and one.low is None for one in insights.effects)
    assert any("one seed: not tested" in sentence for sentence in insights.sentences)
    assert interval([0.5]) == (None, None)


def test_trials_that_differ_in_more_than_one_axis_are_no_pair():
    frame = pd.DataFrame({"axis a": ["1", "2"], "axis b": ["x", "y"], "seed": [0, 0], "accuracy": [0.1, 0.9]})
    assert compare_values(frame, "axis a", "2", "1", ["axis b"], "accuracy") is None


def test_the_front_keeps_what_nothing_beats():
    points = pd.DataFrame({"bytes": [1, 2, 3, 3, 4, np.nan], "accuracy": [0.5, 0.4, 0.6, 0.7, 0.7, 0.9]})
    assert pareto(points, "bytes").index.tolist() == [0, 3]


def test_the_digit_that_suffers_and_what_it_turns_into(grid):
    insights = find_insights("grid", grid)
    sufferer = insights.sufferers[0]
    assert (sufferer.compression, sufferer.digit, sufferer.turns_into) == ("QAT", 3, 4)
    assert sufferer.difference == pytest.approx(-0.11, abs=1e-3)
    assert sufferer.real
    assert sufferer.seeds == 3
    (sentence,) = (one for one in insights.sentences if one.startswith("Under "))
    assert "Under QAT, digit 3 loses most: recall 90.00% to 79.00% (95% interval" in sentence
    assert "most often taken for 4 (+110.0 images a trial)" in sentence


def test_where_no_digit_loses_nothing_is_said_to_suffer(grid):
    better = [
        replace(trial, result={**trial.result, **float_figures(0.8)})
        if trial.spec["values"]["quantization"] == "qat"
        else trial
        for trial in grid
    ]
    assert [one.digit for one in find_insights("grid", better).sufferers] == [3]
    same = [replace(trial, result={**figures(0.9), **float_figures(0.9)}) for trial in grid]
    assert find_insights("grid", same).sufferers == ()


def test_the_best_for_a_digit_is_held_against_the_next(grid):
    best = find_insights("grid", grid).best
    assert len(best) == 10
    assert {one.variant.split(", ")[1] for one in best} == {"float32"}
    assert not any(one.real for one in best)


def test_a_parameter_of_one_loss_does_not_hide_what_the_loss_does():
    """Focal costs 3 points; gamma is asked of focal only, so that no mse trial has one."""
    axes = {
        "loss": ["mse", "focal"],
        "gamma": {"values": [1, 2], "when": {"loss": "focal"}},
        "quantization": ["none", "qat"],
        "seed": [1, 2, 3],
    }
    plan = plan_builds("grid", plan_grid({"axes": axes}, "x"))
    losses = {"mse": 0.9, "focal": 0.87}
    noise = {1: 0.0, 2: 0.0002, 3: -0.0002}
    insights = find_insights(
        "grid",
        trials_of(
            plan, [figures(losses[e.spec["values"]["loss"]] + noise[e.spec["values"]["seed"]]) for e in plan.entries]
        ),
    )
    found = {(one.axis, one.value): one for one in insights.effects}
    assert found["loss", "focal"].difference == pytest.approx(-0.03)
    assert found["loss", "focal"].averaged == ("gamma",)
    assert "averaged over gamma" in effect_sentence(found["loss", "focal"])
    assert found["gamma", "2"].difference == pytest.approx(0)
    assert {one.variant.split(", ")[0] for one in insights.best} == {"mse"}


def test_trials_that_only_some_axes_name_are_no_pair():
    rows = [
        {"loss": loss, "epochs": 5 if loss == "mse" else 200, "seed": seed}
        for loss in ("mse", "focal")
        for seed in (1, 2)
    ]
    del rows[0]["epochs"]
    del rows[1]["epochs"]
    plan = plan_builds("grid", plan_grid({"trial": rows}, "x"))
    found = effects(find_insights("grid", trials_of(plan, [figures(0.9)] * 4)).frame)
    assert [(one.axis, one.averaged) for one in found] == [("loss", ("epochs",))]


def test_many_comparisons_need_more_than_chance():
    """Of noise alone, 5% of 200 differences have intervals that leave 0 out; among so many, none holds."""
    random = np.random.default_rng(0)
    found = [Difference(**over_seeds(random.normal(0, 0.01, 3))) for _ in range(200)]
    outside = [one for one in found if one.low > 0 or one.high < 0]
    assert 3 <= len(outside) <= 20
    assert not any(one.real for one in corrected(found))
    assert corrected(found)[found.index(outside[0])].verdict.endswith("likely, not certain among 200 comparisons")


def test_two_seeds_are_too_few_to_tell():
    (one,) = corrected([Difference(**over_seeds([0.05, 0.05]))])
    assert not one.real
    assert one.verdict.endswith("2 seeds: too few to tell")


def test_a_device_gets_the_best_that_fits_with_its_command(grid):
    advice = {one.device: one for one in find_insights("grid", grid).recommendations}
    assert "float32" not in advice["RP2040, 16 KB"].variant
    assert "--qat" in advice["RP2040, 16 KB"].command
    assert "4 KB" not in advice


def test_a_command_makes_the_same_choices():
    import argparse

    tables = {
        "base": {"training": {"epochs": 3, "batch_size": "full"}, "prune": {"layer_sparsity": {"hidden_1": 0.9}}},
        "axes": {"loss": ["focal"], "gamma": [1.5], "hidden": [[20, 10]], "sparsity": [0.7], "quantization": ["qat"]},
    }
    (trial,) = plan_grid(tables, "x")
    words = shlex.split(build_command(plan_builds("x", [trial]).entries[0].spec["config"]))
    parser = argparse.ArgumentParser()
    add_config_arguments(parser)
    again = config_from_arguments(parser.parse_args(words[2:]), None)
    assert to_tables(again) == to_tables(trial.config)


def test_a_budgets_command_has_what_differs_from_its_recipe_and_leads_back():
    """Also a value that is a default, which the recipe would choose otherwise; shares of zeros say nothing there."""
    rows = [{"weight_bits": 8, "criterion": "magnitude", "hidden": [100]}]
    (trial,) = plan_grid({"base": {"budget": {"constants": 2048}}, "trial": rows}, "x")
    command = build_command(trial.identity["config"])
    assert command == "edgedigits build --criterion magnitude --weight-bits 8 --budget-constants 2048"


def test_a_study_of_a_version_with_other_choices_gets_its_advice_without_a_command(grid):
    other = [
        replace(trial, spec={**trial.spec, "config": {**trial.spec["config"], "future": {"x": 1}}}) for trial in grid
    ]
    (one, *_) = find_insights("grid", other).recommendations
    assert one.command == ""
    assert "Type" not in find_insights("grid", other).groups["For a device"][0]


def test_a_command_leaves_out_what_would_have_no_effect():
    """Choices for a loss, for pruning and for fake quantization that the trial has not."""
    tables = {
        "base": {
            "loss": {"gamma": 3.0, "hinge": "weston-watkins", "beta": 0.9},
            "prune": {"frequency": 7, "epochs": 3},
            "qat": {"epochs": 9},
        },
        "axes": {"loss": ["mse"], "seed": [7]},
    }
    (trial,) = plan_grid(tables, "x")
    assert build_command(trial.identity["config"]) == "edgedigits build --loss mse --seed 7"


def test_failed_and_unfinished_trials_are_counted(grid):
    spoilt = [
        *grid[:10],
        Trial("f", 10, "build", {"label": "bad one"}, FAILED, 2, 1.0, "out of memory", {}),
        Trial("w", 11, "build", {"label": "waits"}, "waiting", 0, 0.0, "", {}),
    ]
    insights = find_insights("grid", spoilt)
    assert insights.failed == (("bad one", "out of memory"),)
    assert insights.unfinished == 1


def test_a_study_without_results_is_told():
    with pytest.raises(DataError, match="No trial of this study is finished"):
        find_insights("x", [])


def test_a_mean_over_losses_compares_the_same_losses():
    """float32 was run with one loss, qat with two: the second one's digits must not count against qat."""
    rows = [("a", "float32", 0.9), ("a", "QAT", 0.9), ("b", "QAT", 0.5)]
    frame = pd.DataFrame(
        [
            {"loss": loss, "compression": kind, "only": "", "setting": "", "seed": 0, "class_recall": [r] * 10}
            for loss, kind, r in rows
        ]
    ).assign(float_class_recall=None, setting_float_class_recall=None)
    found, alike = balanced(frame)
    assert (found["loss"].tolist(), alike) == (["a", "a"], True)
    referenced = frame[frame["compression"] == "QAT"].assign(float_class_recall=[[0.91] * 10, [0.51] * 10])
    found, alike = balanced(referenced)
    assert [(row.loss, row.compression, row.class_recall[0]) for row in found.itertuples()] == [
        ("a", "float32", 0.91), ("b", "float32", 0.51), ("a", "QAT", 0.9), ("b", "QAT", 0.5)
    ]  # fmt: skip
    assert alike
    assert balanced(frame[frame["compression"] == "float32"])[0]["loss"].tolist() == ["a"]


def rounded(value):
    """Return JSON values with numbers to eight digits: the last ones are the machine's."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def test_the_findings_of_a_grid_are_what_they_were():
    findings = _plain(find_insights("grid", varied_trials()).to_json())
    assert_golden(
        "findings_grid.json", json.dumps(rounded(findings), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    )


def test_what_others_measured_stands_beside_ours_as_it_was_published():
    """Bytes or instructions, and accuracy in hundredths of a percent."""
    found = {cost: [(one.name, one.cost, round(10_000 * one.accuracy)) for one in ANCHORS[cost]] for cost in ANCHORS}
    baselines = [("784-10-10", 9390), ("784-32-16-10", 9650), ("784-300-100-10", 9810)]
    assert [(name, share) for name, _, share in found["bytes"]] == baselines
    assert [cost for _, cost, _ in found["bytes"]] == [10_160, 29_528, 279_824]
    assert found["engine_bytes"] == [
        ("2 kB", 2047, 9706), ("BitNetMCU 2-bit", 2716, 9421), ("4 kB", 4096, 9814), ("BitNetMCU 4-bit", 14_440, 9902),
        ("8 kB", 8184, 9870), ("27 kB", 27_641, 9912),
    ]  # fmt: skip
    assert found["instructions"] == [
        ("784-10-10", 17_051, 9390), ("BitNetMCU 2-bit", 51_721, 9421), ("784-32-16-10", 53_025, 9650),
        ("784-300-100-10", 524_250, 9810), ("BitNetMCU 4-bit", 279_831, 9902),
    ]  # fmt: skip
