"""Several builds as one classifier, the mean of what they say: a baseline for one network of all their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import BuildConfig
from edgedigits.errors import ConfigError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.interpreter import Classifier, open_classifier, run_litert
from edgedigits.scoring.metrics import score
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.scoring.subject_digits import load_for_all


@dataclass(frozen=True)
class EnsembleScore:
    """How well builds do together.

    Attributes:
        members: accuracy of each alone, 0…1.
        accuracy: of the mean of their dequantized outputs.
        constant_bytes: weights and biases of all their engines; code, which they could share, is not counted.
        images: how many digits, which none of them was trained on.
    """

    members: tuple[float, ...]
    accuracy: float
    constant_bytes: int
    images: int


def score_ensemble(
    folders: Sequence[Path], source: str = "", *, progress: Progress = SILENT, **reading: Any
) -> EnsembleScore:
    """Score builds together and each alone, on the same digits.

    Args:
        folders: of builds; the digits are of the first one's test split.
        source: other digits, as for `load_for_all`.
        progress: gets bars for downloads.
        reading: how the source is read, as for `load_for_all`.

    Raises:
        ConfigError: there is none, or some give logits and others probabilities, which have no mean.
        DataError: a folder is no build, its data cannot be found, or they know all of the digits.
    """
    subjects = [find_subject(folder) for folder in folders]
    if not subjects:
        raise ConfigError("An ensemble needs a build.", hint="Name folders of builds.")
    digits = load_for_all(subjects, source, progress=progress, **reading).digits
    models = [open_classifier(read_tflite(one.model), one.pixels(), one.view()) for one in subjects]
    outputs = [_outputs(model, digits.images) for model in models]
    kinds = [model.gives_probabilities(some) for model, some in zip(models, outputs, strict=True)]
    if len(set(kinds)) > 1:
        odd = folders[kinds.index(not kinds[0])]
        raise ConfigError(
            f"{odd} gives {'logits' if kinds[0] else 'probabilities'}, and {folders[0]} the other: they have no mean.",
            hint="Take builds that were all made with --softmax, or all without.",
        )
    alone, together = (
        [score(some, digits.labels, are_probabilities=kinds[0]).accuracy for some in each]
        for each in (outputs, [np.mean(outputs, axis=0)])
    )
    return EnsembleScore(tuple(alone), together[0], sum(map(_constant_bytes, subjects)), len(digits))


def _outputs(model: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return model.dequantize(run_litert(model, images, kernels=("reference",))["reference"])


def _constant_bytes(subject: Subject) -> int:
    """Return the bytes of the constants of a build's engine, packed once more as its choices say."""
    engine = (subject.config() or BuildConfig()).engine
    network = simplify(lower(read_tflite(subject.model), Rounding(engine.rounding)))
    _, packed = arrange(network, Goal(engine.optimize))
    return sum(one.nbytes + one.biases.nbytes for one in packed)
