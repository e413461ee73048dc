"""Fake quantization: ranges preset, input fixed to [0, 1], zeros kept, weights handed back."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config import BuildConfig, TrainingConfig
from edgedigits.progress import SILENT
from edgedigits.stages.quantize import ZEROS, add_fake_quantization, strip_fake_quantization
from edgedigits.training.fit import StagePlan, train
from edgedigits.training.keras_env import set_seed
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.model import build_mlp

CONFIG = BuildConfig(training=TrainingConfig(batch_size=60, augment="light"))


@pytest.fixture(scope="module")
def model(few):
    set_seed(3)
    made = build_mlp(CONFIG)
    train(made, few, CONFIG.training, StagePlan("float", "", 30, 3e-3, 1), LogitsLoss("cross-entropy"), SILENT)
    # Four fifths of zeros, as pruning leaves them.
    for layer in made.layers[:-1]:
        kernel = layer.kernel.numpy()
        kernel[np.abs(kernel) < np.quantile(np.abs(kernel), 0.8)] = 0
        layer.kernel.assign(kernel)
    return made


def calibration(few):
    return few.train.images.astype(np.float32) / 255


def fine_tuned(few, model, *, preserve):
    aware = add_fake_quantization(model, calibration(few), preserve=preserve)
    train(aware, few, CONFIG.training, StagePlan("qat", "", 2, 1e-3, 2), LogitsLoss("cross-entropy"), SILENT)
    return aware


def ranges(aware) -> dict[str, float]:
    variables = [variable for layer in aware.layers for variable in layer.non_trainable_weights]
    scalars = {v.name.split(":")[0]: float(v.numpy()) for v in variables if v.shape.rank == 0}
    return {name: value for name, value in scalars.items() if name.endswith(("_min", "_max"))}


@pytest.mark.slow
def test_before_any_training_it_classifies_as_the_float_model_does(few, model):
    aware = add_fake_quantization(model, calibration(few), preserve=ZEROS)
    images = few.validation.images.astype(np.float32) / 255
    same = aware(images).numpy().argmax(axis=1) == model(images).numpy().argmax(axis=1)
    assert same.mean() >= 0.98


@pytest.mark.slow
def test_activation_ranges_are_those_of_the_calibration_images(few, model):
    found = ranges(add_fake_quantization(model, calibration(few), preserve=ZEROS))
    activation = calibration(few)
    for layer in model.layers:
        activation = layer(activation).numpy()
        assert found[f"quant_{layer.name}/post_activation_max"] == pytest.approx(activation.max(), rel=1e-5)
        assert found[f"quant_{layer.name}/post_activation_min"] == pytest.approx(min(activation.min(), 0), rel=1e-5)


@pytest.mark.slow
def test_the_input_range_stays_0_to_1_so_that_a_pixel_enters_as_p_minus_128(few, model):
    found = ranges(fine_tuned(few, model, preserve=ZEROS))
    assert [value for name, value in found.items() if name.startswith("quantize_layer")] == [0.0, 1.0]


@pytest.mark.slow
def test_zeros_survive_fine_tuning_and_would_not_without_the_preserving_scheme(few, model):
    def zeros(plain):
        return [int(np.sum(layer.kernel.numpy() == 0)) for layer in plain.layers]

    kept = zeros(strip_fake_quantization(fine_tuned(few, model, preserve=ZEROS), model))
    assert kept == zeros(model)
    lost = zeros(strip_fake_quantization(fine_tuned(few, model, preserve=""), model))
    assert lost[0] < kept[0] / 2


@pytest.mark.slow
def test_the_float_twin_has_the_fine_tuned_weights(few, model):
    aware = fine_tuned(few, model, preserve=ZEROS)
    twin = strip_fake_quantization(aware, model)
    images = few.validation.images.astype(np.float32) / 255
    same = twin(images).numpy().argmax(axis=1) == aware(images).numpy().argmax(axis=1)
    assert same.mean() >= 0.98
    assert any((a != b).any() for a, b in zip(twin.get_weights(), model.get_weights(), strict=True))
