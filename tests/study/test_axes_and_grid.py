"""What a study may sweep, and how its file becomes trials."""

from __future__ import annotations

import pytest

from edgedigits.errors import ConfigError, DataError
from edgedigits.study.axes import BUILT_IN_PART, find_axis, known_axes
from edgedigits.study.grid import plan_grid, read_grid


def plan(**tables):
    return plan_grid(tables, "my.toml")


def test_a_grid_is_every_combination_in_the_order_of_the_file():
    trials = plan(axes={"loss": ["mse", "focal"], "seed": [1, 2, 3]})
    assert [tuple(one.values.values()) for one in trials] == [
        ("mse", 1), ("mse", 2), ("mse", 3), ("focal", 1), ("focal", 2), ("focal", 3)
    ]  # fmt: skip
    assert trials[4].config.loss.name == "focal"
    assert trials[4].config.training.seed == 2


def test_base_is_shared_and_axes_win():
    (trial,) = plan(base={"training": {"epochs": 3, "seed": 9}}, axes={"seed": [1]})
    assert (trial.config.training.epochs, trial.config.training.seed) == (3, 1)


def test_long_short_and_unique_names_mean_the_same():
    for name in ("training.learning_rate", "lr", "learning_rate"):
        (trial,) = plan(axes={name: [0.5]})
        assert trial.config.training.learning_rate == 0.5


def test_an_axis_with_a_condition_is_left_out_where_it_does_not_hold():
    trials = plan(axes={"gamma": {"values": [1, 3], "when": {"loss": "focal"}}, "loss": ["mse", "focal"]})
    assert [one.values for one in trials] == [
        {"loss": "mse"},
        {"loss": "focal", "gamma": 1},
        {"loss": "focal", "gamma": 3},
    ]


def test_quantization_none_scores_the_float_twin():
    scored = {one.values["quantization"]: one for one in plan(axes={"quantization": ["none", "post-training", "qat"]})}
    assert scored["none"].scored == "float32"
    assert scored["post-training"].scored == "int8"
    assert scored["qat"].config.qat.enabled
    assert not scored["none"].config.qat.enabled


def test_weight_scales_are_those_that_the_quantization_has():
    scales = {"values": ["per-tensor", "per-channel"], "when": {"quantization": "post-training"}}
    trials = plan(axes={"quantization": ["post-training", "qat"], "weight_scales": scales})
    assert [(one.config.qat.enabled, one.config.qat.per_tensor) for one in trials] == [
        (False, True), (False, False), (True, False)
    ]  # fmt: skip
    (trained,) = plan(axes={"quantization": ["qat"], "weight_scales": ["per-tensor"]})
    assert trained.config.qat.enabled


def test_sparsity_zero_does_not_prune():
    none, some = plan(axes={"sparsity": [0, 0.7]})
    assert not none.config.prune.enabled
    assert some.config.prune.enabled
    assert some.config.target_sparsity == {"hidden_1": 0.7, "hidden_2": 0.7}


def test_a_list_takes_its_trials_one_by_one():
    trials = plan(trial=[{"loss": "mse", "hidden": [4]}, {"loss": "focal"}])
    assert [one.config.model.hidden for one in trials] == [(4,), (32, 16)]


def test_a_random_sample_is_seeded_and_stays_in_its_range():
    study = {"sampling": "random", "trials": 20, "seed": 3}
    axes = {"lr": {"low": 1e-4, "high": 1e-1, "log": True}, "epochs": {"low": 2, "high": 9}}
    rates = [one.config.training.learning_rate for one in plan(study=study, axes=axes)]
    assert rates == [one.config.training.learning_rate for one in plan(study=study, axes=axes)]
    assert 1e-4 <= min(rates) < 1e-3
    assert 1e-2 < max(rates) <= 1e-1
    assert {type(one.config.training.epochs) for one in plan(study=study, axes=axes)} == {int}


def test_the_same_trial_is_planned_once():
    assert len(plan(trial=[{"loss": "mse"}, {"loss": "mse"}])) == 1


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"axes": {"los": ["mse"]}}, "no axis 'los'. Did you mean 'loss'"),
        ({"axes": {"loss": ["hing"]}}, "loss is 'hing', expected one of .* Did you mean 'hinge'"),
        ({"axes": {"loss": []}}, "loss has no values"),
        ({"axes": {}}, "plans no trial"),
        ({}, "plans no trial"),
        ({"axis": {"loss": ["mse"]}}, "no table 'axis'. Did you mean 'axes'"),
        ({"study": {"sampling": "grit"}}, "sampling is 'grit'. Did you mean 'grid'"),
        ({"study": {"sampling": "random"}, "axes": {"seed": [1]}}, "trials is 0"),
        ({"axes": {"lr": {"low": 0.1, "high": 0.2}}}, "range, which a grid cannot take"),
        ({"axes": {"lr": {"low": 0.2, "high": 0.1}}}, "goes from 0.2 to 0.1"),
        ({"axes": {"lr": {"lo": 0.2}}}, "no key 'lo'"),
        ({"axes": {"output.out": ["x"]}}, "says where a build lands"),
        ({"axes": {"gamma": {"values": [1], "when": {"los": "focal"}}, "loss": ["mse"]}}, "depends on 'los'"),
        ({"base": {"trainin": {}}, "axes": {"seed": [1]}}, r"no table \[trainin\]"),
        ({"axes": {"quantization": ["qta"]}}, "Did you mean 'qat'"),
        ({"axes": {"weight_scales": ["per-chanel"]}}, "Did you mean 'per-channel'"),
        (
            {"axes": {"qat": [True], "weight_scales": ["per-channel"]}},
            "per-channel does not go with quantization-aware training",
        ),
    ],
)
def test_mistakes_are_named_with_the_nearest(tables, words):
    with pytest.raises(ConfigError, match=words):
        plan(**tables)


def test_conditions_in_a_circle_are_refused():
    axes = {"loss": {"values": ["mse"], "when": {"seed": 1}}, "seed": {"values": [1], "when": {"loss": "mse"}}}
    with pytest.raises(ConfigError, match="circle"):
        plan(axes=axes)


@pytest.mark.parametrize("name", BUILT_IN_PART)
def test_what_cannot_be_built_yet_is_refused_by_name_and_not_ignored(name):
    built, known = BUILT_IN_PART[name]
    for value in built:
        find_axis(name, "x").apply(value, "x")
    for value in set(known) - set(built):
        with pytest.raises(ConfigError, match=f"cannot do {name} {value} yet"):
            find_axis(name, "x").apply(value, "x")


def test_every_known_axis_can_be_found():
    for name in known_axes():
        assert find_axis(name, "x").name == name


def test_files_that_are_missing_or_no_toml_are_told(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_grid(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("loss = [")
    with pytest.raises(DataError, match="not valid TOML"):
        read_grid(tmp_path / "bad.toml")


def test_the_example_of_the_module_is_a_study():
    import tomllib

    import edgedigits.study.grid as module

    text = "\n".join(line[4:] for line in module.__doc__.splitlines() if line.startswith("    "))
    tables = tomllib.loads(text)
    del tables["axes"]["lr"]
    assert len(plan_grid({**tables, "trial": []} | {"study": {"sampling": "grid"}}, "x")) == 3 * (1 + 2)
