"""The figures of one cell: its network converted, and scored by the interpreter on the dev and the test set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import EngineConfig
from edgedigits.convert import to_float_tflite, to_int8_tflite
from edgedigits.data.preprocess import to_float
from edgedigits.model.contract import check_contract
from edgedigits.model.reader import read_tflite
from edgedigits.reproduction.digits import TableDigits
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.latency import measure_latency
from edgedigits.scoring.metrics import score
from edgedigits.scoring.size import measure_size
from edgedigits.study.run.figures import (
    Figures,
    accuracy_on,
    engine_figures,
    outputs_on,
    score_figures,
    size_figures,
    weight_figures,
)

LATENCY_RUNS = 500


def measure_cell(
    final: Any, twin: Any, digits: TableDigits, calibration: NDArray[np.float32], *, family: str
) -> Figures:
    """Return the figures of a trained cell.

    Args:
        final: the Keras model to convert, with or without fake quantization.
        twin: the same weights as a plain float model.
        digits: dev and test set.
        calibration: float32 (n, 784).
        family: "classical" is scored in float32, the others as the int8 file they are deployed as.

    Raises:
        CheckFailedError: the int8 file breaks the contract, such as zeros that got lost.
    """
    int8 = read_tflite(to_int8_tflite(final, calibration, per_tensor=False), "model.tflite")
    float32 = read_tflite(to_float_tflite(twin), "model_float.tflite")
    check_contract(int8, minimum_zeros=[int(np.sum(layer.kernel.numpy() == 0)) for layer in twin.layers])
    small, wide = open_classifier(int8), open_classifier(float32)
    classifier = wide if family == "classical" else small
    images = (digits.test or digits.dev).images
    found: Figures = {}
    for prefix, part in digits.scored.items():
        found |= score_figures(score(outputs_on(classifier, part), part.labels, are_probabilities=False), prefix)
        found[f"twin_{prefix}accuracy"] = accuracy_on(wide, part)
        found[f"int8_{prefix}accuracy"] = accuracy_on(small, part)
    return {
        **found,
        **size_figures(measure_size(classifier.graph, float32)),
        **weight_figures(classifier.graph),
        **(engine_figures(small, images, EngineConfig()) if family != "classical" else {}),
        "latency_us": measure_latency(classifier, images[:LATENCY_RUNS], runs=LATENCY_RUNS).p50_us,
    }


def reference_figures(reference: Any, digits: TableDigits, prefix: str) -> Figures:
    """Return the figures of an uncompressed Keras model, their names led by `prefix`."""
    found: Figures = {}
    for words, part in digits.scored.items():
        logits = reference(to_float(part.images)).numpy()
        found |= score_figures(score(logits, part.labels, are_probabilities=False), prefix + words)
    return found
