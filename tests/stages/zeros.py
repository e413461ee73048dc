"""The zeros of a model."""

from __future__ import annotations

from typing import Any

import numpy as np


def sparsity_by_layer(model: Any) -> dict[str, float]:
    """Return the share of exact zeros in each kernel of a plain Keras model, by layer name."""
    return {layer.name: float(np.mean(layer.kernel.numpy() == 0)) for layer in model.layers}
