"""One trial of a grid: one build, in this process, and its figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.artifacts import new_folder
from edgedigits.build_folder import FLOAT_MODEL, MODEL
from edgedigits.compression_sections import USUAL_CORE
from edgedigits.config_file import make_config, parse_sections
from edgedigits.data.contents import Contents
from edgedigits.data.inspection import findings_on_splits
from edgedigits.data.load import divide
from edgedigits.files.scratch import scratch
from edgedigits.progress import StageProgress
from edgedigits.scoring.start import findings_on_start
from edgedigits.sections import EngineConfig
from edgedigits.study.plan.axes import FLOAT32
from edgedigits.teachers.record import findings_on_teacher

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig
    from edgedigits.data.digits import Digits, Splits
    from edgedigits.report.facts import BuildFacts
    from edgedigits.study.run.figures import Figures


class TrainingClock:
    """Progress that adds up the time of the training stages."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[StageProgress]:
        start = time.perf_counter()
        yield self
        if title.startswith(("Training", "Pruning", "Clustering", "Quantization", "Compressing")):
            self.seconds += time.perf_counter() - start

    def advance(self, steps: int = 1, note: str = "", accuracy: float | None = None) -> None:
        pass

    def say(self, message: str) -> None:
        pass


def run_build(
    spec: dict[str, Any], contents: Contents, keep: Path | None = None, clock: TrainingClock | None = None
) -> Figures:
    """Make one build and return its figures.

    Args:
        spec: "config" as tables, "scored" ("int8" or "float32"), and "core", where it is another than usual.
        contents: the digits.
        keep: a folder for the build; None to keep its figures only.
        clock: progress of the training; what it raises ends the build.

    Raises:
        EdgedigitsError: as `edgedigits.api.build`.
    """
    config = choices_of(spec)
    splits = divide(contents, seed=config.training.seed, **config.data.division)
    findings = [
        *findings_on_splits(splits, config.data.reading),
        *findings_on_teacher(config, splits),
        *findings_on_start(config, splits),
    ]
    figures, _ = train_and_score(spec, splits, findings, keep=keep, clock=clock)
    return figures


def choices_of(spec: Mapping[str, Any]) -> BuildConfig:
    """Return the choices of a trial."""
    return make_config(parse_sections(spec["config"], "trial"))


def train_and_score(
    spec: dict[str, Any],
    splits: Splits,
    findings: Sequence[str] = (),
    *,
    keep: Path | None = None,
    clock: TrainingClock | None = None,
    others: Mapping[str, Digits] | None = None,
) -> tuple[Figures, dict[str, Figures]]:
    """Make one build of digits that are divided, and return its figures.

    Args:
        spec, keep, clock: as of `run_build`.
        splits: the digits.
        findings: what is unusual about them.
        others: further digits to score model.tflite on, by name.

    Returns:
        The figures, and scores on the others by their names.

    Raises:
        EdgedigitsError: as `edgedigits.api.build`.
    """
    # Here and not above: a worker that finds its data missing shall not have paid for TensorFlow.
    from edgedigits.assemble import assemble

    config, clock = choices_of(spec), clock or TrainingClock()
    with scratch("trial") as place:
        folder = keep or place / "build"
        # One that is not kept needs no exchange; where it cannot be written, temporary files cannot.
        with new_folder(folder, force=True) if keep else nullcontext(folder) as partial:
            partial.mkdir(exist_ok=True)
            facts, latency = assemble(config, splits, findings, partial, clock)
        figures = _figures(facts, folder, splits, config, spec)
        scores = {name: _scores(folder, digits, config) for name, digits in (others or {}).items()}
    if latency is not None and spec["scored"] != FLOAT32:
        figures["latency_us"] = latency.p50_us
    return {**figures, "train_seconds": round(clock.seconds, 3)}, scores


def _scores(folder: Path, digits: Digits, config: BuildConfig) -> Figures:
    """Return how well model.tflite does on digits."""
    from edgedigits.model.reader import read_tflite
    from edgedigits.scoring.interpreter import open_classifier
    from edgedigits.scoring.metrics import score
    from edgedigits.study.run.figures import outputs_on, score_figures

    classifier = open_classifier(read_tflite(folder / MODEL), view=config.input.view)
    outputs = outputs_on(classifier, digits)
    return score_figures(score(outputs, digits.labels, are_probabilities=config.model.softmax))


def _figures(facts: BuildFacts, folder: Path, splits: Splits, config: BuildConfig, spec: dict[str, Any]) -> Figures:
    """Return the figures of the file that is scored, and as "float_…" those of the network compression began with."""
    from edgedigits.model.reader import read_tflite
    from edgedigits.scoring.harness import evaluate_model
    from edgedigits.scoring.interpreter import open_classifier
    from edgedigits.study.run.figures import (
        accuracy_on,
        engine_figures,
        score_figures,
        size_figures,
        weight_figures,
    )

    evaluation, engine, scored = facts.evaluation, {}, spec["scored"]
    graph = read_tflite(folder / (FLOAT_MODEL if scored == FLOAT32 else MODEL))
    classifier = open_classifier(graph, view=config.input.view)
    if scored == FLOAT32:
        evaluation = evaluate_model(folder / FLOAT_MODEL, splits.test, view=config.input.view)
        engine = {"latency_us": evaluation.latency.p50_us} if evaluation.latency else {}
    else:
        # As the build packed it: a budget of instructions settles the layout while it trains.
        packed = EngineConfig(**facts.config["engine"])
        core, limit = spec.get("core", USUAL_CORE), config.budget.constants
        engine = engine_figures(classifier, splits.test.images, packed, core, limit)
    before = facts.stages[0].test_scores
    return {
        **score_figures(evaluation.scores),
        **(score_figures(before, "float_") if before else {}),
        "twin_accuracy": facts.evaluation.float_accuracy,
        "val_accuracy": accuracy_on(classifier, splits.validation),
        **size_figures(evaluation.size),
        **weight_figures(classifier.graph),
        **engine,
        **(_refusals(facts) if scored != FLOAT32 else {}),
        "curves": _curves(facts),
    }


def _refusals(facts: BuildFacts) -> Figures:
    """Return what an engine that may refuse does with the test digits; nothing where it never does."""
    reject = facts.confidence.reject if facts.confidence else None
    if reject is None:
        return {}
    return {"refused": 1.0 - reject.test.coverage, "accepted_wrong": reject.test.wrong / max(1, reject.test.accepted)}


def _curves(facts: BuildFacts) -> dict[str, list[list[float]]]:
    """Return pairs [epoch of the whole line from 1, accuracy] of each stage, for training and validation."""
    from edgedigits.study.run.figures import thinned

    found: dict[str, list[list[float]]] = {}
    before = 0
    for stage in facts.stages:
        for key in ("accuracy", "val_accuracy"):
            if values := stage.history.get(key):
                found[f"{stage.name}_{key}"] = [[before + epoch, value] for epoch, value in thinned(values)]
        before += stage.epochs
    return found
