"""A trial of a grid measures all that a study reports, of the file that it scores and with the engine that it asks for."""

from __future__ import annotations

import importlib.util

import pytest

from edgedigits.data.load import read_source
from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.run.build_trial import TrainingClock, run_build
from edgedigits.study.trial_kind import plan_builds

SMALL = {"data": {"source": "mnist-5k"}, "model": {"hidden": [8]}, "training": {"epochs": 2}, "qat": {"epochs": 1}}
HAS_MCU = importlib.util.find_spec("unicorn") and importlib.util.find_spec("ziglang")


@pytest.fixture(scope="module")
def trials():
    """Figures of a float32, a QAT and a QAT trial that is packed for size, by their values."""
    rows = [
        {"quantization": "none"},
        {"quantization": "qat"},
        {"quantization": "qat", "optimize": "size", "sparsity": 0.8, "prune_epochs": 2},
    ]
    plan = plan_builds("x", plan_grid({"base": SMALL, "trial": rows}, "x"))
    contents = read_source("mnist-5k")
    return [run_build(entry.spec, contents) for entry in plan.entries]


@pytest.mark.parametrize(
    ("title", "counts"),
    [
        ("Training in float32", True),
        ("Pruning to 80%", True),
        ("Clustering to 16 values", True),
        ("Quantization-aware training", True),
        ("Compressing jointly, try 2 of 3", True),
        ("Converting and proving", False),
    ],
)
def test_the_clock_counts_every_stage_of_training(title, counts):
    clock = TrainingClock()
    with clock.stage(title):
        pass
    assert (clock.seconds > 0) == counts


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2], ids=["float32", "QAT", "pruned, for size"])
def test_what_is_measured_of_each_trial(number, trials):
    found = trials[number]
    for prefix in ("", "float_"):
        assert 0.3 < found[f"{prefix}accuracy"] < 1
        for name in ("precision", "recall", "f1", "loss"):
            assert len(found[f"{prefix}class_{name}"]) == 10
        assert sum(map(sum, found[f"{prefix}confusion"])) == found[f"{prefix}images"] > 400
        assert found[f"{prefix}macro_f1"] == pytest.approx(sum(found[f"{prefix}class_f1"]) / 10)
    assert 0.3 < found["val_accuracy"] < 1
    assert found["bytes"] > found["gzip_bytes"] > 1000
    assert found["ratio"] == pytest.approx(found["float_bytes"] / found["bytes"], abs=1e-3)
    assert found["latency_us"] > 0
    assert found["train_seconds"] > 0
    assert found["distinct"] > 10


@pytest.mark.slow
def test_curves_count_the_epochs_of_all_stages(trials):
    curves = trials[2]["curves"]
    assert [pair[0] for pair in curves["float_val_accuracy"]] == [1, 2]
    assert [pair[0] for pair in curves["prune_accuracy"]] == [3, 4]
    assert [pair[0] for pair in curves["qat_val_accuracy"]] == [5]


@pytest.mark.slow
def test_the_float32_trial_is_the_float_file(trials):
    """Its latency, bytes and weights are those of model_float.tflite; it has no engine."""
    found = trials[0]
    assert found["ratio"] == 1
    assert found["distinct"] > 256
    assert "engine_bytes" not in found


@pytest.mark.slow
def test_zeros_are_counted_in_the_file(trials):
    assert trials[1]["sparsity"] < 0.1
    assert trials[2]["sparsity"] == pytest.approx(0.8 * 784 / 794, abs=0.02)


@pytest.mark.slow
def test_the_engine_is_packed_as_the_trial_says(trials):
    assert trials[2]["engine_bytes"] < 0.5 * trials[1]["engine_bytes"]
    assert set(trials[2]["encodings"]) != set(trials[1]["encodings"])


@pytest.mark.slow
@pytest.mark.skipif(not HAS_MCU, reason="needs the mcu extra")
def test_instructions_are_counted_on_the_emulated_core(trials):
    assert 500 < trials[1]["instructions"] < trials[1]["most_instructions"]
    # A stream is decoded whole, whatever the image is.
    assert 500 < trials[2]["instructions"] == trials[2]["most_instructions"]
    for found in trials[1:]:
        assert found["flash"] > found["engine_bytes"]
        assert found["ram"] > found["engine_ram"]
