"""The models that come with the toolkit: listed, found by name, and started from."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from edgedigits.build_folder import MODEL, SEEN_DIGITS, LearnedFrom, Manifest, write_manifest
from edgedigits.cli.main import main
from edgedigits.config_file import make_config, parse_sections
from edgedigits.data.fingerprints import fingerprints, pack
from edgedigits.data.load import load_splits
from edgedigits.data.seeing import see
from edgedigits.errors import ConfigError, DataError
from edgedigits.frontier import frontier, model_folder
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import Goal, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.report.facts import read_report
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.start import findings_on_start
from edgedigits.stages.start import starting_weights
from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.trial_kind import plan_builds
from tests.test_reference import REFERENCE


def config(**sections):
    return make_config(parse_sections({"training": {"start": str(REFERENCE)}, **sections}, "test"))


def test_every_model_of_the_frontier_keeps_its_budget_and_is_listed(capsys) -> None:
    assert main(["models", "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert [model["name"] for model in models] == list(frontier())
    for model in models:
        assert model["constants"] <= model["budget"]
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in frontier())
    assert text.endswith("\n\nOn from one, with your digits or choices: edgedigits build --from NAME\n")


@pytest.mark.parametrize("name", frontier())
def test_a_model_of_the_frontier_has_the_accuracy_and_the_bytes_that_its_report_says(name, mnist_folder) -> None:
    folder = frontier()[name]
    report, chosen = (
        read_report(folder),
        make_config(parse_sections(json.loads((folder / "manifest.json").read_text())["config"], name)),
    )
    test = load_splits(str(mnist_folder), **chosen.data.division, seed=chosen.training.seed).test
    network = lower(read_tflite(folder / "model.tflite"))
    inputs = (see(chosen.input.view, test.images).astype(int) - 128).astype(np.int8)
    right = classify(run(network, inputs)) == test.labels
    assert float(np.mean(right)) == report.evaluation.scores.accuracy
    _, packed = arrange(simplify(network), Goal.SIZE)
    assert (
        sum(one.nbytes + one.biases.nbytes for one in packed) == report.engine.constant_bytes <= chosen.budget.constants
    )


def test_what_is_neither_a_build_nor_a_model_of_the_frontier_is_told(tmp_path) -> None:
    with pytest.raises(ConfigError, match="is no build, and no model that comes with edgedigits"):
        model_folder(str(tmp_path))


def test_a_build_starts_from_what_the_codes_of_another_stand_for(five_thousand) -> None:
    weights = starting_weights(config())
    images = five_thousand.images[::100].astype(int)
    values = images / 255
    for place, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        values = values @ kernel + bias
        if 2 * place + 2 < len(weights):
            values = np.maximum(values, 0)
    network = lower(read_tflite(REFERENCE / "model.tflite"))
    stored = run(network, (images - 128).astype(np.int8)).astype(float)
    scale = network.output.scales[0]
    apart = np.abs((stored - network.output.zero_points[0]) * scale - values)
    # Rounding is a step or two; a few images drive a hidden neuron beyond its largest code.
    assert np.quantile(apart, 0.95) < 3 * scale


def test_other_layers_than_those_of_the_start_are_told() -> None:
    with pytest.raises(ConfigError, match=r"its layers are 784-32-16-10, and this build's are 784-8-10"):
        starting_weights(config(model={"hidden": [8]}))


def test_its_choices_are_taken_where_none_are_made(monkeypatch) -> None:
    from edgedigits.cli.config_flags import config_from_arguments
    from edgedigits.cli.parsing import parse

    chosen = config_from_arguments(
        parse(["build", "--from", str(REFERENCE), "--data", "mnist-5k", "--sparsity", "0.7"]), None
    )
    assert (chosen.loss.name, chosen.prune.sparsity, chosen.qat.enabled) == ("focal", 0.7, True)
    assert chosen.data.source == "mnist-5k"


def test_a_start_that_knows_digits_which_are_held_out_is_refused(few, tmp_path) -> None:
    def parts(**changed):
        return dataclasses.replace(few, **changed)

    (tmp_path / MODEL).write_bytes((REFERENCE / MODEL).read_bytes())
    known = np.concatenate([few.train.images, few.validation.images])
    (tmp_path / SEEN_DIGITS).write_bytes(pack(fingerprints(known)))
    write_manifest(tmp_path, Manifest(data=LearnedFrom(digest=few.digest)))
    chosen = config(training={"start": str(tmp_path)})
    assert findings_on_start(chosen, few) == []  # the very same parts
    assert findings_on_start(config(training={}), few) == []
    other = parts(train=few.test, validation=few.test.take(np.arange(9)), test=few.test)
    assert findings_on_start(chosen, other) == []
    for split, number in (("validation", 5), ("test", 7)):
        leaking = parts(train=few.test, validation=few.test, test=few.test)
        leaking = dataclasses.replace(leaking, **{split: few.train.take(np.arange(number))})
        with pytest.raises(DataError, match=f"on {number} of the {number} digits of the {split} split"):
            findings_on_start(chosen, leaking)


def test_a_start_without_a_record_of_its_digits_is_told(few, capsys) -> None:
    for name in list(frontier())[:1]:
        [finding] = findings_on_start(config(training={"start": name}), few)
        assert finding == f"Nobody knows which digits {name} was trained on: those held out may be among them."


def test_a_study_knows_a_start_by_its_model(tmp_path) -> None:
    def key():
        axes = {"from": [str(tmp_path)], "seed": [1]}
        [entry] = plan_builds("s", plan_grid({"axes": axes}, "s")).entries
        return entry.identity

    (tmp_path / MODEL).write_bytes(b"one")
    write_manifest(tmp_path, Manifest())
    first = key()
    (tmp_path / MODEL).write_bytes(b"another")
    assert key() != first
