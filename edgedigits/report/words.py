"""Says the facts of a build in words and figures, the same on a terminal, in the page and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgedigits.losses.catalogue import LOSSES
from edgedigits.model.summary import LayerFacts
from edgedigits.report.facts import BuildFacts, SourceSummary
from edgedigits.scoring.record import StageSummary
from edgedigits.stages.catalogue import label, past_words

_KIB = 1024


@dataclass(frozen=True)
class StageAccuracy:
    """One accuracy on the way from the float32 model to the file.

    Attributes:
        label: short, e.g. "pruned".
        accuracy: on the test split, 0…1.
        how: how it was obtained.
    """

    label: str
    accuracy: float
    how: str


def percent(share: float, digits: int = 2) -> str:
    """Return 0.9749 as "97.49%"."""
    return f"{share:.{digits}%}"


def points(difference: float) -> str:
    """Return a difference of two shares in percentage points, signed: "−0.27", "+0.10" or "±0.00"."""
    text = f"{100 * difference:+.2f}".replace("-", "−")
    return "±0.00" if text in ("+0.00", "−0.00") else text


def size_text(count: int) -> str:
    """Return bytes for people: "812 B" or "28.8 KiB"."""
    return f"{count:,} B" if count < _KIB else f"{count / _KIB:,.1f} KiB"


def stage_label(stage: StageSummary) -> str:
    """Return the short name of a stage's result."""
    return label(stage.name)


def dense_layers(facts: BuildFacts) -> tuple[LayerFacts, ...]:
    """Return the layers that hold weights, from the input to the output."""
    return tuple(layer for layer in facts.model.layers if layer.weights is not None)


def network(facts: BuildFacts) -> str:
    """Return the widths of the network, e.g. "784-32-16-10"."""
    return "-".join(map(str, widths(facts)))


def widths(facts: BuildFacts) -> list[int]:
    """Return how many inputs the network has, and how many outputs each of its layers."""
    shapes = [layer.weights.tensor.shape for layer in dense_layers(facts) if layer.weights]
    return [facts.model.inputs[0].shape[-1], *(shape[0] for shape in shapes)] if shapes else []


def inputs_read(facts: BuildFacts) -> int:
    """Return how many of its inputs the first layer reads."""
    shapes = [layer.weights.tensor.shape for layer in dense_layers(facts) if layer.weights]
    return shapes[0][-1] if shapes else 0


def left_words(facts: BuildFacts) -> str:
    """Return what was taken out of the network: "reads 392 inputs, trained as 784-64-32-10"; "" where nothing was."""
    found = widths(facts)
    hidden = list(facts.config.get("model", {}).get("hidden", found[1:-1]))
    read = f"reads {inputs_read(facts):,} inputs" if inputs_read(facts) < found[0] else ""
    trained = "-".join(map(str, (found[0], *hidden, found[-1])))
    return ", ".join(filter(None, (read, f"trained as {trained}" if hidden != found[1:-1] else "")))


def sparsity(facts: BuildFacts) -> float:
    """Return the share of zeros among all weights of the file."""
    return facts.model.zeros / max(1, facts.model.weights)


def accuracy_steps(facts: BuildFacts) -> tuple[StageAccuracy, ...]:
    """Return the test accuracy after each stage, and last that of the file."""
    steps = [StageAccuracy(stage_label(s), s.test_accuracy, "measured: Keras model") for s in facts.stages]
    runtime = facts.evaluation.scored_by
    return (*steps, StageAccuracy("int8", facts.evaluation.scores.accuracy, f"measured: model.tflite on {runtime}"))


def loss_words(config: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the loss and its parameters, and what is beside it, e.g. "focal (γ = 2), distilled (T = 2, a = 0.7)"."""
    said, distill = config.get("loss", {}), config.get("distill", {})
    loss = LOSSES.get(str(said.get("name")))
    words = loss.words(said) if loss else str(said.get("name", "unknown"))
    if smoothing := config.get("training", {}).get("label_smoothing"):
        words += f", labels smoothed by {smoothing:g}"
    if distill.get("teacher"):
        words += f", distilled (T = {distill['temperature']:g}, a = {distill['weight']:g})"
    return words


def loss_meaning(config: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what the loss minimises, for an image whose true class has the probability p."""
    said = config.get("loss", {})
    loss = LOSSES.get(str(said.get("name")))
    return loss.meant(said) if loss else ""


def choice_words(value: Any) -> str:
    """Return a value of the configuration as a person would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {choice_words(one)}" for key, one in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(choice_words(one) for one in value) or "none"
    return str(value) if value != "" else "–"


def compression_words(facts: BuildFacts) -> str:
    """Return what was done to the float32 model, e.g. "pruned to 80%, trained quantization-aware"."""
    return past_words([stage.name for stage in facts.stages], facts.target_sparsity)


def source_words(source: SourceSummary) -> str:
    """Return the accuracy on a source: "mine.csv (counts 3 times) 97.50% of 40, 81.25% before"."""
    weight = f" (counts {source.weight:g} times)" if source.weight != 1 else ""
    before = "" if source.start_accuracy is None else f", {percent(source.start_accuracy)} before"
    return f"{source.name}{weight} {percent(source.test_accuracy)} of {source.sizes['test']:,}{before}"


def split_words(sizes: Mapping[str, int]) -> str:
    """Return the sizes of the splits: "3,825 train, 425 validation, 750 test"."""
    return ", ".join(f"{count:,} {split}" for split, count in sizes.items())
