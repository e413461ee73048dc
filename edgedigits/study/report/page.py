"""The report of a study as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from edgedigits.report.page_tables import Table
from edgedigits.report.provenance import Part, obtained_table
from edgedigits.report.rendering import figures, page_templates
from edgedigits.report.style import Plot
from edgedigits.study.findings.effects import Untold
from edgedigits.study.findings.insights import COSTS, DEVICES_TITLE, Insights, advice_words
from edgedigits.study.report.overview import EFFECTS, PARETO
from edgedigits.study.report.tables import DIGITS, FRONT, study_tables
from edgedigits.study.report.tiles import tiles

_FINDINGS = (
    "differences are of accuracy or, where named, of F1 and recall; intervals are Student's t over seeds, on the same "
    "digits; “real” is what holds among all that are listed together at a false discovery rate of 5% (Benjamini, "
    "Hochberg), with three seeds or more; “likely” leaves 0 out by itself only"
)
_TEMPLATES = Path(__file__).parent / "templates"


def render_study(insights: Insights, plots: tuple[Plot, ...]) -> str:
    """Return report.html: one page that needs no other file, no network and no JavaScript."""
    tables = study_tables(insights)
    beside = (EFFECTS, *(f"{PARETO}{cost}" for cost in COSTS))
    drawn = {plot.name: figures([plot]) for plot in plots if plot.name in beside}
    others = [plot for plot in plots if plot.name not in beside]
    return (
        page_templates(_TEMPLATES)
        .get_template("study.html.j2")
        .render(
            name=insights.name,
            trials=f"{len(insights.frame):,}",
            unfinished=insights.unfinished,
            failed=insights.failed,
            tiles=tiles(insights),
            groups=[_group(title, some) for title, some in insights.groups.items() if title != DEVICES_TITLE],
            advice=[(advice_words(one), one.command) for one in insights.recommendations],
            effect_figures=drawn.get(EFFECTS, []),
            wide_figures=figures(plot for plot in others if plot.wide),
            narrow_figures=figures(plot for plot in others if not plot.wide),
            fronts=[(drawn.get(f"{PARETO}{cost}", []), tables[f"{FRONT}{cost}"]) for cost in insights.fronts],
            chapter=insights.chapter,
            tables=tables,
            digits=[table for name, table in tables.items() if name.startswith(DIGITS)],
            notes=sorted(set(insights.frame["note"]) - {""}),
            obtained=obtained_table(_obtained(insights, tables, plots)),
        )
    )


def _obtained(insights: Insights, tables: Mapping[str, Table], plots: Sequence[Plot]) -> Iterator[Part]:
    """Yield how the figures of the page were obtained."""
    paired = f", {insights.chapter.paired}" if insights.chapter.paired else ""
    yield from ((one.title, one.how) for one in tiles(insights))
    yield from ((one.label, one.how) for one in tables.values())
    yield "Findings", f"trials that differ in nothing else, compared in pairs{paired}; {_FINDINGS}"
    beside = {name: one.label for name, one in tables.items()}
    beside |= {f"{PARETO}{cost}": beside[f"{FRONT}{cost}"] for cost in insights.fronts}
    yield from ((beside.get(one.name, "Pictures"), one.how) for one in plots)


def _group(title: str, sentences: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """Return a title, the sentences that tell something, and those that do not and are folded."""
    untold = [str(one) for one in sentences if isinstance(one, Untold)]
    return title, [one for one in sentences if not isinstance(one, Untold)], untold
