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
from edgedigits.scoring.interpreter import Classifier, open_classifier
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
    scored = float32 if family == "classical" else int8
    small, wide = open_classifier(int8), open_classifier(float32)
    images = digits.test.images if digits.test is not None else digits.dev.images
    return {
        **_scores(open_classifier(scored), digits),
        **{f"twin_{name}": value for name, value in _accuracies(wide, digits).items()},
        **{f"int8_{name}": value for name, value in _accuracies(small, digits).items()},
        **size_figures(measure_size(scored, float32)),
        **weight_figures(scored),
        **(engine_figures(small, images, EngineConfig()) if family != "classical" else {}),
        "latency_us": measure_latency(open_classifier(scored), images[:LATENCY_RUNS], runs=LATENCY_RUNS).p50_us,
    }


def reference_figures(reference: Any, digits: TableDigits, prefix: str) -> Figures:
    """Return the figures of an uncompressed Keras model, their names led by `prefix`."""
    found: Figures = {}
    for words, part in ((f"{prefix}dev_", digits.dev), (prefix, digits.test)):
        if part is not None:
            logits = reference(to_float(part.images)).numpy()
            found |= score_figures(score(logits, part.labels, are_probabilities=False), words)
    return found


def _scores(classifier: Classifier, digits: TableDigits) -> Figures:
    found = score_figures(score(outputs_on(classifier, digits.dev), digits.dev.labels, are_probabilities=False), "dev_")
    if digits.test is not None:
        test = score(outputs_on(classifier, digits.test), digits.test.labels, are_probabilities=False)
        found |= score_figures(test)
    return found


def _accuracies(classifier: Classifier, digits: TableDigits) -> dict[str, float]:
    parts = {"dev_accuracy": digits.dev, "accuracy": digits.test}
    return {name: accuracy_on(classifier, part) for name, part in parts.items() if part is not None}
