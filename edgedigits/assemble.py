"""One build from digits to a folder: train, convert, prove, emit, report. Each step is one call of its room."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from edgedigits.build_folder import (
    ENGINE_FOLDER,
    FLOAT_MODEL,
    MODEL,
    MODEL_DATA,
    PAGE,
    PLOTS,
    REPORT,
    RESOLVER,
    SEEN_DIGITS,
    LearnedFrom,
    Manifest,
    library_versions,
    write_manifest,
)
from edgedigits.compile import compile_graph, write_engine
from edgedigits.compression_sections import WHOLE_BITS
from edgedigits.config import BuildConfig
from edgedigits.config_file import to_tables
from edgedigits.convert import to_float_tflite, to_int8_tflite
from edgedigits.data.digits import SourceSplits, Splits
from edgedigits.data.fingerprints import learned_by, pack
from edgedigits.data.preprocess import to_float
from edgedigits.data.seeing import see
from edgedigits.engine.c_array import render_model_data
from edgedigits.engine.engine_facts import EngineFacts
from edgedigits.engine.tflm_resolver import Arena, render_tflm_resolver
from edgedigits.engine_budget import check_engine, excess_of, with_constants
from edgedigits.errors import CheckFailedError
from edgedigits.files.writing import write_json, write_text
from edgedigits.model.activity import MEASURED_IMAGES
from edgedigits.model.contract import check_contract, dense_weights, real_weights, weights_of_inputs
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.front import Packing, packings
from edgedigits.model.ir import Graph
from edgedigits.model.lowering import lower
from edgedigits.model.narrowing import narrowed
from edgedigits.model.packing import Goal
from edgedigits.model.reader import read_tflite
from edgedigits.model.rounding_bound import rounding_bound
from edgedigits.model.simplify import simplify
from edgedigits.model.summary import summarize
from edgedigits.pipeline import Trained, TrainedStage, train_and_compress
from edgedigits.progress import Progress
from edgedigits.report.facts import (
    BuildFacts,
    DataSummary,
    FirstLayer,
    Mistake,
    SourceSummary,
    TeacherSummary,
    WeightHistogram,
)
from edgedigits.report.page import render_page
from edgedigits.report.plots import write_plots
from edgedigits.scoring.advice import FAR_BELOW, advise, does_badly, predictor
from edgedigits.scoring.confidence import Confidence, measure_confidence
from edgedigits.scoring.evaluation import Evaluation
from edgedigits.scoring.harness import evaluate_model
from edgedigits.scoring.interpreter import Classifier, open_classifier, run_litert, stored_as
from edgedigits.scoring.latency import Latency
from edgedigits.scoring.metrics import as_probabilities, classify, score
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.scoring.parity import BASELINE, compare
from edgedigits.scoring.record import StageSummary
from edgedigits.scoring.start import read_by_start
from edgedigits.scoring.tflm import ArenaMeasurement
from edgedigits.stages.catalogue import own_files, slug
from edgedigits.training.model import with_softmax
from edgedigits.training.teacher import Teacher

WORST_SHOWN = 24
HISTOGRAM_BINS = 48
ARENA_MARGIN_BYTES = 256
"""Room for what the host cannot see, such as a port's own alignment of the arena's start."""


def assemble(
    config: BuildConfig, splits: Splits, findings: Sequence[str], folder: Path, progress: Progress
) -> tuple[BuildFacts, Latency | None]:
    """Make a build in `folder`, which exists and is empty.

    Args:
        config: every choice.
        splits: the digits.
        findings: what is unusual about them, one sentence each.
        folder: where to.
        progress: gets bars.

    Returns:
        The facts of its report, and the latency measured on this host, which is not part of the folder.

    Raises:
        CheckFailedError: the .tflite breaks the contract, its runtimes disagree, or a budget is not kept.
        ToolMissingError: there is a budget of flash and no compiler.
    """
    config, trained = _train(config, splits, progress)
    with progress.stage("Converting and proving", 3) as stage:
        classifier, first = _convert(config, trained, folder)
        stage.advance(note="converted")
        # From here on the test split is in use, once and for the final figures only.
        evaluation = evaluate_model(folder, splits.test, data=f"test split of {splits.source}", view=config.input.view)
        latency, evaluation = evaluation.latency, dataclasses.replace(evaluation, latency=None, model=MODEL)
        _check_parity(evaluation, classifier.graph)
        stage.advance(note="evaluated")
        confidence = measure_confidence(
            classifier, config.engine.rounding, splits.validation, splits.test, config.confidence.reject_error
        )
        engine = _engine(config, classifier, splits, confidence, folder, progress)
        budget = check_engine(config, folder / ENGINE_FOLDER, classifier, splits.test.images)
        facts = _gather(config, splits, findings, trained, classifier, evaluation)
        facts = dataclasses.replace(
            facts,
            first_layer=first,
            engine=engine,
            packings=_packings(config, classifier, splits),
            budget=budget,
            confidence=confidence,
            advice=_advice(facts, classifier, splits, config),
        )
        (folder / SEEN_DIGITS).write_bytes(pack(learned_by([splits])))
        _emit(config, classifier.graph, evaluation.arena, folder)
        _report(facts, own_files(config), folder)
        stage.advance(note="written")
    return facts, latency


def _train(config: BuildConfig, splits: Splits, progress: Progress) -> tuple[BuildConfig, Trained]:
    """Return the choices with what follows from their budget, and what was trained to keep it."""
    config = with_constants(config, splits.validation.images)
    trained = train_and_compress(config, splits, progress, excess_of(config, splits.validation.images))
    if config.budget.instructions:
        config = dataclasses.replace(
            config, engine=dataclasses.replace(config.engine, most_instructions=trained.within)
        )
    return config, trained


def _advice(facts: BuildFacts, classifier: Classifier, splits: Splits, config: BuildConfig) -> str:
    """Return what would help where the test does not keep what the validation promised, or both are poor."""
    accuracy, validation = facts.evaluation.scores.accuracy, facts.stages[-1].history["val_accuracy"][-1]
    if not does_badly(accuracy, validation):
        return ""
    advice = advise(predictor(classifier), splits.test)
    if advice is not None and accuracy < validation - FAR_BELOW:
        return advice.sentence_on_test_set()
    return advice.sentence(config.data.reading) if advice is not None and advice.changes else ""


def _convert(config: BuildConfig, trained: Trained, folder: Path) -> tuple[Classifier, FirstLayer]:
    """Write model.tflite and its float32 twin; return the former once it is known to keep the contract.

    Where whole neurons go, or widths are only what a budget begins with, those that do nothing leave the file. A share
    of zero weights that was asked for stays in it.
    """
    deploy = with_softmax if config.model.softmax else lambda model: model
    content = to_int8_tflite(deploy(trained.final), trained.calibration, per_tensor=config.qat.per_tensor)
    graph = read_tflite(content, MODEL)
    zeros = [int(np.sum(layer.kernel.numpy() == 0)) for layer in trained.twin.layers]
    distinct = [config.most_levels] * len(zeros) if config.levels.weight_bits < WHOLE_BITS else None
    check_contract(graph, minimum_zeros=zeros, maximum_distinct=distinct, by_output=config.levels.by_output)
    before = trained.stages[0].model.layers[0].kernel.numpy().T
    if config.widths_may_shrink:
        smaller = narrowed(content, MODEL, gather=config.inputs_may_leave)
        content, before = smaller.content, before[smaller.kept[0]]
        graph = read_tflite(content, MODEL)
        check_contract(graph, maximum_distinct=distinct, by_output=config.levels.by_output)
    (folder / MODEL).write_bytes(content)
    (folder / FLOAT_MODEL).write_bytes(to_float_tflite(deploy(trained.twin)))
    return open_classifier(graph, view=config.input.view), FirstLayer(before, weights_of_inputs(graph))


def _check_parity(evaluation: Evaluation, graph: Graph) -> None:
    bound = rounding_bound(lower(graph))
    for row in evaluation.parity:
        if row.runtime != "keras-float" and evaluation.outputs_are == "logits" and row.max_lsb > bound:
            raise CheckFailedError(
                f"{row.runtime} differs from {row.baseline} by {row.max_lsb} steps on a logit, "
                f"more than the {bound} that rounding explains.",
                hint="The installed runtime is not one this build was proven on; see the README's contract.",
            )


def _engine(
    config: BuildConfig,
    classifier: Classifier,
    splits: Splits,
    confidence: Confidence,
    folder: Path,
    progress: Progress,
) -> EngineFacts:
    """Write the C engine, once its arithmetic is known to equal its oracle on every test image too; hold its budget."""
    digits = classifier, splits.test.images
    source, facts = compile_graph(
        classifier.graph,
        config.engine,
        config.output.name,
        digits,
        view=config.input.view,
        reject_margin=confidence.reject_margin,
        seen=_seen(classifier, splits),
        constants=config.budget.constants,
    )
    if facts.proof.note:
        progress.say(facts.proof.note)
    write_engine(source, folder, config.engine.core)
    return facts


def _seen(classifier: Classifier, splits: Splits) -> NDArray[np.int8]:
    """Return what an engine is given on which it is measured how many inputs its layers visit."""
    return engine_inputs(classifier, splits.validation.images[:MEASURED_IMAGES])


def _packings(config: BuildConfig, classifier: Classifier, splits: Splits) -> tuple[Packing, ...]:
    """Return what bytes cost in instructions, for an engine made for size; else nothing."""
    if config.engine.optimize != Goal.SIZE:
        return ()
    network = simplify(lower(classifier.graph, Rounding(config.engine.rounding)))
    return packings(network, _seen(classifier, splits))


def _emit(config: BuildConfig, graph: Graph, measured: ArenaMeasurement | None, folder: Path) -> None:
    arena = Arena(measured.bytes, ARENA_MARGIN_BYTES, measured.how) if measured else None
    write_text(folder / MODEL_DATA, render_model_data(graph, config.output.name))
    write_text(folder / RESOLVER, render_tflm_resolver(graph, arena, config.output.name))


def _report(facts: BuildFacts, own: dict[str, str], folder: Path) -> None:
    write_json(folder / REPORT, facts.to_json())
    write_text(folder / PAGE, render_page(facts))
    write_plots(facts, folder / PLOTS)
    learned = {name: value for name, value in vars(facts.data).items() if name != "sources"}
    parts = tuple(one.digest for one in facts.data.sources) or UNSET
    data = LearnedFrom(**learned, parts=parts, pixels=facts.evaluation.pixels)
    confidence = facts.confidence.certainty if facts.confidence else UNSET
    activity = (facts.engine.activity if facts.engine else ()) or UNSET
    said = Manifest(config=facts.config, data=data, confidence=confidence, extensions=own or UNSET, activity=activity)
    write_manifest(folder, said)


def _summary(stage: TrainedStage, test: NDArray[np.float32], labels: NDArray[np.uint8]) -> StageSummary:
    scores = score(stage.model(test).numpy(), labels, are_probabilities=False)
    return StageSummary(
        name=stage.plan.name,
        title=stage.plan.title,
        epochs=len(stage.history["loss"]),
        history=stage.history,
        test_accuracy=scores.accuracy,
        test_scores=scores,
    )


def _gather(
    config: BuildConfig,
    splits: Splits,
    findings: Sequence[str],
    trained: Trained,
    classifier: Classifier,
    evaluation: Evaluation,
) -> BuildFacts:
    test = to_float(see(config.input.view, splits.test.images))
    stages = tuple(_summary(stage, test, splits.test.labels) for stage in trained.stages)
    stored = run_litert(classifier, splits.test.images, kernels=("reference",))["reference"]
    keras = compare({BASELINE: stored, "keras": _as_stored(config, trained, classifier, test)})
    return BuildFacts(
        name=slug(config),
        config=resolved(config, splits),
        data=DataSummary(
            source=splits.source,
            note=_note(config, splits),
            digest=splits.digest,
            sizes={part: len(getattr(splits, part)) for part in ("train", "validation", "test")},
            findings=tuple(findings),
            sources=_sources(config, splits, stored),
        ),
        stages=stages,
        model=summarize(classifier.graph),
        target_sparsity=config.target_sparsity,
        evaluation=dataclasses.replace(evaluation, parity=(*evaluation.parity, *keras)),
        histograms=_histograms(trained, classifier.graph),
        mistakes=_mistakes(splits, stored),
        versions=library_versions(),
        teacher=_teacher(trained.teacher, splits) if trained.teacher else None,
    )


def _sources(config: BuildConfig, splits: Splits, stored: NDArray[np.int8]) -> tuple[SourceSummary, ...]:
    """Return how the model does on the test digits of each source, and how the one did that it was trained on from.

    Nothing for a single source without such a one.
    """
    labels = splits.test.labels
    right, started = classify(stored) == labels, read_by_start(config, splits.test.images)
    whole = SourceSplits(splits.source, 1.0, splits, np.arange(len(labels)), config.data.reading)
    return tuple(
        SourceSummary(
            one.name,
            one.weight,
            {part: len(getattr(one.splits, part)) for part in ("train", "validation", "test")},
            float(right[one.rows].mean()),
            None if started is None else float((started == labels)[one.rows].mean()),
            one.splits.digest,
        )
        for one in splits.sources or ((whole,) if started is not None else ())
    )


def _teacher(teacher: Teacher, splits: Splits) -> TeacherSummary:
    validation, test = (teacher.accuracy(part.images, part.labels) for part in (splits.validation, splits.test))
    return TeacherSummary(teacher.name, teacher.digest, teacher.outputs_are, validation, test)


def _as_stored(
    config: BuildConfig, trained: Trained, classifier: Classifier, test: NDArray[np.float32]
) -> NDArray[np.int8]:
    """Return what the Keras model that was converted says, in the steps of the .tflite's output, int8 (n, 10)."""
    outputs = trained.final(test).numpy()
    if config.model.softmax:
        outputs = as_probabilities(outputs, are_probabilities=False).astype(np.float32)
    return stored_as(outputs, classifier.output)


def resolved(config: BuildConfig, splits: Splits) -> dict[str, dict[str, Any]]:
    """Return the choices as the manifest has them: what depends on the place or on each other is filled in."""
    tables = to_tables(config)
    if config.data.source == "auto":
        tables["data"]["source"] = splits.source
    tables["input"]["size"] = config.input.view.size
    tables["training"]["learning_rate"] = config.peak_learning_rate
    tables["output"]["note"] = _note(config, splits)
    return tables


def _note(config: BuildConfig, splits: Splits) -> str:
    """Return what the report remarks: kept with the choices, since a build from the manifest meets no fallback."""
    return " ".join(dict.fromkeys(filter(None, (config.output.note, splits.note))))


def _histograms(trained: Trained, graph: Graph) -> tuple[WeightHistogram, ...]:
    """Compare each layer's weights before compression and as the file has them, in bins of the same edges."""
    found = []
    for layer, tensor in zip(trained.stages[0].model.layers, dense_weights(graph), strict=True):
        before, after = layer.kernel.numpy().ravel(), real_weights(tensor).ravel()
        limit = float(max(np.abs(before).max(), np.abs(after).max()))
        edges = np.linspace(-limit, limit, HISTOGRAM_BINS + 1)
        found.append(
            WeightHistogram(
                layer=layer.name,
                edges=tuple(map(float, edges)),
                before=tuple(map(int, np.histogram(before, edges)[0])),
                after=tuple(map(int, np.histogram(after, edges)[0])),
                zeros=int(np.sum(tensor.data == 0)),
            )
        )
    return tuple(found)


def _mistakes(splits: Splits, stored: NDArray[np.int8]) -> tuple[Mistake, ...]:
    """Return the test images whose wrong class leads the true one by most; of equal ones the first."""
    scores, labels = stored.astype(np.int32), splits.test.labels
    given = classify(stored)
    rows = np.arange(len(labels))
    margins = scores[rows, given] - scores[rows, labels]
    wrong = np.flatnonzero(given != labels)
    worst = wrong[np.argsort(-margins[wrong], kind="stable")][:WORST_SHOWN]
    return tuple(
        Mistake(
            int(i), int(labels[i]), int(given[i]), int(margins[i]), tuple(scores[i].tolist()), splits.test.images[i]
        )
        for i in worst
    )
