"""One cell of the table's second column: the report's own arithmetic, and what it gives."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.evaluate.metrics import score
from edgedigits.study.run.figures import CURVE_POINTS, Figures, score_figures
from edgedigits.study.table.digits import table_digits
from edgedigits.study.table.published import Weights, classify, forward, train


def run_published(spec: dict[str, Any], contents: Contents) -> Figures:
    """Train as the report did and return the figures on its dev set.

    Args:
        spec: "family", "rate", "iterations", "first_weights" (a seed) and "rows".
        contents: the digits.
    """
    digits = table_digits(contents, spec["rows"])
    pixels, labels = _columns(digits.train), digits.train.labels
    dev, quantized = _columns(digits.dev), spec["family"] == "quantized"
    iterations = spec["iterations"]
    every = max(1, iterations // CURVE_POINTS)
    curves: dict[str, list[list[float]]] = {"train": [], "dev": []}

    def watch(iteration: int, weights: Weights, accuracy: float) -> None:
        if iteration % every == 0 or iteration == iterations:
            given = classify(weights, dev, quantized=quantized)
            curves["train"].append([iteration, accuracy])
            curves["dev"].append([iteration, float(np.mean(given == digits.dev.labels))])

    start = time.perf_counter()
    weights = train(
        spec["family"],
        pixels,
        labels,
        rate=spec["rate"],
        iterations=iterations,
        seed=spec["first_weights"],
        watch=watch,
    )
    seconds = time.perf_counter() - start
    found = score_figures(_scores(weights, dev, digits.dev, quantized=quantized), "dev_")
    if digits.test is not None:
        found |= score_figures(_scores(weights, _columns(digits.test), digits.test, quantized=quantized))
    return {**found, "curves": curves, "train_seconds": round(seconds, 3)}


def _columns(digits: Digits) -> Any:
    """Return float64 (784, n) in [0, 1], a column an image, as the report has them."""
    return np.ascontiguousarray(digits.images.T / 255.0)


def _scores(weights: Weights, pixels: Any, digits: Digits, *, quantized: bool) -> Any:
    probabilities = forward(weights, pixels, quantized=quantized)[2].T
    return score(probabilities.astype(np.float32), digits.labels, are_probabilities=True)
