"""Build the README's table: accuracy and size of the networks and losses it names, on full MNIST.

    EDGEDIGITS_DATA=… python tests/benchmarks/bench_accuracy.py [NAME …]

Each row is one `edgedigits build` with the flags shown, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NETWORKS = {
    "784-10-10": "--hidden 10 --qat",
    "784-32-16-10": "--hidden 32,16 --augment light --qat",
    "784-300-100-10": "--hidden 300,100 --augment light --qat",
    "README": "--loss focal --qat --prune",
    "README on mnist-5k": "--loss focal --qat --prune --data mnist-5k",
}
LOSSES = {
    name: f"--loss {name} --qat"
    for name in ("cross-entropy", "weighted-cross-entropy", "mse", "focal", "one-hot", "hinge")
} | {f"hinge {kind}": f"--loss hinge --hinge {kind} --qat" for kind in ("one-vs-rest", "crammer-singer")}
ROWS = NETWORKS | LOSSES


def build(flags: str, data: str = "mnist") -> dict[str, Any]:
    """Run one build and return what `--json` prints."""
    words = flags.split()
    if "--data" not in words:
        words += ["--data", data]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "edgedigits", "build", *words, "--out", str(Path(place) / "build"), "--json"]
        return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def main() -> None:
    """Print the rows asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"rows, all by default: {', '.join(ROWS)}")
    names = parser.parse_args().names or list(ROWS)
    if unknown := set(names) - set(ROWS):
        parser.error(f"no row {', '.join(sorted(unknown))}")
    print(
        "| name | flags | float32, % | int8, % | .tflite B | gzip B | zeros |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    for name in names:
        report = build(ROWS[name])["report"]
        scores, size, model = report["evaluation"]["scores"], report["evaluation"]["size"], report["model"]
        print(
            f"| {name} | `{ROWS[name]}` | {100 * report['stages'][0]['test_accuracy']:.2f} "
            f"| {100 * scores['accuracy']:.2f} | {size['raw']:,} | {size['gzip']:,} "
            f"| {model['zeros'] / model['weights']:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
