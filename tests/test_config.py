"""Choices: one definition for flags, TOML and manifest; mistakes are named with their remedy."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import FrozenInstanceError, fields

import pytest

import edgedigits
from edgedigits.cli.config_flags import add_config_arguments, config_from_arguments
from edgedigits.config import SECTIONS, BuildConfig
from edgedigits.config_file import make_config, parse_sections, read_config_file, refuse_idle_keys, to_tables
from edgedigits.errors import ConfigError, DataError
from edgedigits.losses.catalogue import LOSSES
from edgedigits.options import FULL_BATCH, flag_of
from edgedigits.stages.catalogue import slug
from edgedigits.view import View


def make(**tables) -> BuildConfig:
    return make_config(parse_sections(tables, "edgedigits.toml"))


def test_tables_of_a_config_give_the_config_back():
    config = make(
        model={"hidden": "300,100"},
        training={"batch_size": "full"},
        prune={"enabled": True, "layer_sparsity": {"hidden_2": 0.5}},
        loss={"name": "weighted-cross-entropy", "class_weights": [1, 1, 2, 1, 1, 1, 1, 1, 1, 1]},
    )
    assert config.training.batch_size == FULL_BATCH
    assert make_config(parse_sections(json.loads(json.dumps(to_tables(config))), "manifest")) == config


def test_cores_are_said_in_a_table_where_some_were_chosen_alone():
    """So that a build without them writes what it wrote before there was the choice, and reads it."""
    assert "core" not in to_tables(make_config({}))["engine"]
    for given in ("m0plus,atmega328p", ["m0plus", "atmega328p", "m0plus"]):
        sections = parse_sections({"engine": {"core": given}}, "t")
        tables = to_tables(make_config(sections))
        assert tables["engine"]["core"] == ("m0plus", "atmega328p")
        assert make_config(parse_sections(tables, "t")) == make_config(sections)


def test_a_core_has_no_say_where_bytes_are_all_that_counts():
    with pytest.raises(ConfigError, match='core has no effect without optimize = "balanced" under'):
        written = parse_sections({"engine": {"core": "m4", "optimize": "size"}}, "t")
        refuse_idle_keys(written, make_config(written), "t")


def test_a_core_that_is_none_is_told_of_before_anything_is_trained(tmp_path):
    with pytest.raises(ConfigError, match="There is no core 'm99'"):
        edgedigits.build({"engine": {"core": "m99"}, "output": {"out": str(tmp_path / "out")}})
    assert not any(tmp_path.iterdir())


def test_where_a_build_is_written_is_not_among_the_choices_that_shape_it():
    assert to_tables(make(output={"out": "/tmp/x"})) == to_tables(BuildConfig())


def test_every_option_has_one_flag_and_a_help_text():
    options = [option for section in SECTIONS.values() for option in section.__dataclass_fields__.values()]
    flags = [flag_of(option) for option in options]
    assert len(set(flags)) == len(flags)
    assert all(option.metadata["help"] for option in options)


def test_what_is_not_said_of_the_input_is_all_of_it():
    assert make().input.view == View()
    assert make(input={"window": 20}).input.view == View(window=20, size=20)
    assert make(input={"size": "16", "bits": 4}).input.view == View(size=16, bits=4)


def test_the_output_layer_is_spared_by_default_and_single_layers_can_be_set():
    assert make(prune={"enabled": True}).target_sparsity == {"hidden_1": 0.8, "hidden_2": 0.8}
    assert make(prune={"enabled": True, "output": True}).target_sparsity["logits"] == 0.8
    mixed = make(prune={"enabled": True, "layer_sparsity": "hidden_1=0.9,hidden_2=0,logits=0.5"})
    assert mixed.target_sparsity == {"hidden_1": 0.9, "logits": 0.5}
    assert make(prune={"sparsity": 0.9}).target_sparsity == {}


def test_a_build_is_named_after_what_shapes_it():
    assert slug(BuildConfig()) == "cross-entropy"
    named = make(loss={"name": "focal"}, qat={"enabled": True}, prune={"enabled": True}, model={"hidden": [10]})
    assert slug(named) == "focal-10-qat-prune"
    assert slug(make(input={"window": 24, "size": 12, "deskew": True})) == "cross-entropy-12of24-deskew"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"loss": {"name": "focla"}}, f"[loss] name is 'focla', expected one of {', '.join(LOSSES)}. Did you mean 'focal'?"),
        ({"prune": {"sparsity": 1.5}}, "[prune] sparsity is 1.5, expected a number from 0 and below 1."),
        ({"prune": {"sparsity": "nan"}}, "[prune] sparsity is 'nan', expected a number from 0 and below 1."),
        ({"training": {"batch_size": "ful"}}, "[training] batch_size is 'ful', expected an integer of at least 1, or full."),
        ({"training": {"epochs": 2.5}}, "[training] epochs is 2.5, expected an integer from 1 to 100000."),
        ({"training": {"epochs": True}}, "[training] epochs is True, expected an integer from 1 to 100000."),
        ({"model": {"hidden": "32,zwei"}}, "[model] hidden is '32,zwei', expected layer widths from 1 to 4096, such as 32,16."),
        ({"qat": {"enabled": "yes"}}, "[qat] enabled is 'yes', expected true or false."),
        ({"output": {"name": "2nd"}}, "[output] name is '2nd', expected a prefix for C names such as edgedigits_model; this one is not a C identifier."),
        ({"loss": {"alpha": "1,2"}}, "[loss] alpha is '1,2', expected one non-negative number, or ten separated by commas."),
        ({"loss": {"class_weights": "equal"}}, "[loss] class_weights is 'equal', expected balanced, effective-number, or ten non-negative numbers separated by commas."),
        ({"prune": {"layer_sparsity": "hidden_1"}}, "[prune] layer_sparsity is 'hidden_1', expected layer=sparsity pairs"),
        ({"prune": {"layer_sparsity": [3]}}, "[prune] layer_sparsity is [3], expected layer=sparsity pairs"),
        ({"prune": {"layer_sparsity": [["hidden_1", 0.5, 1]]}}, "expected layer=sparsity pairs"),
        ({"training": {"learning_rate": 10**400}}, "expected a number from 0 to 100."),
        ({"prune": {"sparsity": 80}}, "[prune] sparsity is 80, expected a number from 0 and below 1. Did you mean 0.8?"),
        ({"prune": {"sparsity": "100%"}}, "[prune] sparsity is '100%', expected a number from 0 and below 1."),
        ({"prune": {"sparsity": "80,5%"}}, "below 1. Did you mean 0.805?"),
        ({"prune": {"sparsity": "0,8"}}, "below 1. Did you mean 0.8?"),
        ({"prune": {"sparsity": "80%%"}}, "expected a number from 0 and below 1."),
        ({"prune": {"sparsity": 100}}, "[prune] sparsity is 100, expected a number from 0 and below 1."),
        ({"training": {"learning_rate": "0,01"}}, "expected a number from 0 to 100. Did you mean 0.01?"),
        ({"qat": {"rate": "50%"}}, "Did you mean 0.5?"),
        ({"data": {"test_fraction": 15}}, "expected a number from 0.01 to 0.5. Did you mean 0.15?"),
        ({"prune": {"layer_sparsity": "hidden_1=80"}}, "each sparsity from 0 and below 1. Did you mean hidden_1=0.8?"),
        ({"training": {"seed": 1 << 100_000}}, "[training] seed is a value beyond all bounds, expected an integer from"),
        ({"training": {"seed": "9" * 5000}}, "expected an integer from 0 to 2147483647."),
        ({"training": {"batch_size": 10**30}}, "expected an integer of at least 1, or full."),
        ({"model": {"hidden": [10] * 65}}, "expected at most 64 layers."),
        ({"output": {"out": "a\0b"}}, "[output] out is 'a\\x00b', expected a path; this one holds a character that no path"),
        ({"output": {"out": "\ud800"}}, "holds a character that no path can have."),
        ({"output": {"out": "x" * 5000}}, "…, expected a path; this one is too long for a path."),
        ({"output": {"tensorboard": "~nosuchuser/x"}}, "names a user that this machine does not have."),
        ({"loss": {"name": "absolute"}}, f"expected one of {', '.join(LOSSES)}."),
        ({"prune": {"layer_sparsity": "hiden_1=0.5"}}, "names a layer 'hiden_1', which this network does not have. Did you mean 'hidden_1'?"),
        ({"prune": {"begin": 0.7}}, "[prune] begin is 0.7 and end is 0.6: pruning would never happen."),
        ({"prune": {"initial_sparsity": 0.9}}, "[prune] initial_sparsity 0.9 is above sparsity 0.8."),
        ({"input": {"window": 30}}, "[input] window is 30, expected one of 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28."),
        ({"input": {"bits": 3}}, "[input] bits is 3, expected one of 1, 2, 4, 8."),
        ({"input": {"window": 16, "size": 20}}, "[input] size 20 is above window 16: averages are never more than the pixels. Choose a size up to"),
        ({"trainign": {}}, "edgedigits.toml: there is no table [trainign]. Did you mean 'training'?"),
        ({"training": {"epoch": 3}}, "edgedigits.toml: [training] has no key 'epoch'. Did you mean 'epochs'?"),
        ({"loss": "focal"}, "edgedigits.toml: loss is 'focal', expected a table. Write it as [loss]."),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_remedy(tables, message):
    with pytest.raises(ConfigError) as caught:
        make(**tables)
    assert message in str(caught.value) and len(str(caught.value)) < 400


def test_toml_and_manifest_are_read(tmp_path):
    toml = tmp_path / "edgedigits.toml"
    toml.write_text('[loss]\nname = "focal"\n[model]\nhidden = [10]\n')
    assert read_config_file(toml) == {"loss": {"name": "focal"}, "model": {"hidden": (10,)}}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"config": to_tables(BuildConfig())}))
    assert make_config(read_config_file(manifest)) == BuildConfig()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.toml", None, "none.toml: no such file."),
        ("bad.toml", "[loss\n", "bad.toml: not valid TOML: Expected ']'"),
        ("bad.json", "{", "bad.json: not valid JSON"),
        ("other.json", '{"a": 1}', "other.json: holds no 'config'. Give the manifest.json of a build."),
        ("list.json", "[1]", "list.json: holds no 'config'."),
        ("three.json", '{"config": 3}', "three.json: holds no 'config'."),
        (
            "newer.json",
            '{"schema": 2, "config": {}}',
            "newer.json: it is of a newer edgedigits, whose choices are others.",
        ),
        ("endless.toml", "x = 1" + "0" * 5000, "endless.toml: not valid TOML"),
        ("deep.json", "[" * 100_000, "deep.json: not valid JSON"),
    ],
)
def test_an_unreadable_config_file_is_named(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as caught:
        read_config_file(tmp_path / name)
    assert message in str(caught.value)


def test_the_learning_rate_depends_on_optimizer_and_loss_unless_given():
    assert make().peak_learning_rate == 0.003
    assert make(training={"optimizer": "sgd"}).peak_learning_rate == 0.2
    assert make(loss={"name": "hinge"}).peak_learning_rate == 0.003
    assert make(loss={"name": "hinge", "hinge": "crammer-singer"}).peak_learning_rate == 0.001
    assert make(loss={"name": "mse", "hinge": "crammer-singer"}).peak_learning_rate == 0.003
    assert (
        make(loss={"name": "hinge", "hinge": "one-vs-rest"}, training={"learning_rate": 0.01}).peak_learning_rate
        == 0.01
    )


@pytest.mark.parametrize("section", ["", *SECTIONS])
def test_choices_cannot_be_changed_once_they_are_made(section):
    made = getattr(BuildConfig(), section) if section else BuildConfig()
    name = fields(made)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(made, name, getattr(made, name))


@pytest.mark.parametrize(
    ("source", "expected"),
    [("x.csv", "x.csv"), (["mnist"], "mnist"), (["mnist", "my own.csv:3"], "mnist + my own.csv:3")],
)
def test_several_sources_are_one_choice(source, expected):
    assert make(data={"source": source}).data.source == expected


@pytest.mark.parametrize("source", [3, [], [1, 2], ["mnist", ""]])
def test_what_is_no_source(source):
    with pytest.raises(ConfigError, match=r"\[data\] source is .*, expected a text, or a list of texts\."):
        make(data={"source": source})


def test_flags_name_several_sources_and_win_over_the_file(tmp_path):
    parser = ArgumentParser()
    add_config_arguments(parser)
    (tmp_path / "x.toml").write_text('[data]\nsource = ["mnist-5k", "y.csv"]\n')
    for words, expected in ([], "mnist-5k + y.csv"), (["--data", "mnist", "--data", "x.csv:3"], "mnist + x.csv:3"):
        config = config_from_arguments(parser.parse_args(words), str(tmp_path / "x.toml"))
        assert config.data.source == expected
