"""One call from a model and digits to every figure about them, and the gates on those figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.errors import ConfigError, DataError
from edgedigits.model.ir import Graph
from edgedigits.model.reader import read_tflite
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.evaluation import Evaluation, SourceScore
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.latency import host
from edgedigits.scoring.metrics import classify, score
from edgedigits.scoring.oracle import engine_scores
from edgedigits.scoring.parity import BASELINE, compare
from edgedigits.scoring.reject import decisions
from edgedigits.scoring.runs import DEFAULT, Runs, parity_outputs, run_everything
from edgedigits.scoring.size import measure_size
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.view import View


def evaluate_model(
    path: Path,
    digits: Digits,
    *,
    threads: int = 1,
    latency: bool = True,
    data: str = "",
    input_range: tuple[float, float] | None = None,
    view: View | None = None,
    notes: Sequence[str] = (),
    sources: Mapping[str, NDArray[np.bool_]] = MappingProxyType({}),
    progress: Progress = SILENT,
) -> Evaluation:
    """Evaluate a model on digits: accuracy, size, latency, and agreement of every runtime that is at hand.

    Args:
        path: a build's folder, or any .tflite that classifies one 28×28 image into ten digits.
        digits: what to evaluate on; for a build, digits it was not trained on.
        threads: threads of LiteRT.
        latency: whether to measure it.
        data: what the digits are, as a person would say it.
        input_range: what pixels 0 and 255 are to the model; by default as its manifest or its quantization says.
        view: what the model sees of an image; by default as its manifest says.
        notes: what is to be said beside their figures, one sentence each.
        sources: which of the digits are of which source, bool (n,) by name; empty where all are of one.
        progress: gets one bar.

    Returns:
        The figures.

    Raises:
        DataError: the file is missing or damaged, or kills its interpreter, or `digits` are empty.
        ConfigError: nobody says what pixels are to the model, or `input_range` is none.
        UnsupportedModelError: not such a classifier, or an operator that LiteRT lacks.
        ToolMissingError: ai-edge-litert is not installed.
    """
    if len(digits) == 0:
        raise DataError("There are no digits to evaluate on.", hint="Choose another source or split.")
    subject = find_subject(path)
    view = view or subject.view()
    classifier = open_classifier(read_tflite(subject.model), subject.pixels(input_range), view)
    twin = open_classifier(read_tflite(subject.float_twin), view=view) if subject.float_twin else None
    runs = run_everything(classifier, twin, digits.images, threads, latency, progress)
    said = (*notes, *filter(None, (view.remark,)), *runs.notes, *_notes(subject, classifier.graph))
    evaluation = _judge(subject, classifier, twin, runs, digits, data or f"{len(digits)} digits", said)
    right = classify(runs.outputs[evaluation.scored_by]) == digits.labels
    return replace(evaluation, sources=tuple(_by_source(right, sources)))


def _by_source(right: NDArray[np.bool_], sources: Mapping[str, NDArray[np.bool_]]) -> Iterator[SourceScore]:
    for name, own in sources.items():
        if own.any():
            yield SourceScore(name, int(own.sum()), float(right[own].mean()))


def _judge(
    subject: Subject,
    classifier: Classifier,
    twin: Classifier | None,
    runs: Runs,
    digits: Digits,
    data: str,
    notes: tuple[str, ...],
) -> Evaluation:
    """Hold what the runtimes gave against the labels, and against each other."""
    scored = BASELINE if BASELINE in runs.outputs else DEFAULT
    scores = classifier.dequantize(runs.outputs[scored])
    probabilities = classifier.gives_probabilities(scores)
    margin = subject.reject_margin
    decided = decisions(engine_scores(classifier, runs.outputs[scored]), digits.labels, margin) if margin else None
    compared = parity_outputs(classifier, twin, runs, probabilities)
    return Evaluation(
        model=str(subject.model),
        digest=classifier.graph.digest,
        data=data,
        data_digest=digits.digest,
        pixels=classifier.pixels.range,
        view=classifier.pixels.view,
        scores=score(scores, digits.labels, are_probabilities=probabilities),
        scored_by=scored,
        host=host(),
        outputs_are="probabilities" if probabilities else "logits",
        float_accuracy=_accuracy(runs.float_scores, digits),
        size=measure_size(classifier.graph, twin.graph if twin else None),
        latency=runs.latency,
        arena=runs.arena,
        parity=compare(compared) if BASELINE in compared else (),
        notes=notes,
        decisions=decided,
    )


def check_gates(
    evaluation: Evaluation,
    *,
    min_accuracy: float | None = None,
    max_size: int | None = None,
    max_latency: float | None = None,
) -> tuple[str, ...]:
    """Hold an evaluation against limits.

    Args:
        evaluation: the figures.
        min_accuracy: least accuracy, 0…1.
        max_size: most bytes of the .tflite.
        max_latency: most microseconds of the median latency.

    Returns:
        One sentence for each limit that is not kept.

    Raises:
        ConfigError: a limit on latency, which was not measured.
    """
    failures = []
    scores, size, latency = evaluation.scores, evaluation.size, evaluation.latency
    if min_accuracy is not None and scores.accuracy < min_accuracy:
        failures.append(f"accuracy {_percent(scores.accuracy)} is below the {_percent(min_accuracy)} asked for.")
    if max_size is not None and size.raw > max_size:
        failures.append(f"{evaluation.model} has {size.raw:,} bytes, more than the {max_size:,} allowed.")
    if max_latency is not None:
        if latency is None:
            raise ConfigError("Latency has a limit but was not measured.", hint="Leave out --no-latency.")
        if latency.p50_us > max_latency:
            failures.append(
                f"median latency {latency.p50_us:g} µs on this host is above the {max_latency:g} µs allowed."
            )
    return tuple(failures)


def _percent(share: float) -> str:
    """Four digits at most: 97.496% must not read as the 97.5% that it misses."""
    return f"{100 * share:.4f}".rstrip("0").rstrip(".") + "%"


def _accuracy(scores: NDArray[np.float32] | None, digits: Digits) -> float | None:
    return None if scores is None else float(np.mean(scores.argmax(axis=1) == digits.labels))


def _notes(subject: Subject, graph: Graph) -> tuple[str, ...]:
    notes = []
    if subject.float_twin is None and subject.manifest is not None:
        notes.append("The build holds no model_float.tflite, so there is nothing to compare with in float32.")
    if graph.subgraphs > 1:
        keys = ", ".join(repr(signature.key) for signature in graph.signatures)
        named = f", with the signature {keys}," if keys else ""
        notes.append(f"The file has {graph.subgraphs} subgraphs; the first{named} was evaluated.")
    return tuple(notes)
