"""The networks that teach: a small CNN, an MLP like the students', and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgedigits.config import BuildConfig, ModelConfig
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS
from edgedigits.teachers.choices import CNN, NetworkConfig
from edgedigits.training.keras_env import keras
from edgedigits.training.model import build_mlp

FEATURES = ((16, 5), (32, 5), (64, 3))
"""Filters of each layer of the CNN, and the side of what they look at."""
HALVED = 2
"""Layers behind which the image is half as large."""
DROPOUT = 0.5
"""Of the features that the classes read, in training."""
BATCHES_MOMENTUM = 0.8
"""Of the mean and variance by which batches are normalised: a training on few digits has few batches."""


def build_network(config: NetworkConfig) -> Any:
    """Return an untrained network of the kind asked for: float32 (n, 784) in [0, 1] → logits (n, 10)."""
    return _cnn() if config.network == CNN else build_mlp(BuildConfig(model=ModelConfig(hidden=config.hidden)))


def _cnn() -> Any:
    """Return the CNN of 63,000 weights: batches normalised (Ioffe and Szegedy, 2015), features dropped at random."""
    model = keras.Sequential([keras.Input((PIXELS,), name="pixels")], name="cnn")
    model.add(keras.layers.Reshape((IMAGE_SIDE, IMAGE_SIDE, 1), name="image"))
    for number, (filters, side) in enumerate(FEATURES, 1):
        model.add(keras.layers.Conv2D(filters, side, padding="same", use_bias=False, name=f"features_{number}"))
        model.add(keras.layers.BatchNormalization(momentum=BATCHES_MOMENTUM, name=f"normalised_{number}"))
        model.add(keras.layers.ReLU(name=f"relu_{number}"))
        if number <= HALVED:
            model.add(keras.layers.MaxPooling2D(name=f"halved_{number}"))
    model.add(keras.layers.Flatten(name="flat"))
    model.add(keras.layers.Dropout(DROPOUT, name="dropped"))
    model.add(keras.layers.Dense(CLASSES, name="logits"))
    return model


def bare(network: Any, name: str) -> Any:
    """Return a network without what trained it: an optimizer keeps two numbers a weight, and a file would hold them."""
    return keras.Sequential([keras.Input((PIXELS,), name="pixels"), *network.layers], name=name)


def ensemble(networks: Sequence[Any]) -> Any:
    """Return the mean of what trained networks say: float32 (n, 784) → probabilities (n, 10)."""
    pixels = keras.Input((PIXELS,), name="pixels")
    said = []
    for number, network in enumerate(networks, 1):
        member = bare(network, f"member_{number}")
        said.append(keras.layers.Softmax(name=f"probabilities_{number}")(member(pixels)))
    return keras.Model(pixels, keras.layers.Average(name="mean")(said), name="ensemble")
