"""Which trials `study run levers` makes."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from edgedigits.cli.main import main
from edgedigits.config_file import make_config, parse_sections
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.errors import ConfigError, DataError
from edgedigits.levers.plan import BASE, CQAT, IN_TURN, TURNS, plan_levers
from edgedigits.losses.catalogue import LOSSES
from edgedigits.stages.catalogue import STAGES


def specs(**flags):
    return [entry.spec for entry in plan_levers(**flags).entries]


def test_every_value_of_every_lever_is_there_once_beside_the_base():
    found = Counter(one["lever"] for one in specs(seeds=1, budgets="2K"))
    assert found == {
        BASE: 1, "weight_bits": 3, "weight_values": 2, "criterion": len(CRITERIA) - 1, "granularity": 2,
        "prune_schedule": 2, "loss": len(LOSSES) - 1, IN_TURN: 10,
    }  # fmt: skip


def test_a_build_to_a_budget_differs_from_the_base_in_its_lever_alone():
    base, *others = (one for one in specs(seeds=1, budgets="8K") if one["lever"] != IN_TURN)
    for one in others:
        different = {
            (section, name)
            for section, values in base["config"].items()
            for name, value in values.items()
            if one["config"][section][name] != value
        }
        assert len(different) == 1, (one["label"], different)
        (section, name) = different.pop()
        assert str(one["config"][section][name]) == one["value"]
        assert str(base["config"][section][name]) == one["against"]


@pytest.mark.parametrize("budget", ["424", "2K", "8K", "27K"])
@pytest.mark.parametrize("way", TURNS)
def test_what_is_compressed_in_turn_sees_the_same_for_as_many_epochs_about_the_budget(budget, way):
    base, *others = (one for one in specs(seeds=1, budgets=budget) if one["lever"] in (BASE, IN_TURN))
    swept = [make_config(parse_sections(one["config"], "x")) for one in others if one["value"] == way]
    there = make_config(parse_sections(base["config"], "x"))
    for config in swept:
        stages = [stage.name for stage in STAGES.values() if stage.asked(config)]
        assert stages == ["float", *TURNS[way]] if way != CQAT else ["float", "cluster", "qat"]
        later = sum(getattr(config, name).epochs for name in stages[1:])
        assert config.training.epochs + later == there.training.epochs + there.joint.epochs
        assert (config.input, config.engine) == (there.input, there.engine)
        if way != CQAT:
            assert (config.model, config.prune.criterion) == (there.model, there.prune.criterion)
        assert config.levels.weight_bits == (there.levels.weight_bits if "cluster" in stages else 8)
    size = {True: lambda one: one.model.hidden[0], False: lambda one: 1 - one.prune.sparsity}[way == CQAT]
    dense, sparse = map(size, swept)
    # Widths are whole, and biases take their part.
    assert dense / sparse == pytest.approx(1.3 / 0.77, rel=0.25 if way == CQAT else 0.02)


def test_seeds_are_told_apart_and_all_trials_are_different():
    plan = plan_levers(seeds=3, budgets="1K,2K")
    keys = {json.dumps(entry.identity, sort_keys=True) for entry in plan.entries}
    assert len(keys) == len(plan.entries) == 3 * 2 * 30
    assert {entry.spec["config"]["training"]["seed"] for entry in plan.entries} == {1, 2, 3}
    for entry in plan.entries[:30]:
        make_config(parse_sections(entry.spec["config"], "x"))


def test_a_teacher_adds_one_trial_a_seed_of_its_own(tmp_path):
    for seed in (1, 2):
        (tmp_path / f"t{seed}.keras").write_bytes(b"%d" % seed)
    found = [
        one
        for one in specs(seeds=2, budgets="2K", teacher=str(tmp_path / "t{seed}.keras"))
        if one["lever"] == "distill"
    ]
    assert [one["config"]["distill"]["teacher"] for one in found] == [
        str(tmp_path / f"t{seed}.keras") for seed in (1, 2)
    ]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"budgets": "much"}, "--budgets is 'much', expected bytes such as 8192 or 8K"),
        ({"budgets": "2K,"}, "--budgets is '2K,', expected bytes"),
        ({"budgets": "0"}, "--budgets names 0 bytes"),
        (
            {"budgets": "2K,50"},
            "--budgets names 50 B, in which not every trial of the plan fits: one needs 131 B at least",
        ),
        ({"seeds": 10_000}, "--seeds 10000 plans more than 100,000 trials. Take 1,666 or fewer."),
    ],
)
def test_what_cannot_be_planned_is_told(flags, words):
    with pytest.raises(ConfigError) as caught:
        plan_levers(**flags)
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_the_smallest_budget_that_is_told_is_the_smallest_that_is_planned():
    assert len(plan_levers(seeds=1, budgets="131").entries) == 30
    with pytest.raises(ConfigError):
        plan_levers(seeds=1, budgets="130")


def test_a_teacher_that_is_not_there_is_told_with_the_command_that_trains_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as told:
        plan_levers(source="my digits.csv", seeds=2, budgets="2K", teacher="t{seed}")
    assert str(told.value.message) == "t1 does not exist."
    assert told.value.hint == "Train it: edgedigits teacher --data 'my digits.csv' --seed 1 --out t1"


def test_what_distillation_needs_is_said_before_anything_runs(tmp_path, capsys):
    run = ["study", "run", "levers", "--budgets", "2K", "--data", "mnist-5k", "--dry-run", "--json"]

    def notes(*flags):
        assert main([*run, *flags]) == 0
        return json.loads(capsys.readouterr().out)["notes"]

    one = "edgedigits teacher --data mnist-5k --seed 1 --out teacher-1, then --teacher teacher-1."
    assert notes("--seeds", "1") == [f"Distillation is left out, for want of a teacher: {one}"]
    each = "--seed N --out teacher-N for N from 1 to 3, then --teacher 'teacher-{seed}'."
    assert notes("--seeds", "3")[0].endswith(each)
    (tmp_path / "1.keras").write_bytes(b"")
    assert notes("--seeds", "1", "--teacher", str(tmp_path / "{seed}.keras")) == []
    # Of a file nobody knows what it has learned.
    assert notes("--seeds", "3", "--teacher", str(tmp_path / "1.keras")) == []


def test_the_cost_is_told_before_anything_runs(capsys):
    assert main(["study", "run", "levers", "--seeds", "1", "--budgets", "2K", "--data", "mnist-5k", "--dry-run"]) == 0
    assert "30 trials, about " in capsys.readouterr().out
    assert main(["study", "run", "levers", "--rows", "10"]) == 2
    assert "--rows is of report-table, and levers is another. Leave it out." in capsys.readouterr().err
