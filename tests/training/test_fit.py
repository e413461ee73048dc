"""A stage of training: its history, early stopping, progress and repeatability."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from edgedigits.config import BuildConfig, TrainingConfig
from edgedigits.progress import SILENT
from edgedigits.training.epochs import as_tensors
from edgedigits.training.fit import ClassificationCounts, StagePlan, train
from edgedigits.training.keras_env import keras, set_seed
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.model import build_mlp

PLAN = StagePlan("float", "Training", epochs=3, peak=3e-3, seed=1)


def trained(few, plan=PLAN, progress=SILENT, **choices):
    config = TrainingConfig(**{"batch_size": 64, "augment": "none", **choices})
    set_seed(7)
    model = build_mlp(BuildConfig(training=config))
    return model, train(model, few, config, plan, LogitsLoss("cross-entropy"), progress)


@pytest.mark.slow
def test_history_has_every_figure_for_train_and_validation(few):
    model, history = trained(few)
    figures = {"accuracy", "loss", "precision", "recall"}
    assert set(history) == figures | {f"val_{figure}" for figure in figures} | {"learning_rate"}
    assert all(len(values) == 3 for values in history.values())
    outputs = model(as_tensors(few.validation)[0]).numpy()
    assert history["val_accuracy"][-1] == pytest.approx(np.mean(outputs.argmax(axis=1) == few.validation.labels))


def test_precision_and_recall_are_the_macro_averages():
    counts = ClassificationCounts()
    labels = np.array([0, 0, 1, 1, 1, 2])
    outputs = np.eye(10)[[0, 1, 1, 1, 2, 2]].astype(np.float32)
    counts.update_state(labels, outputs)
    result = {name: float(value) for name, value in counts.result().items()}
    assert result["accuracy"] == pytest.approx(4 / 6)
    assert result["precision"] == pytest.approx((1 + 2 / 3 + 1 / 2) / 10)
    assert result["recall"] == pytest.approx((1 / 2 + 2 / 3 + 1) / 10)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(few):
    first, second = trained(few)[0], trained(few)[0]
    assert all((a == b).all() for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


def test_a_step_is_traced_once(few, monkeypatch):
    """TensorFlow traces it again where it makes variables, as an optimizer does unless it has them before."""
    traced = []
    step = keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: traced.append(model) or step(model, data))
    trained(few, StagePlan("float", "Training", epochs=1, peak=3e-3, seed=1))
    assert len(traced) == 1


@pytest.mark.slow
def test_short_trainings_one_after_the_other_say_nothing_of_tensorflows_programs(few, caplog):
    for _ in range(6):
        trained(few, StagePlan("float", "Training", epochs=1, peak=3e-3, seed=1))
    assert "retracing" not in caplog.text


@pytest.mark.slow
def test_early_stopping_ends_a_stage_and_restores_its_best_weights(few):
    plan = StagePlan("float", "Training", epochs=40, peak=0.3, seed=1)
    model, history = trained(few, plan, patience=2, optimizer="sgd", schedule="constant")
    assert len(history["loss"]) < 40
    outputs = model(as_tensors(few.validation)[0]).numpy()
    accuracy = np.mean(outputs.argmax(axis=1) == few.validation.labels)
    assert accuracy == pytest.approx(max(history["val_accuracy"]))


@pytest.mark.slow
def test_weights_from_before_a_stage_settled_are_not_restored(few):
    plan = StagePlan("prune", "Pruning", epochs=4, peak=3e-3, seed=1, settled=2)
    model, history = trained(few, plan, patience=9)
    outputs = model(as_tensors(few.validation)[0]).numpy()
    accuracy = np.mean(outputs.argmax(axis=1) == few.validation.labels)
    assert accuracy == pytest.approx(max(history["val_accuracy"][2:]))


@pytest.mark.slow
def test_plateau_lowers_the_rate_when_validation_stands_still(few):
    plan = StagePlan("float", "Training", epochs=8, peak=1e-7, seed=1)
    _, history = trained(few, plan, optimizer="sgd", schedule="plateau")
    assert history["learning_rate"][-1] < history["learning_rate"][0] or history["learning_rate"][0] <= 1e-6


@pytest.mark.slow
def test_full_batch_gradient_descent_takes_one_step_an_epoch(few):
    model, history = trained(few, batch_size=0, optimizer="sgd", schedule="constant")
    assert int(model.optimizer.iterations) == 3
    assert history["loss"][2] < history["loss"][0]


@pytest.mark.slow
def test_progress_advances_once_an_epoch(few):
    notes = []

    class Watch:
        @contextmanager
        def stage(self, title, total=None):
            assert (title, total) == ("Training", 3)
            yield self

        def advance(self, steps=1, note="", accuracy=None):
            notes.append(note)

    trained(few, progress=Watch())
    assert len(notes) == 3 and all(note.startswith("validation ") for note in notes)


@pytest.mark.slow
def test_tensorboard_gets_event_files_by_stage(few, tmp_path):
    config = TrainingConfig(batch_size=64, augment="none")
    model = build_mlp(BuildConfig(training=config))
    train(model, few, config, PLAN, LogitsLoss("cross-entropy"), SILENT, tensorboard=tmp_path)
    assert list((tmp_path / "float").rglob("events.out.tfevents.*"))


def test_keras_is_keras_2():
    assert keras.__version__.startswith("2.")
