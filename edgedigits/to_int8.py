"""From somebody's float `.tflite` to a full-integer one that the engine takes, calibrated on real digits."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import BuildConfig, DataConfig
from edgedigits.data.digits import Digits
from edgedigits.data.inspection import findings_on_selection
from edgedigits.data.likeness import spread_sample
from edgedigits.data.load import Selection, read_source, select
from edgedigits.data.preprocess import PixelRange
from edgedigits.data.writing import refuse_existing, replacing
from edgedigits.errors import ConfigError, ToolMissingError, UnsupportedModelError
from edgedigits.extras import install_command, is_installed
from edgedigits.html_table import html_table
from edgedigits.model.ir import Graph
from edgedigits.model.lowering import check_operators, lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import FULL_INTEGER
from edgedigits.model.shapes import reshape_targets
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.advice import advice_on
from edgedigits.scoring.interpreter import Classifier, open_classifier, run_litert
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.scoring.subject_digits import without_learned

PER_CLASS = 50
"""Digits of each class to calibrate on: TensorFlow's guides take one to five hundred in all."""
_NO_CLASSIFIER = (
    "quantize calibrates and scores on digits, and so takes what classifies one 28×28 image into ten of them. Make "
    "another model full-integer where it was converted, int8 input and output too: edgedigits compile takes it then."
)
_EDGES = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True)
class Quantized:
    """What became of a float model.

    Attributes:
        model: path of the int8 `.tflite`.
        source: path of the float model.
        pixels: what pixels are to both, and how that is known.
        calibration: on what it was calibrated, in words.
        data: on what both were tested, in words.
        images: how many those are.
        float_accuracy: of the float model by LiteRT's default kernels, 0…1.
        accuracy: of the int8 model by LiteRT's reference kernels, which the engine equals, 0…1.
        agreement: share of the images on which both name one class, 0…1.
        float_bytes: of the float model.
        bytes: of the int8 model.
        notes: what is to be known of the digits and of the accuracy, one sentence each.
    """

    model: str
    source: str
    pixels: PixelRange
    calibration: str
    data: str
    images: int
    float_accuracy: float
    accuracy: float
    agreement: float
    float_bytes: int
    bytes: int
    notes: tuple[str, ...]

    @property
    def lines(self) -> dict[str, str]:
        """The same in words, by what they are about."""
        return {
            "pixels": f"0 to 255 are {self.pixels}",
            "ranges": f"measured on {self.calibration}",
            "accuracy": f"float {self.float_accuracy:.2%} → int8 {self.accuracy:.2%} of {self.images:,}, {self.data}",
            "agree": f"{self.agreement:.2%} of the classes",
            "size": f"{self.float_bytes:,} B → {self.bytes:,} B",
        }

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        how = "measured: LiteRT on this host, default kernels (float) and reference kernels (int8)"
        return {**asdict(self), "how": how}

    def _repr_html_(self) -> str:
        return html_table((), self.lines.items())


def place_beside(path: Path) -> Path:
    """Return where the int8 model of the one at `path` goes: beside it."""
    return path.with_name(f"{path.stem}_int8.tflite")


def quantize_model(
    path: Path,
    source: str,
    out: Path,
    *,
    input_range: tuple[float, float] | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **reading: Any,
) -> Quantized:
    """Write a float `.tflite` once more as full-integer int8, input and output too, and measure both.

    Ranges are measured on training digits of the source, accuracies on its test digits.

    Args:
        path: a `.tflite` that computes in float32; its weights may be float16 or int8.
        source: of digits, as `edgedigits.data.load` takes it.
        out: the file to write, whole or not at all.
        input_range: what pixels 0 and 255 are to the model; 0 and 1 by default.
        force: replace a file.
        progress: gets bars, and what is unusual about the digits.
        reading: how the source is read: `label_column`, `invert`, `transpose`, `fit`.

    Raises:
        ToolMissingError: litert-quantizer is not installed.
        ConfigError: the model is full-integer already, or a way to read is wrong.
        DataError: the model or the digits cannot be read, or `out` is there already or cannot be written.
        UnsupportedModelError: no classifier of 28×28 digits, or none that the engine could run in int8.
    """
    _require_library()
    refuse_existing(out, force=force)
    subject = find_subject(path)
    classifier = _open_float(read_tflite(subject.model), subject.pixels(input_range))
    content, made = _made(subject, classifier, _digits(subject, source, reading, progress), out, progress)
    with replacing(out, force=force) as temporary:
        temporary.write_bytes(content)
    return made


def _require_library() -> None:
    if not is_installed("quantize"):
        raise ToolMissingError(
            "The package litert-quantizer, which makes models int8, is not installed.",
            hint=f"Install it: {install_command('quantize')}",
        )


def _made(
    subject: Subject, classifier: Classifier, digits: tuple[Selection, Selection], out: Path, progress: Progress
) -> tuple[bytes, Quantized]:
    """Return the int8 model, and what is to be told of it once it is in its place."""
    shown, tested = digits
    with progress.stage("Quantizing", 3) as stage:
        before = _classes(classifier, tested.digits, "default")
        stage.advance(note="float accuracy")
        made, calibration = _quantized(classifier, shown)
        stage.advance(note="int8")
        after = _classes(made, tested.digits, "reference")
    labels = tested.digits.labels
    accuracy = float(np.mean(before == labels))
    advice = advice_on(classifier, tested, subject, accuracy, try_ranges=True)
    return made.graph.content, Quantized(
        model=str(out),
        source=str(subject.model),
        pixels=classifier.pixels.range,
        calibration=calibration,
        data=tested.origin,
        images=len(labels),
        float_accuracy=accuracy,
        accuracy=float(np.mean(after == labels)),
        agreement=float(np.mean(before == after)),
        float_bytes=classifier.graph.size,
        bytes=made.graph.size,
        notes=(*([advice] if advice else []), *tested.notes),
    )


def _open_float(graph: Graph, pixels: PixelRange | None) -> Classifier:
    """Check that a model classifies digits in float32, by operators that the engine has."""
    try:
        classifier = open_classifier(graph, pixels)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(error.message, hint=_NO_CLASSIFIER) from error
    computed = [tensor for tensor in graph.tensors if tensor.is_quantized and not tensor.is_constant]
    if computed:
        lower(graph)  # It says why, where such a model cannot be compiled either.
        raise ConfigError(
            f"{graph.name} is full-integer already: there is nothing to quantize.",
            hint=f"Compile it: edgedigits compile {graph.name} --out engine",
        )
    if classifier.input.dtype != "float32":
        raise UnsupportedModelError(
            f"{graph.name}: input {classifier.input.label} is {classifier.input.dtype}, not float32.",
            hint="Leave the cast out of the model; what pixels are to it is said by --input-range.",
        )
    check_operators(graph)
    return classifier


def _digits(subject: Subject, source: str, reading: dict[str, Any], progress: Progress) -> tuple[Selection, Selection]:
    """Return the training digits of a source and its test digits."""
    given = DataConfig().reading | {name: value for name, value in reading.items() if value is not None}
    contents = read_source(source, progress=progress, **given)
    division = {**DataConfig().division, "seed": BuildConfig().training.seed}
    shown, tested = (select(contents, split, **division) for split in ("train", "test"))
    findings = findings_on_selection(tested, given, progress)
    return shown, without_learned(replace(tested, reading=given, findings=findings), subject)


def _quantized(classifier: Classifier, shown: Selection) -> tuple[Classifier, str]:
    """Return the model in int8, and on what it was calibrated."""
    sample = shown.digits.take(spread_sample(shown.digits, PER_CLASS))
    with classifier.workspace(sample.images) as workspace:
        targets = reshape_targets(classifier.graph)
        answer = workspace.start("quantize", targets=targets, **classifier.request).result()
    made = _checked(answer.arrays["model"].tobytes(), classifier.graph)
    by = f"litert-quantizer {answer.facts['version']}"
    return open_classifier(made, classifier.pixels.range), f"{len(sample):,} digits of the {shown.origin}, by {by}"


def _checked(content: bytes, source: Graph) -> Graph:
    """Return the int8 model, if the engine can run it.

    Raises:
        UnsupportedModelError: it cannot; the message names operator, tensor and reason.
    """
    graph = read_tflite(content, source.name)
    for operator in graph.operators:
        tensors = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
        if operator.opcode not in _EDGES and any(tensor.dtype == "float32" for tensor in tensors):
            label = next(one.label for one in source.operators if one.opcode == operator.opcode)
            raise UnsupportedModelError(
                f"{source.name}: {label}: litert-quantizer leaves it in float32.", hint=FULL_INTEGER
            )
    lower(graph)
    return graph


def _classes(classifier: Classifier, digits: Digits, kernels: str) -> NDArray[np.intp]:
    return classify(classifier.dequantize(run_litert(classifier, digits.images, kernels=(kernels,))[kernels]))
