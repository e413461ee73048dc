"""Speed of the report's table: its 60 trainings by edgedigits against the report's own NumPy code, in one run.

    python tests/benchmarks/bench_study.py --data mnist [--iterations 6]

Of every stretch of the schedule some iterations are timed and multiplied by its length, start-up and tracing are timed
whole; iterations of the NumPy code are timed in between, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np

from edgedigits.data.load import read_source
from edgedigits.study import published
from edgedigits.study.report_data import report_table
from edgedigits.study.table_data import TableDigits, table_digits


def published_seconds(data: str, rows: int, iterations: int) -> dict[str, float]:
    """Return the seconds of an iteration of the report's code by family, measured in a process without TensorFlow."""
    command = [sys.executable, __file__, "--published", "--data", data, "--rows", str(rows)]
    answer = subprocess.run([*command, "--iterations", str(iterations)], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def time_published(digits: TableDigits, iterations: int) -> dict[str, float]:
    """Return the seconds of an iteration by family; the first two of each are left out."""
    pixels = np.ascontiguousarray(digits.train.images.T / 255.0)
    found = {}
    for family in published.FAMILIES:
        marks: list[float] = []
        published.train(
            family,
            pixels,
            digits.train.labels,
            rate=0.1,
            iterations=iterations + 2,
            seed=0,
            watch=lambda *_, marks=marks: marks.append(time.perf_counter()),
        )
        found[family] = (marks[-1] - marks[1]) / iterations
    return found


def cells() -> dict[float, list[dict]]:
    """Return the 60 cells of the table by learning rate; pruned to a tenth, as in the report."""
    table = report_table()
    found: dict[float, list[dict]] = {}
    for setting in table.settings:
        for row in table.rows:
            spec = {
                "label": f"{row.name}, {setting.name}",
                "family": row.family,
                "loss": row.loss,
                "rate": setting.rate,
                "iterations": setting.iterations,
                "sparsity": 0.1,
            }
            found.setdefault(setting.rate, []).append({"key": spec["label"], "spec": spec})
    return found


def shared_seconds(digits: TableDigits, iterations: int, between) -> float:
    """Return the estimated seconds of all 60 trainings of edgedigits, calling `between` after every stretch."""
    from edgedigits.study.table_task import Group

    total = 0.0
    for rate, trials in cells().items():
        start = time.perf_counter()
        group = Group(digits, rate, 0, trials)
        total += time.perf_counter() - start
        now = 0
        for then in group.stops():
            start = time.perf_counter()
            tracks = [run.track for run in group.begin(now)]
            step = group.images.stepper(tracks)
            step()
            group.images.accuracies(tracks)
            total += time.perf_counter() - start
            start = time.perf_counter()
            for _ in range(iterations):
                step()
            total += (time.perf_counter() - start) / iterations * (then - now)
            start = time.perf_counter()
            group.images.accuracies(tracks)
            total += (time.perf_counter() - start) * (1 + (then - now) // group.every)
            now = then
            group.keep_floats(now)
            between()
    return total


def measure(data: str, rows: int, iterations: int) -> dict[str, object]:
    """Return the figures of both sides."""
    digits = table_digits(read_source(data), rows)
    samples: list[dict[str, float]] = []

    def between() -> None:
        samples.append(published_seconds(data, rows, iterations))

    between()
    ours = shared_seconds(digits, iterations, between)
    table = report_table()
    each = sum(setting.iterations for setting in table.settings)
    means = {family: float(np.mean([sample[family] for sample in samples])) for family in published.FAMILIES}
    theirs = sum(means[row.family] for row in table.rows) * each
    return {
        "published_ms_an_iteration": {family: round(1000 * mean, 1) for family, mean in means.items()},
        "published_seconds": round(theirs, 1),
        "edgedigits_seconds": round(ours, 1),
        "ratio": round(theirs / ours, 2),
        "iterations": each * len(table.rows),
        "load": os.getloadavg()[0],
        "how": f"{iterations} iterations of every stretch timed, times its length; tracing and start-up whole",
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=6)
    parser.add_argument("--published", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.published:
        print(json.dumps(time_published(table_digits(read_source(args.data), args.rows), args.iterations)))
    else:
        print(json.dumps(measure(args.data, args.rows, args.iterations), indent=2))


if __name__ == "__main__":
    main()
