"""From names as users give them to a judged evaluation: find the model, read the digits, score, and say what helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.load import Selection
from edgedigits.errors import ConfigError
from edgedigits.model.reader import read_tflite
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.advice import advice_on
from edgedigits.scoring.confidence import refusals
from edgedigits.scoring.evaluation import Evaluation
from edgedigits.scoring.harness import evaluate_model
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.non_digits import read_non_digits
from edgedigits.scoring.oracle import oracle_outputs
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.scoring.subject_digits import load_subject_digits


def evaluate_path(
    path: Path,
    source: str = "",
    *,
    split: str = "test",
    threads: int = 1,
    latency: bool = True,
    input_range: tuple[float, float] | None = None,
    non_digits: Sequence[Path] = (),
    non_digits_transposed: bool = False,
    progress: Progress = SILENT,
    **reading: Any,
) -> tuple[Evaluation, Selection]:
    """Evaluate a build's folder or any .tflite on the digits of a source.

    Args:
        path: a build's folder or a .tflite.
        source, split: as for `load_subject_digits`.
        threads: of LiteRT.
        latency: whether to measure it.
        input_range: what pixels 0 and 255 are to the model; by default as its manifest or its quantization says.
        non_digits: IDX files of pictures that the engine should refuse, such as letters or clothes.
        non_digits_transposed: they hold rows and columns exchanged, as EMNIST's do.
        progress: gets bars, and what is unusual about the digits.
        reading: as for `load_subject_digits`.

    Returns:
        The figures, whose notes say what is to be known of the digits and, where the model does badly on them, what
        would help; and the digits.

    Raises:
        ConfigError: `non_digits` for a model that refuses nothing.
        EdgedigitsError: as `load_subject_digits` and `evaluate_model`.
    """
    subject = find_subject(path)
    pictures = _pictures(subject, path, non_digits, transposed=non_digits_transposed)
    chosen = load_subject_digits(subject, source, split=split, progress=progress, **reading)
    evaluation = evaluate_model(
        path,
        chosen.digits,
        threads=threads,
        latency=latency,
        data=chosen.origin,
        input_range=input_range,
        notes=chosen.notes,
        sources=chosen.sources,
        progress=progress,
    )
    classifier = open_classifier(read_tflite(subject.model), subject.pixels(input_range), subject.view())
    return _judged(evaluation, classifier, chosen, subject, pictures), chosen


def _judged(
    evaluation: Evaluation,
    classifier: Classifier,
    chosen: Selection,
    subject: Subject,
    pictures: dict[str, NDArray[np.uint8]],
) -> Evaluation:
    """Return the figures with what would help, and with how many of the pictures are refused."""
    advice = advice_on(classifier, chosen, subject, evaluation.scores.accuracy, try_ranges=True)
    refused = refusals(lambda images: oracle_outputs(classifier, images, "litert"), pictures, subject.reject_margin)
    notes = (*([advice] if advice else []), *evaluation.notes)
    return replace(evaluation, notes=notes, refusals=refused)


def _pictures(
    subject: Subject, path: Path, non_digits: Sequence[Path], *, transposed: bool
) -> dict[str, NDArray[np.uint8]]:
    """Return the pictures that should be refused, by the names of their files."""
    if non_digits and not subject.reject_margin:
        raise ConfigError(
            f"{path} refuses nothing, digits or not: it has no margin.",
            hint="Build it with --reject-error, such as 0.005.",
        )
    return {file.name: read_non_digits(file, transposed=transposed) for file in non_digits}
