"""The tiles that a study's page opens with: best, smallest, and whether the loss matters."""

from __future__ import annotations

from edgedigits.report.headlines import Headline
from edgedigits.study.findings.answer import WITHIN, Lead, LossVerdict, StudyAnswer, Wanted
from edgedigits.study.findings.effects import Effect, behind, in_points
from edgedigits.study.findings.insights import COSTS, Insights

_POINTS = f"{100 * WITHIN:g} points"
_SEEDS = "measured: mean over seeds, on digits that were not trained on"
_TEST = "Student's t over seeds, in trials that differ in nothing else but the loss"


def tiles(insights: Insights) -> list[Headline]:
    """Return the answer of a study; nothing where nothing can be compared."""
    answer = insights.answer
    if answer is None:
        return []
    smallest = [_smallest(answer.smallest, answer.best)] if answer.smallest else []
    return [_best(answer, insights.chapter.settings), *smallest, _loss(answer.loss)]


def _best(answer: StudyAnswer, settings: str) -> Headline:
    best = answer.best
    size = "" if best.cost is None else f", {best.cost:,.0f} {COSTS[best.counted]}"
    detail = " ".join(filter(None, (f"{best.variant}{size}.", settings, _ahead(answer.lead))))
    test = "; chosen by the other seeds, tested by Student's t over seeds" if answer.lead else ""
    return Headline("Most accurate", _accuracy(best), detail, _SEEDS + test, best.command)


def _ahead(lead: Lead | None) -> str:
    if lead is None:
        return "It is not held against a next one: there is none, or variants lack seeds that others have."
    if lead.difference <= 0:
        return (
            f"It is not surely the best: chosen by the other seeds, the best comes {behind(lead.difference)} the "
            f"next, {lead.next} ({lead.span})."
        )
    return f"Ahead of the next, {lead.next}, by {in_points(lead.difference)} points ({lead.verdict})."


def _accuracy(one: Wanted) -> str:
    reach = "" if one.low is None or one.high is None else f" ± {50 * (one.high - one.low):.2f}"
    return f"{100 * one.accuracy:.2f}{reach}%"


def _smallest(one: Wanted, best: Wanted) -> Headline:
    detail = f"{one.variant}: {_accuracy(one)}, {100 * (best.accuracy - one.accuracy):.2f} points below the best."
    if one.variant == best.variant:
        detail = f"{one.variant}: the most accurate itself."
    size = f"{one.cost:,.0f} {COSTS[one.counted]}"
    return Headline(f"Smallest within {_POINTS} of the best", size, detail, _SEEDS, one.command)


def _loss(verdict: LossVerdict) -> Headline:
    if verdict.largest is None:
        why = "No two trials differ in the loss alone."
    elif verdict.answer == "no":
        why = f"Whatever difference there is, it is below {_POINTS}: {_difference(verdict.largest)}."
    else:
        why = f"{_difference(verdict.largest, all_of=verdict.compared)}."
    pairs = f"{verdict.compared} {'pair' if verdict.compared == 1 else 'pairs'} of losses"
    rule = f"yes: real among {pairs} at a false discovery rate of 5%; no: every 95% interval within ±{_POINTS}"
    return Headline("Does the loss matter?", verdict.answer, why, f"{_TEST}; {rule}" if verdict.largest else _TEST)


def _difference(one: Effect, all_of: int = 1) -> str:
    surest = "The surest difference: " if all_of > 1 else ""
    return f"{surest}{one.value} against {one.against} {in_points(one.difference)} points ({one.verdict})"
