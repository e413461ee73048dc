"""Time what asking Optuna and storing takes of a search.

    python tests/benchmarks/bench_search.py real [--trials 12] [--jobs 2]
    python tests/benchmarks/bench_search.py asked [--trials 200]

`real`: the share of the time of a search of short trainings that is not spent in its trials' processes: asking, storing,
drawing the next, and workers that wait for it. `asked`: the same search with figures that are made up at once, so that
asking and storing alone are timed: milliseconds of processor time a trial, of the first fifty and of the last, since
Optuna looks at all that went before.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.devices.gates import Limits
from edgedigits.progress import SILENT
from edgedigits.search.run import SearchChoices, search
from tests.search.made_up import CHOICES, answered, on

SHORT = {"training": {"seed": 1, "epochs": 2}, "joint": {"epochs": 6}, "data": {"source": "mnist-5k"}}
SPAN = 50


def measure_real(trials: int, jobs: int) -> dict[str, float]:
    """Return the share of the time that is not spent in the processes of the trials."""
    choices = SearchChoices(Limits(flash=8192, instructions=60_000), "cortex-m4", SHORT, trials=trials, jobs=jobs)
    with tempfile.TemporaryDirectory() as folder:
        summary, _ = search(choices, Path(folder), SILENT)
    return {
        "trials": summary.done,
        "failed": summary.failed,
        "jobs": jobs,
        "seconds": round(summary.seconds, 1),
        "seconds_a_trial": round(summary.busy / trials, 2),
        "overhead": round(1 - summary.busy / (jobs * summary.seconds), 4),
        "load": os.getloadavg()[0],
    }


def measure_asked(trials: int) -> dict[str, float]:
    """Return the milliseconds of processor time that asking for a trial and storing it takes, of the first and last."""
    marks = []

    def work(asked: list[dict]) -> list[dict]:
        marks.append(time.process_time())
        return answered(asked)

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        on(patch, work)
        search(replace(CHOICES, trials=trials), Path(folder), SILENT)
    span = min(SPAN, len(marks) // 2)
    first, last = (1000 * (some[-1] - some[0]) / span for some in (marks[: span + 1], marks[-span - 1 :]))
    return {"trials": len(marks), "first_ms": round(first, 1), "last_ms": round(last, 1)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("real", "asked"))
    parser.add_argument("--trials", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    found = measure_asked(args.trials or 200) if args.what == "asked" else measure_real(args.trials or 12, args.jobs)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
