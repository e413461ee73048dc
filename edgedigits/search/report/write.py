"""The report of a search: its front as table, pictures and commands. Writes page, JSON, CSV and pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.devices.gates import Limits
from edgedigits.files.writing import json_text
from edgedigits.progress import SILENT, Progress
from edgedigits.report.page_tables import Table
from edgedigits.report.provenance import obtained_table
from edgedigits.report.rendering import figures, page_templates
from edgedigits.report.style import INK, MUTED, Plot, new_figure
from edgedigits.report.words import percent
from edgedigits.search.front import Candidate, candidates_of, front_of
from edgedigits.search.trial_kind import GIVEN_UP
from edgedigits.study.report.drawing import look, percent_axis
from edgedigits.study.report.write import write_files
from edgedigits.study.run.figures import COUNTED_IMAGES
from edgedigits.study.run.rows import DONE, FAILED, Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, JSON, CSV = "report.html", "search.json", "search.csv"
_TEMPLATES = Path(__file__).parent / "templates"
_HEAD = ("trial", "validation", "flash B", "instructions", "test", "choices")
_SCORED = "measured: LiteRT's reference kernels on this host"
_COSTS = {"flash": "bytes of flash", "instructions": "instructions an image"}


@dataclass(frozen=True)
class Result:
    """What a search has found so far.

    Attributes:
        name: of its folder.
        core: that instructions were counted on.
        limits: of flash and instructions.
        candidates: what was built and measured, in the order of the search.
        front: of them, what no other beats within the limits, the smallest first.
        given_up, failed: trials that came to nothing, in words.
    """

    name: str
    core: str
    limits: Limits
    candidates: Sequence[Candidate]
    front: Sequence[Candidate]
    given_up: Sequence[str]
    failed: Sequence[str]

    @property
    def sentence(self) -> str:
        """How it stands."""
        limits = [f"{getattr(self.limits, cost):,.0f} {_COSTS[cost]}" for cost in _COSTS if getattr(self.limits, cost)]
        within = f" within {' and '.join(limits)}" if limits else ""
        return (
            f"{len(self.front):,} on the front of {len(self.candidates):,} builds{within}, on {self.core}; "
            f"{len(self.given_up):,} given up, {len(self.failed):,} failed."
        )

    @property
    def how(self) -> dict[str, str]:
        """How its figures were obtained."""
        emulated = f"emulated: {self.core}, unicorn, zig -O2, mean of the first {COUNTED_IMAGES} test images"
        measured = f"measured: ELF of the engine, code and constants, {self.core}, zig -O2"
        return {
            "validation": f"{_SCORED}, on the split that chooses",
            "test": f"{_SCORED}, on digits that nothing was chosen by",
            "flash B": measured,
            "instructions": emulated,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            "core": self.core,
            "limits": {cost: getattr(self.limits, cost) for cost in _COSTS},
            "front": [asdict(one) for one in self.front],
            "trials": [asdict(one) for one in self.candidates],
            "given_up": list(self.given_up),
            "failed": list(self.failed),
            "how": self.how,
        }


def result_of(name: str, core: str, limits: Limits, trials: Sequence[Trial]) -> Result:
    """Return what a search has found.

    Args:
        name: of its folder.
        core: that instructions were counted on.
        limits: of flash and instructions.
        trials: of its database.
    """
    candidates = candidates_of(trials)
    given_up = [_told(one, one.result[GIVEN_UP]) for one in trials if one.status == DONE and GIVEN_UP in one.result]
    failed = [_told(one, one.error) for one in trials if one.status == FAILED]
    return Result(name, core, limits, candidates, front_of(candidates, limits), given_up, failed)


def _told(trial: Trial, words: str) -> str:
    return f"{trial.number + 1} ({trial.spec['label']}): {words.rstrip('.')}"


def write_search(result: Result, out: Path, progress: Progress = SILENT) -> tuple[Path, ...]:
    """Write the report of a search; return its files, and the folder of its pictures.

    Raises:
        DataError: `out` cannot be written, or what is there is not as an earlier report wrote it.
    """
    plots = tuple(_plot(result, cost) for cost in _COSTS) if result.candidates else ()
    texts = {PAGE: _page(result, plots), JSON: json_text(result.to_json()), CSV: _csv(result)}
    return write_files(out, texts, plots, progress)


def table_of(candidates: Iterable[Candidate], label: str) -> Table:
    """Return a row a build."""
    rows = tuple(
        (
            str(one.number),
            percent(one.val_accuracy),
            f"{one.flash:,}",
            f"{one.instructions:,.0f}",
            percent(one.accuracy),
            one.words,
        )
        for one in candidates
    )
    return Table(label, _HEAD, rows, frozenset({0, len(_HEAD) - 1}))


def _page(result: Result, plots: Sequence[Plot]) -> str:
    return (
        page_templates(_TEMPLATES)
        .get_template("search.html.j2")
        .render(
            name=result.name,
            sentence=result.sentence,
            failed=result.failed,
            given_up=result.given_up,
            pictures=figures(plots),
            front=table_of(result.front, "Front"),
            commands=[(one.number, one.command) for one in result.front],
            trials=table_of(result.candidates, "Trials"),
            obtained=obtained_table(result.how.items()),
        )
    )


def _csv(result: Result) -> str:
    names = [field.name for field in fields(Candidate) if field.name not in ("values", "command")]
    axes = list(dict.fromkeys(name for one in result.candidates for name in one.values))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "on_front", *axes, "command"])
    for one in result.candidates:
        told = [getattr(one, name) for name in names]
        chosen = [_cell(one.values.get(name, "")) for name in axes]
        writer.writerow([*told, int(one in result.front), *chosen, one.command])
    return text.getvalue()


def _cell(value: Any) -> Any:
    return "-".join(map(str, value)) if isinstance(value, list) else value


def _plot(result: Result, cost: str) -> Plot:
    return Plot(
        f"front_{cost}",
        f"Validation accuracy against {_COSTS[cost]}: {len(result.front)} of {len(result.candidates)} on the front.",
        f"{result.how['validation']}; {result.how['flash B' if cost == 'flash' else cost]}",
        partial(_draw, result, cost),
        "the line marks the limit" if getattr(result.limits, cost) else "",
    )


def _draw(result: Result, cost: str) -> Figure:
    figure, axes = new_figure(f"Validation accuracy against {_COSTS[cost]}", 226, (42, 34, 14, 28))
    for number, (label, some) in enumerate({"front": result.front, "trials": result.candidates}.items()):
        colour, marker = look(number)
        shown = [one for one in some if label == "front" or one not in result.front]
        costs, accuracies = [getattr(one, cost) for one in shown], [100 * one.val_accuracy for one in shown]
        axes.plot(costs, accuracies, marker, color=colour, markersize=4, alpha=0.8, label=label)
    if limit := getattr(result.limits, cost):
        axes.axvline(limit, color=INK, linewidth=0.8)
    axes.set_xscale("log")
    axes.margins(y=0.12)
    axes.grid(axis="y")
    axes.set_xlabel(_COSTS[cost], fontsize=9.5, labelpad=2, color=MUTED)
    axes.legend(loc="lower right", fontsize=8.5)
    percent_axis(axes.yaxis)
    return figure
