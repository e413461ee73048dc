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
from edgedigits.data.digits import Digits
from edgedigits.scoring.metrics import score
from edgedigits.study.run.figures import CURVE_POINTS, Figures, score_figures
from edgedigits.study.table.digits import TableDigits, table_digits
from edgedigits.study.table.published import Weights, classes_of, forward
from edgedigits.study.table.published_side import SideBySide, Trainee


def run_published(trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[dict[str, Any]]:
    """Train as the report did, and yield an answer for each cell as soon as it is done.

    Args:
        trials: {"key", "spec"}; a spec has "family", "rate", "iterations", "first_weights" (a seed) and "rows", which
            is the same in all.
        contents: the digits.
    """
    digits = table_digits(contents, trials[0]["spec"]["rows"])
    answered = time.perf_counter()
    for rate in dict.fromkeys(trial["spec"]["rate"] for trial in trials):
        for answer in _Rate(rate, [trial for trial in trials if trial["spec"]["rate"] == rate], digits).run():
            # Since the last answer: over all cells they add up to the time of the process.
            before, answered = answered, time.perf_counter()
            yield {**answer, "seconds": answered - before}


class _Rate:
    """The cells of one learning rate.

    Args:
        rate: it.
        trials: {"key", "spec"} of each cell.
        digits: what they are trained and measured on.
    """

    def __init__(self, rate: float, trials: Sequence[dict[str, Any]], digits: TableDigits) -> None:
        self.trials, self.digits = trials, digits
        networks = list(dict.fromkeys(_network(trial["spec"]) for trial in trials))
        file_rows = len(digits.train) + len(digits.dev)
        self.side = SideBySide(networks, digits.train, rate=rate, file_rows=file_rows)
        self.dev = _columns(digits.dev)
        self.curves: dict[str, dict[str, list[list[float]]]] = {
            trial["key"]: {"train": [], "dev": []} for trial in trials
        }

    def run(self) -> Iterator[dict[str, Any]]:
        """Train all and yield {"key", "result"} for each cell as soon as it has had its iterations."""
        seconds, networks = 0.0, 0
        for iteration in range(1, max(trial["spec"]["iterations"] for trial in self.trials) + 1):
            self.side.keep(
                [_network(trial["spec"]) for trial in self.trials if trial["spec"]["iterations"] >= iteration]
            )
            start = time.perf_counter()
            self.side.step()
            seconds, networks = seconds + time.perf_counter() - start, networks + len(self.side.networks)
            self._look(iteration)
            for trial in self.trials:
                if trial["spec"]["iterations"] == iteration:
                    # What its own iterations take beside others; cells share some of them.
                    share = seconds / networks * iteration
                    yield {"key": trial["key"], "result": {**self._measure(trial), "train_seconds": round(share, 3)}}

    def _look(self, iteration: int) -> None:
        """Note the accuracies of the cells whose turn it is."""
        for trial in self.trials:
            cell = trial["spec"]
            last, every = cell["iterations"], max(1, cell["iterations"] // CURVE_POINTS)
            if iteration == last or (iteration < last and iteration % every == 0):
                network, curve = _network(cell), self.curves[trial["key"]]
                given = classes_of(self.side.weights(network), self.dev, quantized=not network.plain)
                seen = float(self.side.accuracy[self.side.networks.index(network)])
                curve["train"].append([iteration, seen])
                curve["dev"].append([iteration, float(np.mean(given == self.digits.dev.labels))])

    def _measure(self, trial: dict[str, Any]) -> Figures:
        network = _network(trial["spec"])
        weights, quantized = self.side.weights(network), not network.plain
        found = score_figures(_scores(weights, self.digits.dev, quantized=quantized), "dev_")
        if self.digits.test is not None:
            found |= score_figures(_scores(weights, self.digits.test, quantized=quantized))
        return {**found, "curves": self.curves[trial["key"]]}


def _network(cell: dict[str, Any]) -> Trainee:
    return Trainee(cell["family"] != "quantized", cell["first_weights"])


def _columns(digits: Digits) -> Any:
    """Return float64 (784, n) in [0, 1], a column an image, as the report has them."""
    return np.ascontiguousarray(digits.images.T / 255.0)


def _scores(weights: Weights, digits: Digits, *, quantized: bool) -> Any:
    probabilities = forward(weights, _columns(digits), quantized=quantized)[2].T
    return score(probabilities.astype(np.float32), digits.labels, are_probabilities=True)
