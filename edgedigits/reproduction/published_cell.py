"""The cells of the table's second column, some or one: the report's own arithmetic, and what it gives.

Cells of one learning rate train side by side. Those of one family and first weights are one training: 0.1/500 is the
beginning of 0.1/1500.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgedigits.data.contents import Contents
from edgedigits.reproduction.digits import TableDigits, table_digits
from edgedigits.reproduction.published import SideBySide, Trainee, Weights, columns, forward
from edgedigits.scoring.metrics import score
from edgedigits.study.kinds import Answer
from edgedigits.study.run.figures import CURVE_POINTS, Figures, score_figures


def run_published(trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
    """Train as the report did, and yield an answer for each cell as soon as it is done.

    Args:
        trials: {"key", "spec"}; a spec has "family", "rate", "iterations", "first_weights" (a seed) and "rows", which
            is the same in all.
        contents: the digits.
    """
    digits = table_digits(contents, trials[0]["spec"]["rows"])
    for rate in dict.fromkeys(trial["spec"]["rate"] for trial in trials):
        cells = {trial["key"]: trial["spec"] for trial in trials if trial["spec"]["rate"] == rate}
        yield from _run_rate(rate, cells, digits)


def _run_rate(rate: float, cells: dict[str, dict[str, Any]], digits: TableDigits) -> Iterator[Answer]:
    """Train the cells of one learning rate, given by key, and yield each as soon as it has had its iterations."""
    networks = {key: Trainee(cell["family"] != "quantized", cell["first_weights"]) for key, cell in cells.items()}
    side = SideBySide(
        list(dict.fromkeys(networks.values())), digits.train, rate=rate, file_rows=len(digits.train) + len(digits.dev)
    )
    dev, seconds, steps = columns(digits.dev), 0.0, 0
    curves: dict[str, dict[str, list[list[float]]]] = {key: {"train": [], "dev": []} for key in cells}
    for iteration in range(1, max(cell["iterations"] for cell in cells.values()) + 1):
        left = {key: network for key, network in networks.items() if cells[key]["iterations"] >= iteration}
        side.keep(list(left.values()))
        start = time.perf_counter()
        side.step()
        seconds, steps = seconds + time.perf_counter() - start, steps + len(side.networks)
        for key, network in left.items():
            last = cells[key]["iterations"]
            if iteration == last or iteration % max(1, last // CURVE_POINTS) == 0:
                given = forward(side.weights(network), dev, quantized=not network.plain)[2].argmax(axis=0)
                accuracy = float(side.accuracy[side.networks.index(network)])
                curves[key]["train"].append([iteration, accuracy])
                curves[key]["dev"].append([iteration, float(np.mean(given == digits.dev.labels))])
            if iteration == last:
                # What its own iterations take beside others; cells share some of them.
                share = round(seconds / steps * iteration, 3)
                figures = _measure(side.weights(network), digits, quantized=not network.plain)
                yield {"key": key, "result": {**figures, "curves": curves[key], "train_seconds": share}}


def _measure(weights: Weights, digits: TableDigits, *, quantized: bool) -> Figures:
    found: Figures = {}
    for prefix, part in digits.scored.items():
        outputs = forward(weights, columns(part), quantized=quantized)[2].T.astype(np.float32)
        found |= score_figures(score(outputs, part.labels, are_probabilities=True), prefix)
    return found
