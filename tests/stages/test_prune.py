"""Pruning: exactly the zeros asked for, in the layers asked for, on the curve asked for."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config import BuildConfig, ModelConfig, PruningConfig, TrainingConfig
from edgedigits.progress import SILENT
from edgedigits.stages.prune import add_pruning, pruning_callbacks, strip_pruning
from edgedigits.training.epochs import as_tensors
from edgedigits.training.fit import StagePlan, train
from edgedigits.training.keras_env import keras, set_seed, tfmot
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.model import build_mlp
from tests.stages.zeros import sparsity_by_layer

EPOCHS, BATCH = 4, 60
STEPS = 600 // BATCH * EPOCHS


def pruned(few, prune: PruningConfig, target: dict[str, float], hidden=(32, 16)):
    config = BuildConfig(model=ModelConfig(hidden=hidden), training=TrainingConfig(batch_size=BATCH, augment="none"))
    set_seed(3)
    wrapped = add_pruning(build_mlp(config), prune, target, STEPS)
    return wrapped, train_pruning(wrapped, few, config.training)


def train_pruning(wrapped, few, training: TrainingConfig, *callbacks):
    plan, loss = StagePlan("prune", "Pruning", EPOCHS, 3e-3, seed=2), LogitsLoss("cross-entropy")
    return train(wrapped, few, training, plan, loss, SILENT, extra_callbacks=[*pruning_callbacks(wrapped), *callbacks])


@pytest.mark.slow
@pytest.mark.parametrize("target", [{"hidden_1": 0.93, "logits": 0.35}, {"hidden_1": 0.8, "hidden_2": 0.8}])
def test_each_layer_has_at_least_the_zeros_asked_for_and_the_others_none(few, target):
    wrapped, history = pruned(few, PruningConfig(frequency=7), target)
    shares = sparsity_by_layer(strip_pruning(wrapped))
    for layer, share in shares.items():
        wanted = target.get(layer, 0.0)
        assert wanted <= share <= wanted + 1 / 160, layer
    assert history["sparsity"][-1] == pytest.approx(target["hidden_1"], abs=0.02)


@pytest.mark.parametrize("begin", [0.0, 0.25])
def test_a_constant_schedule_is_tfmots_from_begin_to_end(begin):
    """When masks are chosen anew, and how many zeros they have then."""
    prune = PruningConfig(schedule="constant", begin=begin, end=0.75, frequency=10)
    layer = add_pruning(build_mlp(BuildConfig()), prune, {"hidden_1": 0.8}, STEPS).layers[0]
    theirs = tfmot.sparsity.keras.ConstantSparsity(0.8, int(begin * STEPS), int(0.75 * STEPS), frequency=10)
    steps = range(STEPS + 1)
    ours = [tuple(map(float, layer.pruning_schedule(step))) for step in steps]
    assert ours == [pytest.approx(tuple(map(float, theirs(step))), abs=1e-4) for step in steps]
    assert sum(turn for turn, _ in ours) >= 2


@pytest.mark.slow
def test_a_constant_schedule_has_all_zeros_from_its_begin(few):
    _, history = pruned(few, PruningConfig(schedule="constant", begin=0.5, frequency=4), {"hidden_1": 0.8})
    # Step 20 of 40 is the last of the second epoch.
    assert history["sparsity"] == pytest.approx([0, 0.8, 0.8, 0.8], abs=0.001)


@pytest.mark.slow
def test_sparsity_follows_the_cubic_from_begin_to_end(few):
    prune = PruningConfig(initial_sparsity=0.2, sparsity=0.8, begin=0.25, end=0.75, frequency=10)
    _, history = pruned(few, prune, {"hidden_1": 0.8})
    # Updates at steps 10, 20 and 30, each the last of its epoch; then the final sparsity stays.
    cubic = [0.8 + (0.2 - 0.8) * (1 - done) ** 3 for done in (0.0, 0.5, 1.0, 1.0)]
    assert history["sparsity"] == pytest.approx(cubic, abs=0.001)


class Masks(keras.callbacks.Callback):
    """Count the zeros of every mask at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.zeros = []

    def on_epoch_end(self, epoch, logs=None):
        masks = [mask for layer in self.model.layers for _, mask, _ in getattr(layer, "pruning_vars", [])]
        self.zeros.append([int(np.sum(mask.numpy() == 0)) for mask in masks])


@pytest.mark.slow
def test_the_curve_is_that_of_a_plain_fit(few):
    """TF-MOT counts its steps inside the graph, so an epoch in one compiled loop prunes as `fit(X, y)` does."""
    config = TrainingConfig(batch_size=BATCH, augment="none")
    curves = []
    for plain in (True, False):
        set_seed(3)
        target = {"hidden_1": 0.8, "hidden_2": 0.5}
        wrapped = add_pruning(build_mlp(BuildConfig()), PruningConfig(frequency=7), target, STEPS)
        masks = Masks()
        if plain:
            wrapped.compile("adam", loss=LogitsLoss("cross-entropy"))
            callbacks = [tfmot.sparsity.keras.UpdatePruningStep(), masks]
            images, labels = as_tensors(few.train)
            wrapped.fit(images, labels, batch_size=BATCH, epochs=EPOCHS, callbacks=callbacks, verbose=0)
        else:
            train_pruning(wrapped, few, config, masks)
        curves.append(masks.zeros)
    assert curves[0] == curves[1]


@pytest.mark.parametrize("frequency", [pytest.param(often, marks=pytest.mark.slow) for often in (1, 24, 1000)])
def test_the_final_sparsity_is_reached_whatever_the_frequency(few, frequency):
    wrapped, _ = pruned(few, PruningConfig(frequency=frequency), {"hidden_1": 0.8}, hidden=(10,))
    assert sparsity_by_layer(strip_pruning(wrapped))["hidden_1"] >= 0.8


@pytest.mark.slow
def test_pruning_starts_from_the_trained_weights_and_leaves_the_model_given_as_it_was(few):
    config = BuildConfig(training=TrainingConfig(batch_size=BATCH, augment="none"))
    model = build_mlp(config)
    before = [weight.copy() for weight in model.get_weights()]
    wrapped = add_pruning(model, PruningConfig(), {"hidden_1": 0.8}, STEPS)
    for layer, kernel in zip(wrapped.layers, before[::2], strict=True):
        assert (getattr(layer, "layer", layer).kernel.numpy() == kernel).all()
    train_pruning(wrapped, few, config.training)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
