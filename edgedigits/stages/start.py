"""Weights of another build, to train on from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.build_folder import MODEL
from edgedigits.config import BuildConfig
from edgedigits.data.shape import CLASSES
from edgedigits.errors import ConfigError, UnsupportedModelError
from edgedigits.frontier import model_folder
from edgedigits.model.contract import weights_of_inputs
from edgedigits.model.ir import Tensor
from edgedigits.model.reader import read_tflite


def starting_weights(config: BuildConfig) -> list[NDArray[np.float32]]:
    """Return kernels float32 (fan-in, fan-out) and biases (fan-out,) of the build that `config` starts from.

    They are what the codes of its `.tflite` stand for.

    Raises:
        ConfigError: there is no such build, or its layers are others.
        DataError, UnsupportedModelError: its `.tflite` cannot be read.
    """
    folder = model_folder(config.training.start)
    graph = read_tflite(folder / MODEL)
    layers = [operator for operator in graph.operators if operator.opcode == "FULLY_CONNECTED"]
    weights: list[NDArray[Any]] = [_real(graph.input_of(layer, place)) for layer in layers for place in (1, 2)]
    weights[0] = weights_of_inputs(graph)
    theirs, ours = [weights[0].shape[1], *map(len, weights[1::2])], _widths(config)
    if theirs != ours:
        raise ConfigError(
            f"{folder}: its layers are {_words(theirs)}, and this build's are {_words(ours)}.",
            hint="Leave --hidden, --window and --input-size as they are there, or start afresh without --from.",
        )
    return [np.ascontiguousarray(one.T, np.float32) for one in weights]


def _real(tensor: Tensor | None) -> NDArray[np.float64]:
    """Return the real numbers that the codes of constant weights (out, in) or biases (out,) stand for."""
    if tensor is None or tensor.data is None or not len(tensor.scales):
        raise UnsupportedModelError("A layer without constant, quantized weights and biases is no start for training.")
    scales = np.asarray(tensor.scales, np.float64)
    return tensor.data.astype(np.float64) * (scales[:, None] if tensor.data.ndim == 2 else scales)


def _widths(config: BuildConfig) -> list[int]:
    return [config.input.view.inputs, *config.model.hidden, CLASSES]


def _words(widths: list[int]) -> str:
    return "-".join(map(str, widths))
