"""Finds the page of a folder, or draws that of a build anew from its report.json."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgedigits.data.writing import refuse_existing, replacing
from edgedigits.errors import DataError
from edgedigits.files.writing import write_text
from edgedigits.model.contract import weights_of_inputs
from edgedigits.model.reader import read_tflite
from edgedigits.report.facts import BuildFacts, FirstLayer, read_report
from edgedigits.report.packings import with_packings
from edgedigits.report.page import render_page
from edgedigits.report.places import drawn_page, find_page, find_simulation, link_to
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.scoring.subject_digits import digits_at_hand


@dataclass(frozen=True)
class Pages:
    """What there is to look at.

    Attributes:
        page: of the folder.
        drawn: it was drawn now; else it was there.
        simulation: the page of a simulation of the build, where there is one.
        note: what the page drawn lacks, or "".
    """

    page: Path
    drawn: bool
    simulation: Path | None = None
    note: str = ""


def pages_of(folder: Path) -> Pages | None:
    """Return the page of a folder of a build, simulation, study or search; None where there is none.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}.", hint="Give the folder of a build, a simulation, a study or a search.")
    page = find_page(folder)
    return Pages(page, drawn=False, simulation=find_simulation(folder)) if page else None


def draw_page(folder: Path, path: Path | None = None, *, force: bool = False) -> Pages:
    """Draw the page of a build from its report.json, its model, and its digits where they are on this machine.

    Args:
        folder: of a build.
        path: the page; by default beside the folder, and called like it.
        force: replace a file.

    Raises:
        DataError: the folder holds no report of a build, its model is another one, or the page cannot be written.
    """
    facts = read_report(folder)
    page = path or drawn_page(folder)
    refuse_existing(page, force=force)
    subject = find_subject(folder)
    graph = read_tflite(subject.model)
    facts = replace(with_packings(facts, graph), first_layer=FirstLayer(None, weights_of_inputs(graph)))
    facts, note = _with_pictures(facts, subject)
    simulation = find_simulation(folder)
    with replacing(page, force=force) as temporary:
        write_text(temporary, render_page(facts, simulation=link_to(simulation, page.resolve().parent)))
    return Pages(page, True, simulation, note)


def _with_pictures(facts: BuildFacts, subject: Subject) -> tuple[BuildFacts, str]:
    """Return the facts with the pixels of the mistakes; as they are, and why, where those are not at hand."""
    chosen, why = digits_at_hand(subject)
    if chosen and chosen.digits.digest != facts.evaluation.data_digest:
        why = "the digits are others today than those it was tested on."
    if chosen is None or why:
        return facts, f"Pictures of the mistakes are left out: {why}"
    digits = chosen.digits
    mistakes = tuple(replace(one, pixels=digits.images[one.index]) for one in facts.mistakes)
    return replace(facts, mistakes=mistakes), ""
