"""The facts of one build, gathered: what report.json stores and report.html shows.

There are no times in here, of the clock or of the processor: the same build gives the same bytes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edgedigits.build_folder import REPORT
from edgedigits.engine.engine_facts import EngineFacts
from edgedigits.errors import DataError
from edgedigits.files.typed import make, read_json
from edgedigits.model.front import Packing
from edgedigits.model.summary import ModelFacts
from edgedigits.scoring.confidence import Confidence
from edgedigits.scoring.evaluation import Evaluation
from edgedigits.scoring.record import StageSummary

SCHEMA = 1
_HINT = "Build it again."


@dataclass(frozen=True)
class SourceSummary:
    """One of several sources that were learnt from.

    Attributes:
        name: as a person would say it.
        weight: how many times a training digit of it counts.
        sizes: its images by split, each once.
        test_accuracy: of model.tflite on its own test images, 0…1.
        start_accuracy: the same of the build that this one was trained on from; None without one.
        digest: SHA-256 over its own three splits.
    """

    name: str
    weight: float
    sizes: dict[str, int]
    test_accuracy: float
    start_accuracy: float | None = None
    digest: str = ""


@dataclass(frozen=True)
class DataSummary:
    """What was learnt from.

    Attributes:
        source: as a person would say it.
        note: a fallback that was taken, or "".
        digest: SHA-256 over the three splits.
        sizes: images by split: train, validation, test.
        findings: what is unusual about the digits, one sentence each.
        sources: what the data set is of, where it is of several, or where another build was trained on from.
    """

    source: str
    note: str
    digest: str
    sizes: dict[str, int]
    findings: tuple[str, ...] = ()
    sources: tuple[SourceSummary, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values, without `sources` where there are none."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "sources" or value}


@dataclass(frozen=True)
class TeacherSummary:
    """What a build was distilled from.

    Attributes:
        source: as the user wrote it.
        digest: SHA-256 of its model file.
        outputs_are: "logits" or "probabilities", as they look.
        validation_accuracy, test_accuracy: on the student's splits, 0…1.
    """

    source: str
    digest: str
    outputs_are: str
    validation_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class WeightHistogram:
    """The weights of one layer before compression and in the .tflite.

    Attributes:
        layer: name, e.g. "hidden_1".
        edges: n + 1 bin edges, in units of the real weight.
        before: n counts: the float model before pruning and quantization.
        after: n counts: the int8 weights of the file times their scale; zeros included.
        zeros: exact zeros after.
    """

    layer: str
    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    zeros: int


@dataclass(frozen=True)
class Mistake:
    """A test image that the deployed model gets wrong.

    Attributes:
        index: place in the test split.
        label: true class.
        predicted: class given.
        margin: how much the wrong class leads, in output steps (LSB); the larger the worse.
        scores: of the ten classes, in output steps.
        pixels: uint8 (784,); shown in the page, left out of report.json, and None where that was read back.
    """

    index: int
    label: int
    predicted: int
    margin: int
    scores: tuple[int, ...] = ()
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class FirstLayer:
    """The weights that read the image, for the page alone.

    Attributes:
        before: float32 (neurons, inputs) of the float model; None where that is not at hand.
        after: float32 (neurons, inputs), what the int8 weights of the file stand for.
    """

    before: NDArray[np.float32] | None
    after: NDArray[np.float32]


@dataclass(frozen=True)
class BuildFacts:
    """Everything a build's report says.

    Attributes:
        name: of the build, e.g. "focal-qat-prune".
        config: every choice, as tables.
        data: what was learnt from.
        stages: in order of training; the first is the float model.
        model: layers of the .tflite: shapes, quantization, zeros, distinct weights, bytes.
        target_sparsity: share of zeros asked for, by layer name; {} without pruning.
        evaluation: of the .tflite on the test split, without latency.
        histograms: by layer, in order.
        mistakes: the worst first.
        versions: of the libraries that matter.
        engine: the C engine; None where there is none.
        packings: how the engine's weights could be stored, from the least flash to the fewest instructions; nothing
            where size was not asked for.
        budget: a sentence on each budget that was kept.
        advice: what would help where the test split fares far worse than it might, or "".
        teacher: what it was distilled from; None for nothing.
        confidence: how far the model can be trusted, and when its engine refuses; None where that is not known.
        first_layer: left out of report.json, and None where that was read back.
    """

    name: str
    config: Annotated[dict[str, dict[str, Any]], Meta(min_length=1)]
    data: DataSummary
    stages: tuple[StageSummary, ...]
    model: ModelFacts
    target_sparsity: dict[str, float]
    evaluation: Evaluation
    histograms: tuple[WeightHistogram, ...]
    mistakes: tuple[Mistake, ...]
    versions: dict[str, str]
    engine: EngineFacts | None = None
    packings: tuple[Packing, ...] = ()
    budget: tuple[str, ...] = ()
    advice: str = ""
    teacher: TeacherSummary | None = None
    confidence: Confidence | None = None
    first_layer: FirstLayer | None = field(default=None, repr=False)

    @property
    def packing(self) -> Packing | None:
        """How the engine's weights are stored; None without one."""
        if self.engine is None:
            return None
        names, nbytes = tuple(one.encoding for one in self.engine.layers), self.engine.weight_bytes
        alone = Packing.of(names, nbytes, sum(one.instructions for one in self.engine.layers))
        # Of the front it is the very one: a sum of rounded figures may be another by one.
        alike = (one for one in self.packings if (one.encodings, one.weight_bytes) == (names, nbytes))
        return next(alike, alone)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "config": self.config,
            "data": self.data.to_json(),
            "stages": [_all_but("test_scores", stage) for stage in self.stages],
            "model": self.model.to_dict(),
            "target_sparsity": self.target_sparsity,
            "evaluation": self.evaluation.to_json(),
            "histograms": [dataclasses.asdict(histogram) for histogram in self.histograms],
            "mistakes": [_all_but("pixels", mistake) for mistake in self.mistakes],
            "versions": self.versions,
            "engine": self.engine.to_json() if self.engine else None,
            **({"packings": [dataclasses.asdict(one) for one in self.packings]} if self.packings else {}),
            **({"budget": list(self.budget)} if self.budget else {}),
            "advice": self.advice,
            **({"teacher": dataclasses.asdict(self.teacher)} if self.teacher else {}),
            "confidence": self.confidence.to_json() if self.confidence else None,
        }


def _all_but(name: str, facts: Any) -> dict[str, Any]:
    return {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts) if field.name != name}


def read_report(folder: Path) -> BuildFacts:
    """Read the report of a build back, without what is shown on its page only.

    Raises:
        DataError: there is none, or it is not one of a build.
    """
    path = folder / REPORT
    try:
        return make(read_json(path, _HINT), BuildFacts, f"{path} is not the report of a build", _HINT)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{folder} holds no {REPORT}.", hint="Give the folder of a build.") from None
