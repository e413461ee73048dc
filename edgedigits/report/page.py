"""The report of a build as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.engine.engine_facts import BYTES_HOW
from edgedigits.report import page_tables
from edgedigits.report.class_plots import class_plots
from edgedigits.report.confidence_plots import confidence_plots
from edgedigits.report.curves import has_loss, training_plots
from edgedigits.report.facts import BuildFacts, Mistake
from edgedigits.report.headlines import headlines
from edgedigits.report.packing_plots import packing_plots
from edgedigits.report.provenance import Part, obtained_table
from edgedigits.report.rendering import figures, page_templates, png_source, raised
from edgedigits.report.style import Plot
from edgedigits.report.weight_pictures import weight_pictures
from edgedigits.report.weight_plots import weight_plots
from edgedigits.report.words import compression_words, loss_meaning, loss_words, network, percent, split_words

_TEMPERATURE = "temperature chosen on the validation split, by the least cross-entropy"
_MARGIN = (
    "margin chosen there by the one-sided limit of Clopper and Pearson, which holds for one named beforehand; to "
    "choose it on these images weakens that a little"
)


def render_page(facts: BuildFacts, *, simulation: str = "") -> str:
    """Return report.html: one page that needs no other file, no network and no JavaScript.

    Args:
        facts: of the build.
        simulation: where the page of a simulation lies, seen from this one; "" where there is none.
    """
    return page_templates().get_template("report.html.j2").render(**_view(facts), simulation=simulation)


def _obtained(facts: BuildFacts, plots: Mapping[str, Sequence[Plot]]) -> Iterator[Part]:
    """Yield how the figures were obtained, by section."""
    evaluation = facts.evaluation
    scored = f"measured: model.tflite on {evaluation.scored_by}, {evaluation.scores.count:,} test images"
    yield from ((one.title, one.how) for one in headlines(facts))
    twin = "" if evaluation.float_accuracy is None else "; the float32 twin by litert-default"
    yield "Accuracy by stage", f"measured: Keras models{twin}"
    yield "Accuracy by stage", scored
    yield from ((title, plot.how) for title, some in plots.items() for plot in some)
    yield "The worst mistakes", scored
    if facts.confidence:
        yield "Confidence", _TEMPERATURE
        yield "Confidence", _MARGIN if facts.confidence.reject else ""
    yield "Layers and weights", "counted in model.tflite"
    yield "Size", "measured: bytes of the files, and through gzip -9 without name and time"
    if facts.engine:
        yield "The C engine", f"bytes {BYTES_HOW}; instructions {facts.engine.instructions_how}"
    yield "Agreement of runtimes", f"measured on {evaluation.host}, byte by byte against LiteRT's reference kernels"


def _view(facts: BuildFacts) -> dict[str, Any]:
    """Return everything the template lays out; it computes nothing."""
    evaluation = facts.evaluation
    plots = {
        "Training": training_plots(facts),
        "Digit by digit": class_plots(facts),
        "Confidence": confidence_plots(facts),
        "Layers and weights": weight_plots(facts),
        "The C engine": packing_plots(facts),
    }
    return {
        "name": facts.name,
        "network": network(facts),
        "loss": loss_words(facts.config),
        "loss_meaning": raised(loss_meaning(facts.config)),
        "has_loss": has_loss(facts),
        "compression": compression_words(facts),
        "softmax": evaluation.outputs_are == "probabilities",
        "digits": split_words(facts.data.sizes),
        "source": facts.data.source,
        "sees": "" if evaluation.view.is_plain else str(evaluation.view),
        "findings": [*filter(None, (facts.advice, evaluation.view.remark)), *facts.data.findings],
        "headlines": headlines(facts),
        "sizes": _size_bars(facts),
        "stages": page_tables.stages_table(facts),
        "figures_of": {title: figures(some) for title, some in plots.items()},
        "classes": page_tables.classes_table(facts),
        "calibration_error": percent(evaluation.scores.calibration_error),
        "ties": f"{evaluation.scores.ties:,}",
        "confidence": facts.confidence,
        "calibration": page_tables.calibration_table(facts),
        "decisions": page_tables.decisions_table(facts),
        "non_digits": page_tables.non_digits_table(facts),
        "mistakes": [_picture(mistake) for mistake in facts.mistakes],
        "mistake_count": f"{evaluation.scores.errors:,}",
        "image_count": f"{evaluation.scores.count:,}",
        "layers": page_tables.layers_table(facts),
        "neurons": weight_pictures(facts.first_layer),
        "size": page_tables.size_table(facts),
        "engine": facts.engine,
        "budget": facts.budget,
        "engine_layers": page_tables.engine_table(facts),
        "parity": page_tables.parity_table(facts),
        "data": page_tables.data_table(facts),
        "choices": page_tables.config_tables(facts),
        "versions": page_tables.versions_table(facts),
        "notes": [note for note in evaluation.notes if note != evaluation.view.remark],
        "obtained": obtained_table(_obtained(facts, plots)),
        "digest": facts.model.digest,
    }


def _size_bars(facts: BuildFacts) -> list[tuple[str, str, str]]:
    """Return label, figure and width in percent of the sizes, and of what the engine takes besides its code."""
    size, engine = facts.evaluation.size, facts.engine
    counts = [("float32", size.float_bytes), ("int8", size.raw), ("int8, gzip", size.gzip)]
    if engine:
        counts.append(("C engine", engine.constant_bytes))
    most = max(count for _, count in counts)
    return [(label, f"{count:,} B", f"{100 * count / most:.1f}%") for label, count in counts]


def _picture(mistake: Mistake) -> dict[str, Any]:
    pixels = mistake.pixels
    return {
        "source": "" if pixels is None else png_source(pixels.reshape(IMAGE_SIDE, IMAGE_SIDE)),
        "label": mistake.label,
        "predicted": mistake.predicted,
        "margin": mistake.margin,
        "index": mistake.index,
        # Of a report from before they were kept there are no scores.
        "bars": _bars(mistake) if mistake.scores else [],
        "second": _second(mistake) if mistake.scores else mistake.label,
    }


def _bars(mistake: Mistake) -> list[dict[str, Any]]:
    """Return digit, score, height from 0 to 1 and meaning of each score."""
    low, high = min(mistake.scores), max(mistake.scores)
    meaning = {mistake.predicted: "given", mistake.label: "true"}
    return [
        {
            "digit": digit,
            "score": score,
            "height": (score - low) / max(1, high - low),
            "kind": meaning.get(digit, "other"),
        }
        for digit, score in enumerate(mistake.scores)
    ]


def _second(mistake: Mistake) -> int:
    """Return the digit whose score comes behind that of the one given."""
    others = [(-score, digit) for digit, score in enumerate(mistake.scores) if digit != mistake.predicted]
    return min(others)[1]
