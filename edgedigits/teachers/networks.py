"""The networks that teach: a small CNN, an MLP like the students', and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgedigits.config import BuildConfig, ModelConfig
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS
from edgedigits.teachers.choices import CNN, NetworkConfig
from edgedigits.training.keras_env import keras
from edgedigits.training.model import build_mlp

FILTERS = (16, 32)
KERNEL = 5


def build_network(config: NetworkConfig) -> Any:
    """Return an untrained network of the kind asked for: float32 (n, 784) in [0, 1] → logits (n, 10)."""
    return _cnn() if config.network == CNN else build_mlp(BuildConfig(model=ModelConfig(hidden=config.hidden)))


def _cnn() -> Any:
    model = keras.Sequential([keras.Input((PIXELS,), name="pixels")], name="cnn")
    model.add(keras.layers.Reshape((IMAGE_SIDE, IMAGE_SIDE, 1), name="image"))
    for number, filters in enumerate(FILTERS, 1):
        model.add(keras.layers.Conv2D(filters, KERNEL, padding="same", activation="relu", name=f"features_{number}"))
        model.add(keras.layers.MaxPooling2D(name=f"halved_{number}"))
    model.add(keras.layers.Flatten(name="flat"))
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
