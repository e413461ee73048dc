"""Tell builds apart by their validation digits: as they are, and in distorted copies.

    EDGEDIGITS_DATA=… python tests/benchmarks/bench_validation.py BUILD …

The recipes of the frontier's larger budgets are chosen by this, never by the test split: 6,000 digits at 99.2% have a
standard error of 0.11 points, and eight mildly distorted copies of each take most of that out. The digits are those
that a build held out for validation, so that only builds of one seed are scored on the same pictures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.data.load import load_splits
from edgedigits.errors import DataError
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import open_classifier, run_litert
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.subject import find_subject
from edgedigits.training.held_out import COPIES, copies


def accuracies(folder: Path) -> tuple[float, float]:
    """Return the accuracy of a build, 0…1, on its validation digits and on distorted copies of them.

    Raises:
        DataError: it is no build, or its digits are not here.
    """
    subject = find_subject(folder)
    config = subject.config()
    if config is None:
        raise DataError(f"{folder} is no build: it has no manifest.", hint="Name folders of builds.")
    reading = {**config.data.reading, **config.data.division}
    digits = load_splits(config.data.source, seed=config.training.seed, **reading).validation
    model = open_classifier(read_tflite(subject.model), subject.pixels(), subject.view())

    def right(images: NDArray[np.uint8]) -> float:
        given = classify(run_litert(model, images, kernels=("reference",))["reference"])
        return float((given == digits.labels).mean())

    return right(digits.images), float(np.mean([right(copy) for copy in copies(digits.images)]))


def main(words: list[str] | None = None) -> None:
    """Print a row for each build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="+", type=Path, metavar="BUILD", help="folders of builds")
    choices = parser.parse_args(words)
    print(f"| build | validation % | {COPIES} distorted copies of it % |")
    print("| --- | --- | --- |")
    for folder in choices.builds:
        plain, distorted = accuracies(folder)
        print(f"| {folder.name} | {100 * plain:.2f} | {100 * distorted:.3f} |", flush=True)


if __name__ == "__main__":
    main()
