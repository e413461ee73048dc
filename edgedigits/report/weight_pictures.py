"""Pictures of the weights that read the image, before compression and after: what each neuron looks at."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.report.facts import FirstLayer
from edgedigits.report.rendering import png_source

SHOWN = 12
"""Neurons: those whose weights are largest once compressed."""
_FOR, _AGAINST = (0, 114, 178), (213, 94, 0)


def weight_pictures(layer: FirstLayer | None) -> list[dict[str, Any]]:
    """Return for each neuron that is shown its number, pictures and how many weights it keeps.

    Nothing where the inputs are no square. Blue stands for ink that excites, red for ink that inhibits; what is
    transparent weighs nothing, and what is opaque as much as the largest weight of that neuron.
    """
    if layer is None or (side := isqrt(layer.after.shape[1])) ** 2 != layer.after.shape[1]:
        return []
    strength = np.square(layer.after).sum(axis=1)
    chosen = np.sort(np.argsort(-strength, kind="stable")[:SHOWN])
    return [
        {
            "neuron": int(neuron),
            "kept": int(np.count_nonzero(layer.after[neuron])),
            "of": layer.after.shape[1],
            "before": "" if layer.before is None else png_of_weights(layer.before[neuron].reshape(side, side)),
            "after": png_of_weights(layer.after[neuron].reshape(side, side)),
        }
        for neuron in chosen
        if strength[neuron] > 0
    ]


def png_of_weights(weights: NDArray[np.float32]) -> str:
    """Return weights, float32 (height, width), as a picture in a data URL."""
    most = float(np.abs(weights).max()) or 1.0
    alpha = np.rint(np.abs(weights) / most * 255).astype(np.uint8)
    colours = np.where(weights[:, :, None] > 0, np.array(_FOR, np.uint8), np.array(_AGAINST, np.uint8))
    return png_source(np.dstack([colours, alpha]))
