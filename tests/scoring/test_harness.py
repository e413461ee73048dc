"""One call, every figure; and the limits held against them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Digits
from edgedigits.data.shape import PIXELS
from edgedigits.errors import ConfigError, DataError, UnsupportedModelError
from edgedigits.scoring import runs
from edgedigits.scoring.evaluation import Evaluation
from edgedigits.scoring.harness import check_gates, evaluate_model
from edgedigits.scoring.interpreter import Classifier
from tests.tflite_builder import build_mlp, random_mlp

Make = Callable[..., Classifier]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build's folder whose float twin has exactly the weights that its int8 model stands for."""
    folder = tmp_path_factory.mktemp("build")
    random = np.random.default_rng(4)
    weights, biases = random.integers(-40, 40, (10, PIXELS)), random.integers(-9000, 9000, 10)
    int8 = build_mlp([weights.astype(np.int8)], [biases.astype(np.int32)])
    scale = 1 / 128
    twin = build_mlp(
        [(weights * scale).astype(np.float32)],
        [(biases * scale / 255).astype(np.float32)],
        float_model=True,
    )
    (folder / "model.tflite").write_bytes(int8)
    (folder / "model_float.tflite").write_bytes(twin)
    return folder


@pytest.fixture(scope="module")
def evaluation(build: Path, digits: Digits) -> Evaluation:
    return evaluate_model(build, digits, data="strokes")


def test_every_runtime_is_held_against_the_reference(evaluation: Evaluation) -> None:
    assert [row.runtime for row in evaluation.parity] == ["litert-default", "tflm", "keras-float"]
    assert all(row.baseline == "litert-reference" for row in evaluation.parity)
    assert all(row.bytes == 500 for row in evaluation.parity)


def test_rounding_a_single_layer_costs_one_step_at_most(evaluation: Evaluation) -> None:
    """The twin has the same weights, so all that differs is the rounding of the output."""
    assert all(row.max_lsb <= 1 for row in evaluation.parity)


def test_figures_come_with_what_they_were_measured_on(evaluation: Evaluation, digits: Digits) -> None:
    assert (evaluation.data, evaluation.data_digest) == ("strokes", digits.digest)
    assert (evaluation.scored_by, evaluation.outputs_are) == ("litert-reference", "logits")
    assert evaluation.scores.count == len(digits)
    assert evaluation.size.float_how == "measured: its float32 file"
    assert evaluation.float_accuracy is not None
    assert evaluation.latency is not None and evaluation.latency.how.startswith("measured")
    assert evaluation.arena is not None and evaluation.arena.how.startswith("measured")


def test_facts_are_strict_json(evaluation: Evaluation) -> None:
    facts = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))

    assert facts["scores"]["tie_rule"] == "lowest class index wins"
    assert np.sum(facts["scores"]["confusion"]) == facts["scores"]["count"]
    for group in ("scores", "size", "latency", "arena"):
        assert facts[group]["how"].startswith("measured"), group


def test_the_same_inputs_give_the_same_figures(build: Path, evaluation: Evaluation, digits: Digits) -> None:
    again = evaluate_model(build, digits, data="strokes")

    assert replace(again, latency=None) == replace(evaluation, latency=None)


def test_the_table_for_notebooks_holds_the_figures(evaluation: Evaluation) -> None:
    html = evaluation._repr_html_()

    assert f"{evaluation.scores.accuracy:.2%}" in html
    assert f"{evaluation.size.raw:,} B" in html
    assert "tflm / litert-reference" in html
    assert html.count("<tr>") == html.count("</tr>")


@pytest.mark.parametrize(
    "options",
    [
        {"softmax": True},
        {"io": "uint8", "dynamic_batch": True, "input_shape": (1, 28, 28)},
        {"io": "float32", "softmax": True},
        {"float_model": True, "dynamic_batch": True},
    ],
)
def test_files_from_elsewhere_are_evaluated(tmp_path: Path, digits: Digits, options: dict) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(random_mlp(1, **options))
    evaluation = evaluate_model(path, digits, latency=False)

    assert evaluation.scores.count == len(digits)
    assert (evaluation.latency, evaluation.float_accuracy) == (None, None)
    assert evaluation.outputs_are == ("probabilities" if options.get("softmax") else "logits")
    gives_integers = options.get("io", "int8") != "float32" and not options.get("float_model")
    assert (evaluation.arena is not None) is gives_integers
    assert gives_integers or any("the outputs are integers" in note for note in evaluation.notes)


def test_what_xnnpack_cannot_run_is_scored_by_the_reference_kernels(tmp_path: Path, digits: Digits) -> None:
    """XNNPACK takes no factor of 256 or more, and an output scale of 1e-6 makes one."""
    path = tmp_path / "fine.tflite"
    path.write_bytes(random_mlp(1, (PIXELS, 10), input_scale=1.0, activation_scales=[1e-6], activation_zero_points=[0]))

    evaluation = evaluate_model(path, digits)

    assert evaluation.scored_by == "litert-reference"
    (note,) = evaluation.notes
    assert note.startswith(
        "LiteRT's default kernels (XNNPACK) cannot run the model, so it is scored by its reference kernels: "
    )
    assert [row.runtime for row in evaluation.parity] == ["tflm"]
    assert evaluation.latency is not None and evaluation.latency.kernels == "reference"


def test_of_several_subgraphs_the_first_is_meant_and_named(tmp_path: Path, digits: Digits) -> None:
    path = tmp_path / "several.tflite"
    path.write_bytes(random_mlp(1, subgraphs=3))

    notes = evaluate_model(path, digits, latency=False).notes
    assert "The file has 3 subgraphs; the first, with the signature 'serving_default', was evaluated." in notes


def test_what_no_kernels_can_run_is_refused(tmp_path: Path, digits: Digits) -> None:
    path = tmp_path / "strange.tflite"
    path.write_bytes(random_mlp(1, extra_op="NOVELTY"))

    with pytest.raises(UnsupportedModelError, match="NOVELTY"):
        evaluate_model(path, digits)


def test_without_tflm_a_note_says_how_to_get_it(build: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "tflm_installed", lambda: False)
    evaluation = evaluate_model(build, digits, latency=False)

    assert "tflm" not in [row.runtime for row in evaluation.parity]
    assert any("pip install 'edgedigits[tflm]'" in note for note in evaluation.notes)


def test_no_digits_are_an_error(build: Path) -> None:
    empty = Digits(np.zeros((0, PIXELS), np.uint8), np.zeros(0, np.uint8))

    with pytest.raises(DataError, match="no digits"):
        evaluate_model(build, empty)


def test_limits_that_are_kept_are_silent(evaluation: Evaluation) -> None:
    assert check_gates(evaluation) == ()
    assert check_gates(evaluation, min_accuracy=0.0, max_size=evaluation.size.raw, max_latency=1e6) == ()
    assert check_gates(evaluation, min_accuracy=evaluation.scores.accuracy) == ()


def test_each_broken_limit_is_a_sentence(evaluation: Evaluation) -> None:
    failures = check_gates(evaluation, min_accuracy=1.0, max_size=100, max_latency=0.001)

    accuracy, size, latency = failures
    assert f"accuracy {100 * evaluation.scores.accuracy:g}% is below the 100% asked for" in accuracy
    assert f"{evaluation.size.raw:,} bytes, more than the 100 allowed" in size
    assert "above the 0.001 µs allowed" in latency


def test_a_near_miss_does_not_read_as_a_hit(evaluation: Evaluation) -> None:
    close = replace(evaluation, scores=replace(evaluation.scores, accuracy=0.97496))

    (failure,) = check_gates(close, min_accuracy=0.975)
    assert failure == "accuracy 97.496% is below the 97.5% asked for."


def test_a_limit_on_latency_needs_latency(evaluation: Evaluation) -> None:
    with pytest.raises(ConfigError):
        check_gates(replace(evaluation, latency=None), max_latency=50)


def test_no_tensorflow_is_imported() -> None:
    code = "import sys, edgedigits.scoring.harness as h; sys.exit('tensorflow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
