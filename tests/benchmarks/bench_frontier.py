"""Build the models of the frontier anew: accuracy for so many bytes of constants, over seeds, on full MNIST.

    EDGEDIGITS_DATA=… python tests/benchmarks/bench_frontier.py [BYTES …] [--seeds N] [--keep FOLDER]

Each is one `edgedigits build --data mnist --budget-constants BYTES --seed S`, in a process of its own. Up to 10 KB it is
given the time that a build beyond takes unasked: more epochs, and from 1 KB on more distorted copies and a teacher. The model to
keep is the best by validation; its test accuracy and the median of all seeds are printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BUDGETS = (424, 848, 1104, 2048, 4096, 8192, 12288, 16384, 27648)
_TAUGHT = ("--distill", "cnn", "--distill-weight", "0.9", "--augment-copies", "48")
_LONG = ("--joint-epochs", "480", "--augment-copies", "24")
PATIENCE = {
    424: ("--joint-tries", "8", "--joint-polish", "10"),
    848: (*_LONG, "--joint-tries", "4", "--joint-polish", "6"),
    1104: (*_TAUGHT, "--joint-epochs", "480"),
    **dict.fromkeys((2048, 4096, 8192), (*_TAUGHT, "--joint-epochs", "200")),
}
"""What builds of these bytes get besides: up to 1 KB a teacher gains nothing; larger budgets have it by their recipe."""
KEPT = ("manifest.json", "report.json", "model.tflite")
"""Of a build's folder: what says how it was made and how good it is, and the model."""


def build(budget: int, seed: int, folder: Path) -> dict[str, Any]:
    """Run one build into `folder` and return its report."""
    flags = ["--data", "mnist", "--budget-constants", str(budget), "--seed", str(seed), "--out", str(folder), "--json"]
    command = [sys.executable, "-m", "edgedigits", "build", "--quiet", *flags, *PATIENCE.get(budget, ())]
    return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["report"])


def main() -> None:
    """Print a row a budget, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("budgets", nargs="*", type=int, metavar="BYTES", help=f"by default {BUDGETS}")
    parser.add_argument("--seeds", type=int, default=3, help="from 42 on (default 3)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the best of each budget there")
    choices = parser.parse_args()
    print("| budget B | constants B | network | best by validation: test % | median % of tests | all | s each |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for budget in choices.budgets or BUDGETS:
        with tempfile.TemporaryDirectory() as place:
            started = time.monotonic()
            folders = {seed: Path(place) / str(seed) for seed in range(42, 42 + choices.seeds)}
            reports = {seed: build(budget, seed, folder) for seed, folder in folders.items()}
            seconds = (time.monotonic() - started) / choices.seeds
            best = max(reports, key=lambda seed: reports[seed]["stages"][-1]["history"]["val_accuracy"][-1])
            if choices.keep:
                kept = choices.keep / str(budget)
                kept.mkdir(parents=True, exist_ok=True)
                for name in KEPT:
                    shutil.copyfile(folders[best] / name, kept / name)
        engine = reports[best]["engine"]
        tests = [100 * report["evaluation"]["scores"]["accuracy"] for report in reports.values()]
        widths = [layer["inputs"] for layer in engine["layers"]] + [engine["layers"][-1]["outputs"]]
        constants = engine["weight_bytes"] + engine["bias_bytes"] + engine["table_bytes"]
        print(
            f"| {budget:,} | {constants:,} | {'-'.join(map(str, widths))} "
            f"| {100 * reports[best]['evaluation']['scores']['accuracy']:.2f} | {statistics.median(tests):.2f} "
            f"| {', '.join(f'{one:.2f}' for one in tests)} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
