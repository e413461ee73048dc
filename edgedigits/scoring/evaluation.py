"""What an evaluation found: its figures, as JSON, and as a small HTML table for the last line of a notebook's cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from edgedigits.data.preprocess import PixelRange
from edgedigits.files.typed import Count, Share
from edgedigits.html_table import html_table
from edgedigits.scoring.latency import Latency
from edgedigits.scoring.metrics import TIE_RULE, Scores
from edgedigits.scoring.non_digits import Refusals
from edgedigits.scoring.parity import ParityRow
from edgedigits.scoring.reject import Decisions
from edgedigits.scoring.size import Size
from edgedigits.scoring.tflm import ArenaMeasurement
from edgedigits.view import PLAIN, View


@dataclass(frozen=True)
class SourceScore:
    """How a model does on the digits of one of several sources.

    Attributes:
        name: as a person would say it.
        count: of its digits among those scored.
        accuracy: on them, 0…1.
    """

    name: str
    count: Count
    accuracy: Share

    @property
    def words(self) -> str:
        """Such as "mine.csv 97.50% of 40"."""
        return f"{self.name} {self.accuracy:.2%} of {self.count:,}"


@dataclass(frozen=True)
class Evaluation:
    """Every figure about one model; each group says how it was obtained.

    Attributes:
        model: path of the .tflite.
        digest: SHA-256 of its bytes, in hexadecimal.
        data: what it was evaluated on, as a person would say it.
        data_digest: SHA-256 of those digits, in hexadecimal.
        pixels: what pixels are to the model, and how that is known.
        view: what it sees of an image.
        scores: accuracy and the rest.
        scored_by: the runtime that gave them.
        host: where everything was measured, e.g. "x86_64 Linux, 2 cores".
        outputs_are: "logits" or "probabilities".
        float_accuracy: accuracy of the float32 twin on the same digits, 0…1; None without one.
        size: bytes, and ratio to the float32 model.
        latency: time of one image on this host; None when it was not asked for.
        arena: RAM that TFLM needs; None where TFLM did not run.
        parity: every other runtime against the reference kernels of LiteRT; empty for a float32 model.
        notes: what was left out and why, one sentence each.
        decisions: what its engine refuses of the digits; None where it refuses nothing.
        refusals: what it refuses of pictures that are no digits, by their files.
        sources: accuracy by source, where the digits are of several.
    """

    model: str
    digest: str
    data: str
    data_digest: str
    pixels: PixelRange
    view: View = field(default=PLAIN, kw_only=True)  # As it was of builds that could not choose it.
    scores: Scores
    scored_by: str
    host: str
    outputs_are: str
    float_accuracy: Share | None
    size: Size
    latency: Latency | None
    arena: ArenaMeasurement | None
    parity: tuple[ParityRow, ...]
    notes: tuple[str, ...]
    decisions: Decisions | None = None
    refusals: tuple[Refusals, ...] = ()
    sources: tuple[SourceScore, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values; `scores.tie_rule` says who wins among equal scores.

        Without `sources` where the digits are of one.
        """
        facts = {name: value for name, value in asdict(self).items() if name != "sources" or value}
        facts["scores"]["tie_rule"] = TIE_RULE
        facts["scores"]["how"] = f"measured: {self.scored_by} on this host"
        facts["size"]["how"] = "measured: bytes of the file"
        facts["parity_how"] = "measured: every runtime on this host, on the same images"
        facts["float_accuracy_how"] = "measured: litert-default on this host, on the float32 twin"
        return facts

    def _repr_html_(self) -> str:
        return evaluation_to_html(self)


def evaluation_to_html(evaluation: Evaluation) -> str:
    """Return figures, per-class scores, confusion and parity as HTML with inline styles only."""
    parts = [
        f"<p><b>{escape(evaluation.model)}</b> on {escape(evaluation.data)}</p>",
        html_table((), _figures(evaluation)),
        html_table(("class", "precision", "recall", "F1", "loss", *map(str, range(10))), _classes(evaluation)),
    ]
    if evaluation.parity:
        head = ("runtime", "differing bytes", "max LSB", "changed classes")
        parts.append(html_table(head, _parity(evaluation)))
    parts.extend(f"<p>{escape(note)}</p>" for note in evaluation.notes)
    return "\n".join(parts)


def _figures(evaluation: Evaluation) -> Iterable[tuple[str, ...]]:
    scores, size = evaluation.scores, evaluation.size
    if not evaluation.view.is_plain:
        yield "sees of an image", str(evaluation.view), "as its build was told"
    yield "accuracy", f"{scores.accuracy:.2%} of {scores.count:,}", f"measured: {evaluation.scored_by}"
    for one in evaluation.sources:
        yield f"accuracy on {one.name}", f"{one.accuracy:.2%} of {one.count:,}", "measured"
    if evaluation.decisions is not None:
        yield "refused", evaluation.decisions.words, "measured"
    if evaluation.float_accuracy is not None:
        yield "accuracy of the float32 twin", f"{evaluation.float_accuracy:.2%}", "measured: litert-default"
    yield "loss, calibration error", f"{scores.loss:.4f}, {scores.calibration_error:.4f}", "measured"
    yield "size", f"{size.raw:,} B (gzip {size.gzip:,} B), {size.ratio:.1f}× below float32", size.float_how
    if evaluation.latency is not None:
        latency = evaluation.latency
        percentiles = " / ".join(f"{value:g}" for value in (latency.p50_us, latency.p90_us, latency.p99_us))
        yield "latency p50 / p90 / p99", f"{percentiles} µs", latency.how
    if evaluation.arena is not None:
        yield "TFLM arena", f"{evaluation.arena.bytes:,} B", evaluation.arena.how


def _classes(evaluation: Evaluation) -> Iterable[tuple[str, ...]]:
    for digit, (one, row) in enumerate(zip(evaluation.scores.per_class, evaluation.scores.confusion, strict=True)):
        figures = (f"{value:.4f}" for value in (one.precision, one.recall, one.f1, one.loss))
        yield (str(digit), *figures, *map(str, row))


def _parity(evaluation: Evaluation) -> Iterable[tuple[str, ...]]:
    for row in evaluation.parity:
        yield (
            f"{row.runtime} / {row.baseline}",
            f"{row.differing_bytes:,} of {row.bytes:,}",
            str(row.max_lsb),
            f"{row.changed_classes:,} of {row.images:,}",
        )
