"""What a byte less costs in instructions, for a model that was built before: from its report, or reckoned now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgedigits.errors import DataError
from edgedigits.model.front import Packing, packings
from edgedigits.model.ir import Graph
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal
from edgedigits.model.simplify import simplify
from edgedigits.report.facts import BuildFacts, read_report


def packings_of(model: Path, graph: Graph) -> tuple[tuple[Packing, ...], Packing | None]:
    """Return the packings that no other beats, and the one that a build has taken; None where that is not known.

    Args:
        model: path of a `.tflite`, perhaps in the folder of a build.
        graph: of it.
    """
    try:
        facts = read_report(model.parent)
    except DataError:
        facts = None
    if facts is not None and facts.model.digest == graph.digest:
        facts = with_packings(facts, graph)
        if facts.packings:
            return facts.packings, facts.packing
    return packings(simplify(lower(graph))), None


def with_packings(facts: BuildFacts, graph: Graph) -> BuildFacts:
    """Return the facts of a build for size with its packings, where an older report lacks them.

    What was measured on its images is not known any more: only where the build measured nothing can they be reckoned.
    """
    engine = facts.engine
    if facts.packings or engine is None or engine.optimize != Goal.SIZE or engine.measured_on:
        return facts
    return replace(facts, packings=packings(simplify(lower(graph))))
