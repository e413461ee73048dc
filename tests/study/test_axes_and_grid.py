"""What a study may sweep, and how its file becomes trials."""

from __future__ import annotations

import re
import textwrap
import tomllib

import pytest

from edgedigits.compression_sections import SCOPES
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.errors import ConfigError, DataError
from edgedigits.stages.catalogue import slug
from edgedigits.study.plan.axes import find_axis, known_axes, value_words
from edgedigits.study.plan.grid import plan_grid, read_grid
from edgedigits.view import View


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
    for name in ("input.size", "input_size"):
        (trial,) = plan(axes={name: [12], "window": [24]})
        assert trial.config.input.view == View(window=24, size=12)


def test_an_axis_with_a_condition_is_left_out_where_it_does_not_hold():
    trials = plan(axes={"gamma": {"values": [1, 3], "when": {"loss": "focal"}}, "loss": ["mse", "focal"]})
    assert [one.values for one in trials] == [
        {"loss": "mse"},
        {"loss": "focal", "gamma": 1},
        {"loss": "focal", "gamma": 3},
    ]


def test_a_condition_names_one_value_or_several_also_where_values_are_lists():
    hidden = [[10], [32, 16], [64]]
    for allowed, count in (([10], 1), ([32, 16], 1), ([[10], [32, 16]], 2), (["10", [64]], None)):
        axes = {"hidden": hidden, "patience": {"values": [5], "when": {"hidden": allowed}}}
        if count is None:
            with pytest.raises(ConfigError, match=r'depends on hidden = "10", which is none of its values here'):
                plan(axes=axes)
        else:
            assert sum("patience" in one.values for one in plan(axes=axes)) == count


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


def test_a_random_sample_has_as_many_different_trials_as_asked_for_or_says_how_many_there_are():
    axes = {"loss": ["mse", "focal"], "seed": [1, 2, 3]}
    assert len(plan(study={"sampling": "random", "trials": 6}, axes=axes)) == 6
    with pytest.raises(ConfigError, match="trials is 50, and the axes make only 6 different ones"):
        plan(study={"sampling": "random", "trials": 50}, axes=axes)


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
        ({"base": {"trainin": {}}, "axes": {"seed": [1]}}, r"no table \[base.trainin\]"),
        ({"axes": {"quantization": ["qta"]}}, "Did you mean 'qat'"),
        ({"axes": {"weight_scales": ["per-chanel"]}}, "Did you mean 'per-channel'"),
        (
            {"axes": {"qat": [True], "weight_scales": ["per-channel"]}},
            "per-channel does not go with quantization-aware training",
        ),
        ({"axes": {"out": ["x"]}}, "'out' says where a build lands"),
        ({"axes": {"tensorboard": ["x"]}}, "'tensorboard' says where a build lands"),
        ({"base": {"output": {"out": "x"}}, "axes": {"seed": [1]}}, r"\[base.output\] says where a build lands"),
        ({"base": {"loss": "mse"}, "axes": {"seed": [1]}}, r"expected a table. Write it as \[base.loss\]"),
        (
            {"base": {"prune": {"initial_sparsity": 0.9}}, "axes": {"sparsity": [0.5]}},
            r"my.toml: \[axes\]: \[prune\] initial_spa",
        ),
    ],
)
def test_mistakes_are_named_with_the_nearest(tables, words):
    with pytest.raises(ConfigError, match=words):
        plan(**tables)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("axes = 3", "[axes] is 3, expected a table."),
        ("[[axes]]\nseed = [1]", "[axes] is a list of tables, expected one. Write it once, in single brackets."),
        ("base = 3", "[base] is 3, expected a table."),
        ("study = 3", "[study] is 3, expected a table."),
        ("trial = 3", "[[trial]] 1 is 3, expected a table."),
        ("trial = [1, 2]", "[[trial]] 1 is 1, expected a table."),
        ("axes.gamma = { values = [1], when = 3 }", "[axes] gamma when is 3, expected a table."),
        ("axes.gamma = { values = [1], low = 1 }", "[axes] gamma has values and also low."),
        ("axes.lr = { low = 0.1 }", "[axes] lr has neither values nor low and high."),
        ("axes.lr = { low = 0.1, high = inf }", "[axes] lr high is inf, expected a finite number."),
        ("axes.lr = { low = nan, high = 1 }", "[axes] lr low is nan, expected a finite number."),
        ("axes.lr = { low = true, high = 2 }", "[axes] lr low is True, expected a finite number."),
        ("axes.lr = { low = '0.1', high = 2 }", "[axes] lr low is '0.1', expected a finite number."),
        ("axes.lr = { low = 1, high = 1" + "0" * 400 + " }", ", expected a finite number."),
        ("axes.lr = { low = 0.1, high = 1, log = 'no' }", "[axes] lr log is 'no', expected true or false."),
        ("axes.seed = { low = 1, high = 9, integer = 1 }", "[axes] seed integer is 1, expected true or false."),
        ("axes.seed = { low = 1.5, high = 9, integer = true }", "[axes] seed goes from 1.5 to 9, expected integers."),
        ("axes.lr = { low = 0, high = 1, log = true }", "[axes] lr goes from 0 to 1. Choose 0 < low < high."),
        ("axes.lr = { low = -1, high = 1 }", "[axes] lr low is -1, expected a number from 0 to 100."),
        ("axes.lr = { low = 1.0, high = 1e3 }", "[axes] lr high is 1000.0, expected a number from 0 to 100."),
        ("axes.epochs = { low = 1.0, high = 9.0 }", "epochs takes integers, and its range gives fractions. Add integer = true."),
        ("axes.loss = { low = 1, high = 9 }", "[axes] loss low is 1, expected one of"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_told_in_a_sentence(toml, words):
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        plan(study={"sampling": "random", "trials": 3}, **tomllib.loads(toml)) if "axes" in toml else plan(
            **tomllib.loads(toml)
        )
    assert caught.value.message.startswith("my.toml")
    assert caught.value.hint or "expected" in caught.value.message


@pytest.mark.parametrize(
    ("study", "words"),
    [
        ({"seed": "x"}, "seed is 'x', expected an integer of at least 0."),
        ({"seed": -1}, "seed is -1, expected an integer of at least 0."),
        ({"seed": 1.5}, "seed is 1.5, expected an integer of at least 0."),
        ({"trials": True}, "trials is True, expected an integer from 1 to 100,000."),
        ({"trials": 0}, "trials is 0, expected an integer from 1 to 100,000."),
        ({"trials": 10**6}, "trials is 1000000, expected an integer from 1 to 100,000."),
        ({"sampling": "grid"}, "trials is of a random sample, and sampling is \"grid\". Leave it out, or set sampling"),
        ({"sampling": ["random"]}, "sampling is ['random']"),
    ],
)  # fmt: skip
def test_what_a_random_sample_needs_is_checked_and_not_ignored_elsewhere(study, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        plan(study={"sampling": "random", "trials": 3} | study, axes={"lr": {"low": 0.1, "high": 0.2}})


def test_axes_and_a_list_of_trials_exclude_each_other():
    with pytest.raises(ConfigError, match=r"has both \[axes\] and \[\[trial\]\]"):
        plan(axes={"seed": [1]}, trial=[{"loss": "mse"}])
    with pytest.raises(ConfigError, match=r'sampling is "grid", which takes \[axes\]'):
        plan(study={"sampling": "grid"}, trial=[{"loss": "mse"}])
    with pytest.raises(ConfigError, match=r'sampling is "list", which takes \[\[trial\]\]'):
        plan(study={"sampling": "list"}, axes={"seed": [1]})
    with pytest.raises(ConfigError, match=r"seed is of a random sample.*write seed = \[1, 2, 3\] under \[axes\]"):
        plan(study={"seed": 1}, axes={"seed": [1]})


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ('loss = ["mse", "focal"]\ngamma = [1, 2, 3]',
         'gamma has no effect where loss.name is "mse". Add when = { loss = "focal" } to the axis.'),
        ('"loss.name" = ["mse", "focal"]\ngamma = [1]', 'Add when = { "loss.name" = "focal" } to the axis.'),
        ('loss = ["mse"]\ngamma = [1, 2]', 'Give loss a value that makes it "focal", or leave the axis out.'),
        ("gamma = [1, 2]", 'where loss.name is "cross-entropy". Set name = "focal" under [base.loss], or leave the axis out.'),
        ('"prune.sparsity" = [0.5, 0.8]', "has no effect where prune.enabled is false. Set enabled = true under [base.prune]"),
        ("sparsity = [0, 0.5, 0.8]\nprune_epochs = [5]", "Add when = { sparsity = [0.5, 0.8] } to the axis."),
        ('quantization = ["none", "qat"]\nqat_rate = [0.1]', 'Add when = { quantization = "qat" } to the axis.'),
        ("qat = [true, false]\nper_tensor = [true]", "per_tensor has no effect where qat.enabled is true. Add when = { qat = false }"),
        ('loss = ["weighted-cross-entropy"]\nclass_weights = ["balanced", "effective-number"]\nbeta = [0.9, 0.99]',
         'beta has no effect where loss.class_weights is "balanced". Add when = { class_weights = "effective-number" }'),
        ('loss = ["mse"]\nclass_weights = ["effective-number"]', 'class_weights has no effect where loss.name is "mse".'),
    ],
)  # fmt: skip
def test_an_axis_without_effect_is_refused_with_the_condition_it_lacks(axes, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        plan(axes=tomllib.loads(axes))


def test_an_option_without_effect_is_refused_in_a_list_too():
    with pytest.raises(ConfigError, match=r'\[\[trial\]\] 2 gamma has no effect .* or give it "loss.name" = "focal"'):
        plan(trial=[{"loss": "focal", "gamma": 1}, {"loss": "mse", "gamma": 1}])


def test_what_an_option_needs_may_be_in_the_base():
    assert len(plan(base={"loss": {"name": "focal"}}, axes={"gamma": [1, 2]})) == 2


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"quantization": ["qat"], "qat": [True]}, "'quantization' and 'qat' both set qat.enabled. Keep one"),
        ({"sparsity": [0.8], "prune": [False]}, "'sparsity' and 'prune' both set prune.enabled"),
        ({"sparsity": [0.8], "prune.sparsity": [0.5]}, "both set prune.sparsity"),
        ({"lr": [0.1], "learning_rate": [0.2]}, "'lr' and 'learning_rate' both set training.learning_rate"),
    ],
)
def test_axes_that_overwrite_each_other_are_refused(axes, words):
    with pytest.raises(ConfigError, match=words):
        plan(axes=axes)
    with pytest.raises(ConfigError, match=words):
        plan(trial=[{name: value for name, (value,) in axes.items()}])


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"loss": "fokal"}, "depends on loss = \"fokal\", which is none of its values here. Did you mean 'focal'?"),
        ({"loss": ["mse", "hinge"]}, 'depends on loss = "hinge", which is none of its values here. Known: mse, focal.'),
        ({"loss": []}, "depends on no value of loss."),
        ({"lr": 0.1}, "depends on lr, which is a range."),
    ],
)
def test_a_condition_that_can_never_hold_is_refused(when, words):
    axes = {"loss": ["mse", "focal"], "lr": {"low": 0.1, "high": 0.2}, "gamma": {"values": [1], "when": when}}
    with pytest.raises(ConfigError, match=re.escape(words)):
        plan(study={"sampling": "random", "trials": 2}, axes=axes)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ('pruning_schedule = ["iterative"]', "there is no axis 'pruning_schedule'. Write prune_schedule."),
        ('prune_schedule = ["rewinding"]', 'prune_schedule takes no rewinding. Write prune_schedule = ["iterative"].'),
        ('weight_values = ["clusters"]', 'weight_values takes no clusters. Write weight_bits'),
        ('quantization = ["clustered"]', 'quantization takes no clustered. Write weight_bits'),
        ('quantization = ["int4"]', "quantization takes no int4. Write weight_bits"),
        ('quantization = ["float16"]', "a build cannot do quantization float16 yet."),
        ('granularity = ["structured"]', 'granularity takes no structured. Write granularity = ["neurons"]'),
        ("budget = [2048]", "there is no axis 'budget'. Write budget_constants, or budget_flash"),
        ('sparsity = ["2:4"]', 'sparsity takes no 2:4. Write granularity = ["2:4"].'),
        ("clusters = [16]", "there is no axis 'clusters'. Write weight_bits"),
        ("distillation = [true]", "there is no axis 'distillation'. Write distill = [\"\", \"teacher/\"]."),
        ("activation = ['tanh']", "a build cannot do activation yet."),
        ('"2:4" = [true]', "there is no axis '2:4'. Write granularity"),
        ("bits = [4]", "there is no axis 'bits'. Write weight_bits"),
        ("per_channel = [true]", 'there is no axis \'per_channel\'. Write weight_scales = ["per-tensor", "per-channel"]; of levels, levels_by_output'),
        ("weight_bits = [16]", "weight_bits is 16, expected an integer from 1 to 8."),
        ("criterion = ['magnitud']", "Did you mean 'magnitude'?"),
        ("pruning_criterion = ['lamp']", "there is no axis 'pruning_criterion'. Write criterion."),
        ("quantization = ['ptq']", "quantization is 'ptq'. Write 'post-training'."),
        ("prune.sparsity = [0.5]", 'prune.sparsity is read as a table by TOML, not as a name. Write "prune.sparsity" in quotes.'),
        ("model.hidden = [[10]]", 'Write "model.hidden" in quotes.'),
    ],
)  # fmt: skip
def test_words_for_what_is_not_built_and_names_that_are_called_otherwise_get_an_answer(axes, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        plan(axes=tomllib.loads(axes))
    (name, raw), *_ = tomllib.loads(axes).items()
    if isinstance(raw, dict):
        with pytest.raises(ConfigError, match=re.escape(words)):
            plan(trial=[{name: raw}])


@pytest.mark.parametrize("word", ["biases", "width", "x"])
def test_a_word_like_no_axis_is_not_answered_with_a_guess(word):
    with pytest.raises(ConfigError, match=f"no axis '{word}'. Known: quantization, sparsity"):
        plan(axes={word: [1]})


def test_conditions_in_a_circle_are_refused():
    axes = {"loss": {"values": ["mse"], "when": {"seed": 1}}, "seed": {"values": [1], "when": {"loss": "mse"}}}
    with pytest.raises(ConfigError, match="circle"):
        plan(axes=axes)


LEVERS = {
    "weight_bits": [2, 3, 4, 8], "weight_values": ["codebook", "powers", "uniform"], "criterion": list(CRITERIA),
    "granularity": ["weights", "blocks", "neurons", "inputs"], "prune_scope": list(SCOPES), "joint_schedule": ["hold", "cosine"], "tries": [1, 3], "polish": [0, 2],
    "levels_begin": [0.1, 0.3], "activations_begin": [0.5, 0.6], "trim": [0.9, 0.95], "joint_epochs": [9, 10],
}  # fmt: skip


@pytest.mark.parametrize("name", LEVERS)
@pytest.mark.parametrize(
    "base",
    [
        {"joint": {"enabled": True}, "prune": {"enabled": True}, "levels": {"weight_bits": 3}},
        {"budget": {"flash": 8192}},
    ],
)
def test_each_lever_of_compression_is_an_axis_with_and_without_a_budget(base, name):
    """Also where a value is the default, which the recipe of a budget would choose otherwise."""
    if name == "trim" and "budget" not in base:
        with pytest.raises(ConfigError, match="has no effect where budget.constants is 0"):
            plan(base=base, axes={name: LEVERS[name]})
        return
    trials = plan(base=base, axes={name: LEVERS[name]})
    (section, field), *_ = find_axis(name, "x").sets
    assert [getattr(getattr(one.config, section), field) for one in trials] == LEVERS[name]
    assert [value_words(one.values[name]) for one in trials] == [value_words(value) for value in LEVERS[name]]


def test_how_much_an_engine_may_refuse_is_an_axis_and_tells_trials_apart():
    trials = plan(axes={"reject_error": [0, "0.5%", 0.01], "seed": [1]})
    assert [one.config.confidence.reject_error for one in trials] == [0, 0.005, 0.01]
    assert len({str(one.identity) for one in trials}) == 3


def test_levers_that_need_joint_training_are_swept_under_a_condition():
    epochs = {"values": [20, 40], "when": {"joint.enabled": True}}
    trials = plan(axes={"joint.enabled": [False, True], "joint_epochs": epochs})
    assert [one.config.joint.epochs for one in trials] == [100, 20, 40]
    with pytest.raises(ConfigError, match=re.escape('Add when = { "joint.enabled" = true } to the axis.')):
        plan(axes={"joint.enabled": [False, True], "joint_epochs": [20, 40]})


def test_few_bits_are_swept_jointly_and_in_turn():
    """PQAT, CQAT and PCQAT beside joint training, each with zeros where it prunes."""
    axes = {"joint.enabled": [False, True], "sparsity": [0, 0.9], "weight_bits": [4, 8]}
    aware = {"values": ["qat"], "when": {"joint.enabled": False}}
    trials = plan(axes={**axes, "quantization": aware})
    assert [slug(one.config).removeprefix("cross-entropy-") for one in trials] == [
        *("qat-cluster", "qat", "qat-cluster-prune", "qat-prune"),
        *("joint",) * 4,
    ]
    assert [one.config.most_levels for one in trials] == [16, 256, 17, 257] * 2
    with pytest.raises(ConfigError, match=re.escape("Give weight_bits a value that makes it 4, or leave the axis out")):
        plan(axes={"weight_bits": [8], "cluster_epochs": [5, 10]})


def test_a_budget_is_an_axis_with_its_recipe():
    small, large, both = plan(
        trial=[{"budget_constants": "424"}, {"budget_flash": "16K"}, {"budget_constants": 2048, "hidden": [32, 16]}]
    )
    assert (small.config.model.hidden, large.config.model.hidden) == ((30,), (400, 100))
    assert (small.config.levels.weight_bits, small.config.engine.optimize) == (3, "size")
    assert both.config.model.hidden == (32, 16)
    (again,) = plan(base=both.identity["config"] | {}, axes={"seed": [both.config.training.seed]})
    assert again.config == both.config


@pytest.mark.parametrize("name", ["sparsity", "prune.sparsity", "initial_sparsity"])
def test_shares_of_zeros_are_no_axis_where_bytes_decide(name):
    words = f"{name} has no effect where budget.constants is 2048. Set constants = 0 under [base.budget], or leave"
    with pytest.raises(ConfigError, match=re.escape(words)):
        plan(base={"budget": {"constants": 2048}}, axes={name: [0.5, 0.9]})
    trials = plan(axes={"budget_constants": [0, "2K"], name: {"values": [0.5], "when": {"budget_constants": 0}}, "prune": [True]}
                  if name != "sparsity" else {"budget_constants": [0, "2K"], name: {"values": [0.5], "when": {"budget_constants": 0}}},
                  base={"prune": {"enabled": True, "sparsity": 0.8}})  # fmt: skip
    assert len(trials) == 2


@pytest.mark.parametrize("schedule", ["iterative", "scratch"])
@pytest.mark.parametrize(
    "base", [{"joint": {"enabled": True}, "prune": {"enabled": True}}, {"budget": {"constants": 2048}}]
)
def test_schedules_of_several_trainings_do_not_go_with_one(base, schedule):
    with pytest.raises(ConfigError, match=f"schedule {schedule} takes several trainings"):
        plan(base=base, axes={"prune_schedule": ["polynomial", schedule]})


def test_every_known_axis_can_be_found():
    for name in known_axes():
        assert find_axis(name, "x").name == name


def test_files_that_are_missing_or_no_toml_are_told(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_grid(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("loss = [")
    with pytest.raises(DataError, match="not valid TOML"):
        read_grid(tmp_path / "bad.toml")
    for text in ("x = 1" + "0" * 5000, "x = " + "[" * 100_000):
        (tmp_path / "endless.toml").write_text(text)
        with pytest.raises(DataError, match="not valid TOML"):
            read_grid(tmp_path / "endless.toml")


def test_the_examples_of_the_module_are_studies():
    import edgedigits.study.plan.grid as module

    between_prose = re.split(r"^\S.*\n", module.__doc__, flags=re.MULTILINE)
    grid, sample, listed = (tomllib.loads(textwrap.dedent(text)) for text in between_prose if text.strip())
    assert len(plan(**grid)) == 3 * (1 + 2)
    assert len(plan(**sample)) == 40
    assert [one.config.loss.gamma for one in plan(**listed)] == [2, 1]
