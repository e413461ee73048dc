"""The few figures of a build that matter, for the head of the page and for notebooks."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.engine.engine_facts import EngineFacts
from edgedigits.report.facts import BuildFacts
from edgedigits.report.words import dense_layers, left_words, network, percent, points, sparsity


@dataclass(frozen=True)
class Headline:
    """One of the few figures that matter.

    Attributes:
        title: what it is.
        value: the figure.
        detail: what it comes from.
        how: how it was obtained.
        command: what to type for it, or "".
    """

    title: str
    value: str
    detail: str
    how: str
    command: str = ""


def headlines(facts: BuildFacts) -> list[Headline]:
    """Return accuracy, sizes, zeros, network and, where there are such, refusals and RAM."""
    evaluation, model = facts.evaluation, facts.model
    scores, size = evaluation.scores, evaluation.size
    start = facts.stages[0].test_accuracy
    found = [
        Headline(
            "Accuracy, int8",
            percent(scores.accuracy),
            f"float32 {percent(start)}, {points(scores.accuracy - start)} points",
            f"measured: {scores.count:,} test images, {evaluation.scored_by}",
        ),
        Headline(
            "Size of model.tflite",
            f"{size.raw:,} B",
            f"{size.ratio:.1f}× below float32; gzip {size.gzip:,} B, {size.gzip_ratio:.1f}×",
            f"measured: the file; float32 {size.float_how}",
        ),
        Headline(
            "Weights that are 0",
            percent(sparsity(facts), 1),
            f"{model.zeros:,} of {model.weights:,} weights",
            "counted in the file",
        ),
        _of_network(facts),
    ]
    if facts.engine is not None:
        found.insert(2, _of_engine(facts.engine))
    if facts.confidence is not None and facts.confidence.reject is not None:
        reject, test = facts.confidence.reject, facts.confidence.reject.test
        found.append(
            Headline(
                "Refused",
                percent(1 - test.coverage, 1),
                f"of those accepted {percent(test.error)} wrong; wished {percent(reject.wish)}",
                f"measured: {test.images:,} test images, a margin of {reject.margin} steps",
            )
        )
    if evaluation.arena is not None:
        arena = evaluation.arena
        detail = "an upper bound: pointers of a 32-bit core are smaller"
        found.append(Headline("RAM for TFLM", f"{arena.bytes:,} B", detail, arena.how))
    return found


def _of_network(facts: BuildFacts) -> Headline:
    model, layers = facts.model, len(dense_layers(facts))
    macs = "" if model.macs is None else f", {model.macs:,} MACs an image"
    left = f"; {left_words(facts)}" if left_words(facts) else ""
    return Headline(
        "Network",
        network(facts),
        f"{layers} {'layer' if layers == 1 else 'layers'}, {model.parameters:,} parameters{macs}{left}",
        "counted in the file and from its shapes",
    )


def _of_engine(engine: EngineFacts) -> Headline:
    return Headline(
        "C engine",
        f"{engine.constant_bytes:,} B",
        f"beside its code; {engine.workspace_bytes:,} B of RAM, about {engine.instructions:,} instructions an image",
        "measured: the arrays of its source; instructions estimated: Cortex-M4",
    )
