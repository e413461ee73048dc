"""The build that another one trains on from: whether it knows digits that this one holds out, and how it reads them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.build_folder import LearnedFrom
from edgedigits.config import BuildConfig
from edgedigits.data.digits import Splits
from edgedigits.data.fingerprints import count_known, learned_by
from edgedigits.errors import DataError
from edgedigits.frontier import model_folder
from edgedigits.model.reader import read_tflite
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.interpreter import open_classifier, run_litert
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.record import training_record
from edgedigits.scoring.subject import find_subject


def findings_on_start(config: BuildConfig, splits: Splits, progress: Progress = SILENT) -> list[str]:
    """Look at the build that `config` starts from; say what is unusual, and return it, one sentence each.

    Args:
        config: of the build.
        splits: its digits.
        progress: is told.

    Raises:
        DataError: the other one was trained or chosen on digits that this one holds out and does not learn itself: no
            figure on them would count.
        ConfigError: there is no such build.
    """
    start = config.training.start
    if not start:
        return []
    subject = find_subject(model_folder(start))
    # A digest is of all three parts: who has it held out the same digits.
    theirs, ours = _digests(subject.said.data), [one.splits for one in splits.sources] or [splits]
    if splits.digest == subject.said.data.digest:
        return []
    shared, others = ([one for one in ours if (one.digest in theirs) is known] for known in (True, False))
    known = training_record(subject).seen
    if known is None and theirs <= {one.digest for one in shared}:
        known = learned_by(shared)
    if known is None:
        finding = f"Nobody knows which digits {start} was trained on: those held out may be among them."
        progress.say(f"data: {finding}")
        return [finding]
    for split in ("validation", "test"):
        held_out = [getattr(one, split).images for one in others]
        if count := sum(count_known(images, known, splits.train.images) for images in held_out):
            raise DataError(
                f"{start} was trained or chosen on {count:,} of the {sum(map(len, held_out)):,} digits of the {split} "
                "split, on which no figure would count.",
                hint="Take its own --data and --seed, digits that it does not know, or start afresh without --from.",
            )
    return []


def _digests(said: LearnedFrom) -> set[str]:
    """Return the digests of what a build has learned from, a source each."""
    return {digest for digest in (said.parts or (said.digest,)) if isinstance(digest, str)}


def read_by_start(config: BuildConfig, images: NDArray[np.uint8]) -> NDArray[np.intp] | None:
    """Return the classes, int (n,), that the build which `config` starts from reads in images, uint8 (n, 784).

    None without one. Raises as `find_subject` and `run_litert`.
    """
    if not config.training.start:
        return None
    subject = find_subject(model_folder(config.training.start))
    classifier = open_classifier(read_tflite(subject.model), subject.pixels(), subject.view())
    return classify(run_litert(classifier, images, kernels=("reference",))["reference"])
