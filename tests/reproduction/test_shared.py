"""Networks that share the reading of the images end with the weights that they would have got alone."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config import BuildConfig, LossConfig, ModelConfig, PruningConfig
from edgedigits.data.preprocess import to_float
from edgedigits.reproduction import task as table_task
from edgedigits.reproduction.shared import SharedImages, Track
from edgedigits.reproduction.task import STRETCH_LOOKS, looks, plan_runs
from edgedigits.stages.prune import add_pruning, pruning_callbacks, strip_pruning
from edgedigits.stages.quantize import add_fake_quantization
from edgedigits.study.run.figures import CURVE_POINTS
from edgedigits.training.keras_env import keras, set_seed, tf
from edgedigits.training.losses import make_loss
from edgedigits.training.model import build_mlp
from tests.stages.zeros import sparsity_by_layer

STEPS = 12
RATE = 0.5
PRUNING = PruningConfig(enabled=True, sparsity=0.8, frequency=2)
VARIANTS = [
    ("float", "cross-entropy"),
    ("float", "one-hot"),
    ("qat", "mse"),
    ("qat", "focal"),
    ("prune", "cross-entropy"),
    ("prune", "hinge"),
]


@pytest.fixture(scope="module")
def first():
    set_seed(3)
    return build_mlp(BuildConfig(model=ModelConfig(hidden=(10,))))


def make(kind, first, few):
    if kind == "qat":
        return add_fake_quantization(first, to_float(few.train.images[:100]))
    copy = keras.models.clone_model(first)
    copy.set_weights(first.get_weights())
    return copy if kind == "float" else add_pruning(copy, PRUNING, {"hidden_1": 0.8}, STEPS)


def trained_alone(kind, loss, first, few):
    """Train one model by a plain Keras `fit` of whole batches, with TF-MOT's callbacks."""
    model = make(kind, first, few)
    model.compile(keras.optimizers.SGD(RATE), loss=make_loss(LossConfig(name=loss), few.train.labels))
    images = to_float(few.train.images)
    callbacks = pruning_callbacks(model) if kind == "prune" else []
    model.fit(
        images,
        few.train.labels.astype(np.int32),
        batch_size=len(images),
        epochs=STEPS,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    return model


@pytest.fixture(scope="module")
def together(first, few):
    tracks = [
        Track(make(kind, first, few), make_loss(LossConfig(name=loss), few.train.labels), RATE)
        for kind, loss in VARIANTS
    ]
    step = SharedImages(few.train, few.validation).stepper(tracks)
    for _ in range(STEPS):
        step()
    return tracks


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(VARIANTS)), ids=["/".join(one) for one in VARIANTS])
def test_sharing_gives_the_figures_of_a_training_alone(number, together, first, few):
    kind, loss = VARIANTS[number]
    alone = trained_alone(kind, loss, first, few)
    for shared, separate in zip(together[number].model.trainable_weights, alone.trainable_weights, strict=True):
        # float32 sums in another order; the moves of the weights themselves are a thousand times larger.
        assert np.allclose(shared.numpy(), separate.numpy(), atol=2e-5)
    moved = np.abs(alone.trainable_weights[-2].numpy() - first.get_weights()[-2]).max()
    assert moved > 0.02


@pytest.mark.slow
def test_the_ranges_of_fake_quantization_are_the_same_too(together, first, few):
    for number, (kind, loss) in enumerate(VARIANTS):
        if kind != "qat":
            continue
        alone = trained_alone(kind, loss, first, few)
        pairs = zip(together[number].model.non_trainable_weights, alone.non_trainable_weights, strict=True)
        for shared, separate in pairs:
            if "optimizer_step" not in shared.name:
                assert np.allclose(shared.numpy(), separate.numpy(), atol=1e-4), shared.name


@pytest.mark.slow
def test_pruned_tracks_reach_their_sparsity(together):
    for (kind, _), track in zip(VARIANTS, together, strict=True):
        if kind == "prune":
            assert sparsity_by_layer(strip_pruning(track.model))["hidden_1"] == pytest.approx(0.8, abs=1e-3)


@pytest.mark.slow
def test_one_hot_is_cross_entropy_by_its_gradient_and_the_other_losses_are_not(together):
    kernels = {pair: track.model.trainable_weights[0].numpy() for pair, track in zip(VARIANTS, together, strict=True)}
    assert np.allclose(kernels["float", "cross-entropy"], kernels["float", "one-hot"], atol=1e-6)
    assert not np.allclose(kernels["qat", "mse"], kernels["qat", "focal"], atol=1e-3)


@pytest.mark.slow
def test_accuracies_are_those_of_the_models(together, few):
    images = SharedImages(few.train, few.validation)
    for track, (train, dev) in zip(together, images.accuracies(together), strict=True):
        for digits, found in ((few.train, train), (few.validation, dev)):
            logits = track.model(to_float(digits.images), training=False)
            right = np.sum(tf.argmax(logits, axis=1).numpy() == digits.labels)
            assert abs(right - found * len(digits)) <= 1


def cell(family, loss, iterations, **more):
    return {"family": family, "rate": 0.1, "loss": loss, "iterations": iterations, **more}


def test_a_float_part_that_cells_have_in_common_is_trained_once():
    runs = plan_runs(
        [
            cell("classical", "cross-entropy", 500),
            cell("classical", "cross-entropy", 1500),
            cell("quantized", "cross-entropy", 1500),
            cell("quantized", "focal", 500),
            cell("quantized", "none", 500),
            cell("quantized", "one-hot", 500),
            cell("pruned", "focal", 500, sparsity=0.1),
        ]
    )
    found = {(run.family, run.loss, run.start, run.end) for run in runs}
    assert found == {
        ("classical", "cross-entropy", 0, 1500),
        ("classical", "focal", 0, 600),
        ("classical", "one-hot", 0, 500),
        ("quantized", "cross-entropy", 1350, 1500),
        ("quantized", "focal", 450, 500),
        ("quantized", "one-hot", 450, 500),
        ("pruned", "focal", 500, 600),
    }
    assert len(runs) == len(found)


def test_another_learning_rate_is_another_training():
    runs = plan_runs([cell("classical", "mse", 100), cell("classical", "mse", 100, rate=0.5)])
    assert [(run.rate, run.loss, run.end) for run in runs] == [(0.1, "mse", 100), (0.5, "mse", 100)]


def test_short_cells_have_a_curve_beside_long_ones():
    runs = plan_runs([cell("pruned", "mse", 1500, sparsity=0.1), cell("quantized", "mse", 500)])
    found = {run.family: sorted(looks(run, 1800)) for run in runs}
    floats = found["classical"]
    assert len([iteration for iteration in floats if iteration <= 100]) >= 15
    assert 50 <= len(floats) <= CURVE_POINTS
    assert (floats[0], floats[-1]) == (1, 1800)
    gaps = np.diff(floats)
    assert list(gaps) == sorted(gaps)
    assert found["quantized"] == list(range(455, 501, 5))
    assert len(found["pruned"]) == STRETCH_LOOKS


@pytest.fixture(scope="module")
def contents(splits_5k):
    from edgedigits.data.contents import Contents

    return Contents(splits_5k.train, None, "mnist-5k")


def answers_of(contents, *cells):
    """Run cells in one group; return the answers in their order."""
    shared = {"seed": 0, "rows": 1500, "label": "x"}
    trials = [{"key": str(number), "spec": {**spec, **shared}} for number, spec in enumerate(cells)]
    found = {answer["key"]: answer for answer in table_task.run_table(trials, contents)}
    return [found[trial["key"]] for trial in trials]


@pytest.mark.slow
def test_a_network_that_cannot_be_made_fails_alone(contents):
    good, bad = cell("classical", "mse", 6), [cell("classical", "nonsense", 6), cell("quantized", "nonsense", 6)]
    first, *others = answers_of(contents, good, *bad)
    for answer in others:
        assert "nonsense" in answer["error"]
        assert "result" not in answer
    assert [pair[0] for pair in first["result"]["curves"]["dev"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_a_cell_that_cannot_be_measured_fails_alone(contents, monkeypatch):
    real = table_task.measure_cell

    def measure(*arguments, family):
        if family == "classical":
            raise RuntimeError("the interpreter gave up")
        return real(*arguments, family=family)

    monkeypatch.setattr(table_task, "measure_cell", measure)
    bad, good = answers_of(contents, cell("classical", "mse", 6), cell("quantized", "mse", 6))
    assert bad["error"] == "RuntimeError: the interpreter gave up"
    assert 0 <= good["result"]["dev_accuracy"] <= 1


@pytest.mark.slow
def test_cells_of_a_group_are_those_that_they_would_be_alone(splits_5k):
    """A quantized and a pruned cell beside cells of another rate and length: the same accuracy, weight by weight."""
    from edgedigits.data.contents import Contents
    from edgedigits.reproduction.task import run_table

    contents = Contents(splits_5k.train, None, "mnist-5k")
    shared = {"seed": 0, "rows": 1500, "label": "x"}
    cells = [
        cell("quantized", "focal", 20, **shared),
        cell("pruned", "mse", 20, sparsity=0.8, **shared),
        cell("classical", "cross-entropy", 30, **{**shared, "rate": 0.5}),
    ]
    trials = [{"key": str(number), "spec": spec} for number, spec in enumerate(cells)]
    together = {answer["key"]: answer["result"] for answer in run_table(trials, contents)}
    for trial in trials:
        (alone,) = run_table([trial], contents)
        for figure in ("dev_accuracy", "float_dev_accuracy", "bytes", "sparsity"):
            assert together[trial["key"]][figure] == pytest.approx(alone["result"][figure], abs=1 / 300 + 1e-9), figure
