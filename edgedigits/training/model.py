"""The float network: an MLP on what it sees of a digit with ReLU and ten logits."""

from __future__ import annotations

from typing import Any

from edgedigits.config import BuildConfig
from edgedigits.data.shape import CLASSES
from edgedigits.training.keras_env import keras


def build_mlp(config: BuildConfig) -> Any:
    """Return the untrained network: float32 (n, inputs) in [0, 1] → logits (n, 10).

    The layers are called hidden_1 … and logits. No batch normalisation: behind a Dense layer TF-MOT leaves it in
    float when converted.
    """
    *hidden, last = config.layer_names
    model = keras.Sequential([keras.Input((config.input.view.inputs,), name="pixels")], name="mlp")
    for name, units in zip(hidden, config.model.hidden, strict=True):
        model.add(keras.layers.Dense(units, activation="relu", kernel_initializer="he_uniform", name=name))
    model.add(keras.layers.Dense(CLASSES, name=last))
    return model


def with_softmax(model: Any) -> Any:
    """Return `model` with a softmax behind its logits, for deployment; training stays on logits."""
    layers = [keras.Input(model.input_shape[1:], name="pixels"), model, keras.layers.Softmax(name="probabilities")]
    return keras.Sequential(layers, name="classifier")
