"""The tables of a report's page, as text laid out in rows."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.losses.catalogue import LOSSES
from edgedigits.model.summary import LayerFacts, shape_text
from edgedigits.report.facts import BuildFacts
from edgedigits.report.words import choice_words, left_words, percent, points, size_text, source_words, stage_label

NOTHING = "–"
_SHORT, _FEW = 4, 6
"""Letters of a short name, and columns that a narrow table has room for."""
_RUNTIMES = {
    "litert-default": "LiteRT's default kernels (XNNPACK), which round in float32",
    "litert-reference": "LiteRT's reference kernels, which round once",
    "tflm": "TensorFlow Lite Micro on this host, which rounds twice",
    "keras": "the Keras model that was converted, its outputs quantized",
    "keras-float": "the float32 twin, its outputs quantized: the price of int8",
}


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        label: what it holds, for those who cannot see it.
        head: titles of the columns.
        rows: cells by row; the first heads its row.
        words: columns that hold words and align left; the others hold figures.
        caption: how to read it, below it; "" where the page says so elsewhere.
        how: how its figures were obtained; a page says so at its end.
    """

    label: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = frozenset({0})
    caption: str = ""
    how: str = ""

    @property
    def has_short_names(self) -> bool:
        """Whether the rows are headed by numbers or the like, which need next to no room."""
        return max((len(row[0]) for row in self.rows), default=0) <= _SHORT

    @property
    def is_wide(self) -> bool:
        """Whether it needs the whole width of a page."""
        return len(self.head) > _FEW or len(self.words) > 1


def stages_table(facts: BuildFacts) -> Table:
    """Return accuracy by stage, the float32 twin and the file last."""
    start = facts.stages[0].test_accuracy
    rows: list[tuple[str, ...]] = []
    for stage in facts.stages:
        validation = stage.history.get("val_accuracy") or [float("nan")]
        cells = (percent(stage.test_accuracy), points(stage.test_accuracy - start), percent(validation[-1]))
        rows.append((stage_label(stage), *cells, f"{stage.epochs:,}", stage.title))
    if (teacher := facts.teacher) is not None:
        its_test, its_validation = teacher.test_accuracy, teacher.validation_accuracy
        how = f"What the stages were distilled from: {teacher.source}"
        rows.insert(0, ("teacher", percent(its_test), points(its_test - start), percent(its_validation), NOTHING, how))
    evaluation = facts.evaluation
    for label, accuracy, what in (
        ("float32 twin", evaluation.float_accuracy, "The same weights in float32"),
        ("int8", evaluation.scores.accuracy, "What is deployed"),
    ):
        if accuracy is not None:
            rows.append((label, percent(accuracy), points(accuracy - start), NOTHING, NOTHING, what))
    head = ("model", "test", "points", "validation", "epochs", "what it is")
    caption = "Points: of test accuracy against the float32 model; validation: at the last epoch."
    return Table("Accuracy by stage", head, tuple(rows), frozenset({0, 5}), caption)


def classes_table(facts: BuildFacts) -> Table:
    """Return precision, recall, F1, support and loss by class, and their means."""
    scores = facts.evaluation.scores
    rows: list[tuple[str, ...]] = [
        (
            str(digit),
            percent(one.precision),
            percent(one.recall),
            percent(one.f1),
            f"{one.support:,}",
            f"{one.loss:.4f}",
        )
        for digit, one in enumerate(scores.per_class)
    ]
    means = (scores.macro_precision, scores.macro_recall, scores.macro_f1)
    rows.append(("all", *map(percent, means), f"{scores.count:,}", f"{scores.loss:.4f}"))
    head = ("digit", "precision", "recall", "F1", "images", "loss (nats)")
    caption = "The last line: means over the digits; of the loss, over the images."
    return Table("Scores by digit", head, tuple(rows), caption=caption)


def calibration_table(facts: BuildFacts) -> Table | None:
    """Return what the temperature does to loss and calibration error on validation and test."""
    if facts.confidence is None:
        return None
    temperature = facts.confidence.temperature
    rows = tuple(
        (
            split,
            f"{one.images:,}",
            f"{one.loss_before:.4f}",
            f"{one.loss_after:.4f}",
            percent(one.error_before),
            percent(one.error_after),
        )
        for split, one in (("validation", temperature.validation), ("test", temperature.test))
    )
    head = ("split", "images", "loss (nats)", "calibrated", "said and true apart", "calibrated")
    caption = "Apart: the mean gap between what it says and how often it is right (expected calibration error)."
    return Table("What calibration does", head, rows, caption=caption)


def decisions_table(facts: BuildFacts) -> Table | None:
    """Return what is refused of validation and test, and how many of the others are wrong."""
    if facts.confidence is None or facts.confidence.reject is None:
        return None
    reject = facts.confidence.reject
    rows = tuple(
        (
            split,
            f"{one.images:,}",
            f"{one.refused:,}",
            percent(one.coverage),
            f"{one.wrong:,}",
            percent(one.error),
        )
        for split, one in (("validation", reject.validation), ("test", reject.test))
    )
    return Table("What is refused", ("split", "images", "refused", "accepted", "wrong of those", "share"), rows)


def non_digits_table(facts: BuildFacts) -> Table | None:
    """Return how many pictures that are no digits are refused, by kind."""
    if facts.confidence is None or facts.confidence.reject is None:
        return None
    rows = tuple(
        (one.kind, f"{one.images:,}", f"{one.refused:,}", percent(one.refused / one.images, 1))
        for one in facts.confidence.reject.non_digits
    )
    return Table("Pictures that are no digits", ("pictures", "images", "refused", "share"), rows)


def layers_table(facts: BuildFacts) -> Table:
    """Return shape, zeros against the target, distinct weights and bytes of each layer."""
    head = ("layer", "weights", "shape", "zeros", "target", "distinct", "entropy", "bytes", "MACs", "operator")
    rows = tuple(_layer(layer, facts.target_sparsity) for layer in facts.model.layers)
    caption = (
        "Bytes: of weights and bias; entropy: what an ideal coder would need for a weight; target: where a layer was "
        "pruned."
    )
    if left := left_words(facts):
        caption += f" What pruning took whole has left the file: {left}."
    return Table("Layers of model.tflite", head, rows, frozenset({0, 9}), caption)


def _layer(layer: LayerFacts, targets: dict[str, float]) -> tuple[str, ...]:
    operator = layer.op if layer.activation == "NONE" else f"{layer.op} + {layer.activation}"
    macs = NOTHING if layer.macs is None else f"{layer.macs:,}"
    weights = layer.weights
    if weights is None:
        return (layer.name, *[NOTHING] * 6, f"{layer.constant_bytes:,}", macs, operator)
    target = targets.get(layer.name)
    return (
        layer.name,
        f"{weights.count:,}",
        shape_text(weights.tensor.shape),
        NOTHING if weights.zeros is None else f"{weights.zeros:,} ({percent(weights.sparsity or 0, 1)})",
        NOTHING if target is None else percent(target, 1),
        NOTHING if weights.distinct is None else f"{weights.distinct:,}",
        NOTHING if weights.entropy_bits is None else f"{weights.entropy_bits:.2f} bit",
        f"{weights.nbytes + layer.bias_bytes + layer.constant_bytes:,}",
        macs,
        operator,
    )


def size_table(facts: BuildFacts) -> Table:
    """Return the bytes of the float32 model, of the file, of the file compressed, and of the C engine's arrays."""
    size, engine = facts.evaluation.size, facts.engine

    def row(what: str, nbytes: int, ratio: float | None, holds: str) -> tuple[str, ...]:
        times = NOTHING if ratio is None else f"{ratio:.1f}×"
        return (what, f"{nbytes:,}", size_text(nbytes), times, holds)

    rows = [
        row("float32 model", size.float_bytes, 1, "the same network, not compressed"),
        row("model.tflite, int8", size.raw, size.ratio, "what an interpreter loads"),
        row("of which not weights or biases", facts.model.overhead, None, "names, shapes, quantization, padding"),
        row("model.tflite through gzip", size.gzip, size.gzip_ratio, "what an update over the air takes"),
    ]
    if engine is not None:
        nbytes = engine.constant_bytes
        rows.append(row("C engine", nbytes, size.float_bytes / nbytes, "all its arrays; no file, no interpreter"))
    return Table("Sizes", ("what", "bytes", "", "times smaller", "what it is"), tuple(rows), frozenset({0, 4}))


def engine_table(facts: BuildFacts) -> Table | None:
    """Return the C engine by layer: how its weights are stored, and what that is expected to cost."""
    engine = facts.engine
    if engine is None:
        return None
    cores = [f"cycles, {core}" for core in engine.cycles]
    head = ("layer", "shape", "encoding", "bytes", "instructions", *cores, "stored")
    rows = [
        (
            str(number),
            f"{layer.inputs}-{layer.outputs}",
            layer.encoding,
            f"{layer.nbytes:,}",
            f"{layer.instructions:,}",
            *map("{:,}".format, layer.cycles.values()),
            layer.summary,
        )
        for number, layer in enumerate(engine.layers, 1)
    ]
    totals = engine.weight_bytes, engine.instructions, *engine.cycles.values()
    rows.append(("all", "", "", *map("{:,}".format, totals), ""))
    return Table("The C engine by layer", head, tuple(rows), frozenset({0, 1, 2, len(head) - 1}))


def parity_table(facts: BuildFacts) -> Table:
    """Return how far other runtimes are from the reference kernels of LiteRT."""
    rows = tuple(
        (
            row.runtime,
            f"{row.changed_classes:,} of {row.images:,}",
            f"{row.differing_bytes:,} of {row.bytes:,}",
            f"{row.max_lsb:,}",
            _RUNTIMES.get(row.runtime, ""),
        )
        for row in facts.evaluation.parity
    )
    head = ("runtime", "classes changed", "outputs that differ", "by at most (LSB)", "what it is")
    return Table("Agreement of runtimes", head, rows, frozenset({0, 4}))


def data_table(facts: BuildFacts) -> Table:
    """Return where the digits come from and how they were divided."""
    data = facts.data
    rows = [
        ("source", data.source),
        *((f"{split} images", f"{count:,}") for split, count in data.sizes.items()),
        *(("int8 on its own test digits", source_words(one)) for one in data.sources),
        ("SHA-256 of the splits", data.digest),
        ("SHA-256 of the test split", facts.evaluation.data_digest),
    ]
    if data.note:
        rows.insert(1, ("note", data.note))
    return Table("Data set", ("", ""), tuple(rows), frozenset({0, 1}))


def config_tables(facts: BuildFacts) -> tuple[Table, ...]:
    """Return every choice by table of the configuration; of a step that was not taken, only that."""
    return tuple(
        Table(f"[{section}]", ("", ""), tuple(_choices(section, table)), frozenset({0, 1}))
        for section, table in facts.config.items()
        if table
    )


def _choices(section: str, table: dict[str, object]) -> list[tuple[str, str]]:
    shown = {"enabled": False} if table.get("enabled") is False else table
    if section == "loss" and (loss := LOSSES.get(str(table.get("name")))):
        shown = {key: value for key, value in table.items() if key in ("name", *loss.values({}))}
    return [(key, choice_words(value)) for key, value in shown.items()]


def versions_table(facts: BuildFacts) -> Table:
    """Return the versions of the libraries that shape a build."""
    return Table("Versions", ("", ""), tuple(facts.versions.items()), frozenset({0, 1}))
