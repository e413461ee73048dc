"""Speed of a study.

    python tests/benchmarks/bench_study.py table --data mnist [--iterations 6] [--cpu]
    python tests/benchmarks/bench_study.py overhead [--trials 200] [--jobs 2]
    python tests/benchmarks/bench_study.py workers [--trials 24]

`table`: the 60 trainings of the report's table by edgedigits against the report's own NumPy code, in one run.
Of every stretch of the schedule some iterations are timed and multiplied by its length, start-up and tracing are timed
whole; iterations of the NumPy code are timed in between, so that both see the same machine. With --cpu both get one
thread, and its processor time is counted instead of the clock: a figure that others on the machine hardly change.

`overhead`: the share of the time that scheduling and storing take in a study of tiny trainings, and how much the main
process grows. `workers`: the same study with one worker and with two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.config import DataConfig
from edgedigits.data.load import read_source
from edgedigits.progress import SilentProgress
from edgedigits.reproduction.digits import TableDigits, table_digits
from edgedigits.reproduction.plan import plan_table
from edgedigits.reproduction.published import columns
from edgedigits.reproduction.published_table import published_table
from edgedigits.study.kinds import Entry, Plan
from edgedigits.study.run.session import Options, run_plan
from tests.reproduction.alone import train

Clock = Callable[[], float]
FAMILIES = ("classical", "quantized", "pruned")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def published_seconds(data: str, rows: int, iterations: int, clock: Clock) -> dict[str, float]:
    """Return the seconds of an iteration of the report's code by family, measured in a process without TensorFlow."""
    command = [sys.executable, __file__, "table", "--published", "--data", data, "--rows", str(rows)]
    command += ["--iterations", str(iterations), *(["--cpu"] if clock is time.process_time else [])]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def time_published(digits: TableDigits, iterations: int, clock: Clock) -> dict[str, float]:
    """Return the seconds of an iteration by family; the first two of each are left out."""
    pixels = columns(digits.train)
    found = {}
    for family in FAMILIES:
        marks: list[float] = []
        train(
            family,
            pixels,
            digits.train.labels,
            rate=0.1,
            iterations=iterations + 2,
            seed=0,
            watch=lambda *_, marks=marks: marks.append(clock()),
        )
        found[family] = (marks[-1] - marks[1]) / iterations
    return found


def groups() -> list[list[dict]]:
    """Return the 60 cells of the table by process, as a study runs them; pruned to a tenth, as in the report."""
    found: dict[str, list[dict]] = {}
    for entry in plan_table(columns="edgedigits").entries:
        if entry.spec.get("sparsity") != 0.8:
            found.setdefault(entry.group, []).append({"key": entry.label, "spec": entry.spec})
    assert sum(map(len, found.values())) == 60
    return list(found.values())


def shared_seconds(digits: TableDigits, iterations: int, clock: Clock, between: Callable[[], None]) -> list[float]:
    """Return the estimated seconds of each process of the 60 trainings, calling `between` after every stretch."""
    from edgedigits.reproduction.task import Group

    totals = []
    for trials in groups():
        total, start = 0.0, clock()
        group = Group(digits, 0, trials)
        total += clock() - start
        now = 0
        for then in group.stops():
            start = clock()
            running = group.begin(now)
            tracks = [run.track for run in running]
            step = group.images.stepper(tracks)
            step()
            group.images.accuracies(tracks)
            total += clock() - start
            start = clock()
            for _ in range(iterations):
                step()
            total += (clock() - start) / iterations * (then - now)
            start = clock()
            group.images.accuracies(tracks)
            seen = set().union(*(run.looks for run in running), {then})
            total += (clock() - start) * sum(now < iteration <= then for iteration in seen)
            now = then
            group.keep_floats(now)
            between()
        totals.append(total)
    return totals


def measure(data: str, rows: int, iterations: int, clock: Clock = time.perf_counter) -> dict[str, object]:
    """Return the figures of both sides."""
    digits = table_digits(read_source(data), rows)
    samples: list[dict[str, float]] = []

    def between() -> None:
        samples.append(published_seconds(data, rows, iterations, clock))

    between()
    ours = shared_seconds(digits, iterations, clock, between)
    table = published_table()
    each = sum(setting.iterations for setting in table.settings)
    means = {family: float(np.mean([sample[family] for sample in samples])) for family in FAMILIES}
    theirs = sum(means[row.family] for row in table.rows) * each
    return {
        "published_ms_an_iteration": {family: round(1000 * mean, 1) for family, mean in means.items()},
        "published_seconds": round(theirs, 1),
        "edgedigits_seconds": round(sum(ours), 1),
        "edgedigits_seconds_by_process": [round(seconds, 1) for seconds in ours],
        "ratio": round(theirs / sum(ours), 2),
        "iterations": each * len(table.rows),
        "clock": "processor time of one thread" if clock is time.process_time else "wall clock",
        "load": os.getloadavg()[0],
        "how": f"{iterations} iterations of every stretch timed, times its length; tracing and start-up whole",
    }


class _Memory(SilentProgress):
    """Notes the memory of this process at every step."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    @contextmanager
    def stage(self, title: str, total: int | None = None):
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.bytes.append(psutil.Process().memory_info().rss)


def tiny_plan(trials: int) -> Plan:
    """Return trainings of the report's network on 1,000 digits, a quarter of a second each, in a process each."""
    entries = []
    for number in range(trials):
        cell = {"column": "published", "family": "classical", "rate": 0.5, "iterations": 200, "rows": 1000}
        cell["first_weights"] = number
        label = f"tiny {number}"
        data = DataConfig(source="mnist-5k")
        entries.append(Entry("published", label, {"cell": cell}, {"label": label, **cell}, data))
    return Plan("tiny", tuple(entries))


def measure_overhead(trials: int, jobs: int) -> dict[str, float]:
    """Return the share of the time not spent in the trials' processes, and the growth of the main process."""
    memory = _Memory()
    with tempfile.TemporaryDirectory() as folder:
        summary = run_plan(tiny_plan(trials), Path(folder), Options(jobs=jobs), memory)
    settled = memory.bytes[len(memory.bytes) // 5]
    return {
        "trials": summary.done,
        "jobs": jobs,
        "seconds": round(summary.seconds, 2),
        "seconds_a_trial": round(summary.busy / trials, 3),
        "overhead": round(1 - summary.busy / (jobs * summary.seconds), 4),
        "growth_bytes": memory.bytes[-1] - settled,
    }


def measure_workers(trials: int) -> dict[str, float]:
    """Return the seconds of one study with one worker and with two."""
    one, two = (measure_overhead(trials, jobs)["seconds"] for jobs in (1, 2))
    return {"one_worker_seconds": one, "two_workers_seconds": two, "speedup": round(one / two, 2)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "overhead", "workers"))
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=6)
    parser.add_argument("--trials", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cpu", action="store_true", help="table: processor time of one thread")
    parser.add_argument("--published", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    clock: Clock = time.process_time if args.cpu else time.perf_counter
    if args.cpu:
        # In time for TensorFlow here, and for NumPy in the processes that run the report's code.
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    if args.published:
        found: object = time_published(table_digits(read_source(args.data), args.rows), args.iterations, clock)
    elif args.what == "overhead":
        found = measure_overhead(args.trials or 200, args.jobs)
    elif args.what == "workers":
        found = measure_workers(args.trials or 24)
    else:
        found = measure(args.data, args.rows, args.iterations, clock)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
