"""What a build recorded of its training: which images it saw, which it held out, how well it did on validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.build_folder import REPORT, SEEN_DIGITS
from edgedigits.data.fingerprints import Fingerprints, fingerprints, unpack
from edgedigits.errors import DataError
from edgedigits.files.typed import make, read_json
from edgedigits.scoring.evaluation import Evaluation
from edgedigits.scoring.metrics import Scores
from edgedigits.scoring.subject import Subject


@dataclass(frozen=True)
class StageSummary:
    """One stage of training.

    Attributes:
        name: "float", "prune" or "qat".
        title: for people, e.g. "Pruning to 80%".
        epochs: epochs trained, fewer than asked for after early stopping.
        history: figures by epoch: accuracy, loss, precision, recall (0…1), the same with val_ in front for
            validation, learning_rate, and sparsity (0…1) in the pruning stage.
        test_accuracy: of the Keras model at the end of the stage, 0…1.
        test_scores: all figures of that model; left out of report.json.
    """

    name: str
    title: str
    epochs: int
    history: dict[str, list[float]]
    test_accuracy: float
    test_scores: Scores | None = None


@dataclass(frozen=True)
class _Outcome:
    """What a build's report says to those who score its model later; `report.facts.BuildFacts` is all of it.

    Attributes:
        stages: in order of training.
        evaluation: of the .tflite on the test split.
    """

    stages: tuple[StageSummary, ...]
    evaluation: Evaluation


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """What is known of how a model was trained; of a file from elsewhere, nothing.

    Attributes:
        seen: of every image that it was trained or chosen on; None where that is not known.
        test_digest: SHA-256 of the digits that the build held out, in hexadecimal; "" where that is not known.
        validation_accuracy: at the end of the last stage, 0…1; None where that is not known.
    """

    seen: Fingerprints | None = None
    test_digest: str = ""
    validation_accuracy: float | None = None

    def knows(self, images: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Tell of each image of (n, 784) whether it was trained or chosen on; None where that is not known."""
        return None if self.seen is None else np.isin(fingerprints(images), self.seen)


def training_record(subject: Subject) -> TrainingRecord:
    """Return what is recorded beside a model.

    Raises:
        DataError: the images it was trained on are recorded in a file that is damaged.
    """
    if subject.manifest is None:
        return TrainingRecord()
    path = subject.manifest.parent / REPORT
    try:
        outcome = make(read_json(path, ""), _Outcome, str(path), "")
        digest, validation = outcome.evaluation.data_digest, outcome.stages[-1].history["val_accuracy"][-1]
    except (OSError, DataError, LookupError):
        digest, validation = "", None  # A build's figures are a help here and nothing that must be there.
    content = stored_fingerprints(subject)
    return TrainingRecord(None if content is None else unpack(content), digest, validation)


def stored_fingerprints(subject: Subject) -> bytes | None:
    """Return the file of what a model was trained or chosen on, as it lies beside the model; None where there is none.

    Raises:
        DataError: it is damaged.
    """
    if subject.manifest is None or not (path := subject.manifest.parent / SEEN_DIGITS).is_file():
        return None
    content = path.read_bytes()
    if not subject.said.lists(path.name, content):
        raise DataError(
            f"{path} is not the file that {subject.manifest} describes.",
            hint="Build it again, or remove the file: then nobody knows which digits the build was trained on.",
        )
    return content
