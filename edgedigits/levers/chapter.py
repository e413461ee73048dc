"""What each lever does at equal bytes of engine: in sentences, and as a table of the page.

Builds to a budget are held against the base of the same budget and seed. What is pruned in turn was built at several
sparsities: its accuracy at the budget lies on the line between its two neighbours, over the logarithm of the bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd
from markupsafe import Markup

from edgedigits.levers.plan import BASE, CQAT, DISTILLED, IN_ONE, IN_TURN, PCQAT, PQAT, SCRATCH, TICKET
from edgedigits.report.page_tables import NOTHING, Table
from edgedigits.study.findings.effects import Difference, corrected, foldable, in_points, over_seeds
from edgedigits.study.kinds import Chapter

TITLE = "What each lever does at equal bytes"
_TEXT = Markup(
    "<p>Points of accuracy on the test set against the base, paired by seed, at as many bytes of weights, biases and "
    "layer constants. Builds to a budget meet it themselves. What is compressed in turn has none: PQAT is pruned, CQAT "
    "clustered, PCQAT both, each then trained quantization-aware. It is built at several sparsities, CQAT at several "
    "widths, and its accuracy is read off between them, linearly over the logarithm of the engine's bytes; a seed "
    "whose bytes are all on one side of the budget is left out.</p>"
)
_HEAD = ("lever", "bytes", "value", "against", "points", "95% interval", "engine B")
_QUESTIONS = {lever.axis: lever.asks for lever in IN_ONE} | {DISTILLED: "Distillation"}
_ORDER, _TURN, _TICKET = "Joint or in turn", "Schedule in turn", "Lottery ticket or from scratch"
_WHOLE_BITS = "8"

BySeed = dict[int, float]


@dataclass(frozen=True, kw_only=True)
class LeverEffect(Difference):
    """What a value of a lever does, in accuracy at equal bytes.

    Attributes:
        lever: the question.
        budget: bytes.
        value, against: what is compared.
        nbytes: mean bytes of the engine's constants; None where accuracy was read off at the budget.
    """

    lever: str
    budget: int
    value: str
    against: str
    nbytes: float | None = None

    @property
    def words(self) -> str:
        """The value with its numbers."""
        return f"{self.value} {in_points(self.difference)} points ({self.verdict})"


def lever_chapter(frame: pd.DataFrame) -> Chapter:
    """Return what is told of the trials of `study run levers` that are finished."""
    found = lever_effects(frame)
    return Chapter(
        title=TITLE,
        sentences=[*lever_sentences(found), *_unmet(frame)],
        facts=[asdict(one) for one in found],
        text=_TEXT,
        table=_effects_table(found),
        against="the float32 network that its compression started from",
    )


def lever_effects(frame: pd.DataFrame) -> list[LeverEffect]:
    """Return the effect of every value of every lever, budget by budget."""
    found: list[LeverEffect] = []
    for budget, rows in frame.groupby("budget", sort=False):
        found += [*_in_one(rows, int(str(budget))), *_in_turn(rows, int(str(budget)))]
    return corrected(found)


def _in_one(rows: pd.DataFrame, budget: int) -> Iterable[LeverEffect]:
    base = _by_seed(rows[rows["lever"] == BASE])
    others = rows[rows["lever"].isin(_QUESTIONS)]
    for (lever, value, against), some in others.groupby(["lever", "value", "against"], sort=False):
        words = f"{lever} {against}"
        nbytes = float(some["engine_bytes"].mean())
        yield from _effect(_QUESTIONS[str(lever)], budget, str(value), words, _by_seed(some), base, nbytes)


def _in_turn(rows: pd.DataFrame, budget: int) -> Iterable[LeverEffect]:
    swept = rows[rows["lever"] == IN_TURN]
    ways = {str(way): at_bytes(some, budget) for way, some in swept.groupby("value", sort=False)}
    whole = rows[(rows["lever"] == "weight_bits") & (rows["value"] == _WHOLE_BITS)]
    base = _by_seed(rows[rows["lever"] == BASE])
    yield from _effect(_ORDER, budget, PQAT, f"joint with {_WHOLE_BITS} bits", ways.get(PQAT, {}), _by_seed(whole))
    for way in (PQAT, CQAT, PCQAT):
        yield from _effect(_ORDER, budget, way, "the base", ways.get(way, {}), base)
    for lever, way, against in (
        (_ORDER, PCQAT, PQAT),
        (_TURN, TICKET, PQAT),
        (_TURN, SCRATCH, PQAT),
        (_TICKET, TICKET, SCRATCH),
    ):
        yield from _effect(lever, budget, way, against, ways.get(way, {}), ways.get(against, {}))


def _effect(
    lever: str, budget: int, value: str, against: str, here: BySeed, there: BySeed, nbytes: float | None = None
) -> Iterable[LeverEffect]:
    """Yield the effect, where there is a seed that both sides have."""
    by_seed = [here[seed] - there[seed] for seed in here if seed in there]
    if by_seed:
        yield LeverEffect(
            lever=lever, budget=budget, value=value, against=against, nbytes=nbytes, **over_seeds(by_seed)
        )


def _by_seed(rows: pd.DataFrame) -> BySeed:
    return {int(seed): float(value) for seed, value in zip(rows["seed"], rows["accuracy"], strict=True)}


def at_bytes(rows: pd.DataFrame, budget: int) -> BySeed:
    """Return the accuracy of each seed at so many bytes, of trials at several; seeds without a neighbour left out."""
    found = {}
    for seed, some in rows.dropna(subset=["engine_bytes"]).groupby("seed", sort=False):
        points = dict(zip(some["engine_bytes"], some["accuracy"], strict=True))
        if (accuracy := interpolate(points, budget)) is not None:
            found[int(str(seed))] = accuracy
    return found


def interpolate(points: Mapping[float, float], nbytes: float) -> float | None:
    """Return what lies at so many bytes on the line between its neighbours, over the logarithm of the bytes.

    Args:
        points: accuracy by bytes.
        nbytes: where.

    Returns:
        None where all points are on one side.
    """
    below, above = ([one for one in points if side(one)] for side in (lambda b: b <= nbytes, lambda b: b >= nbytes))
    if not below or not above:
        return None
    low, high = max(below), min(above)
    share = math.log(nbytes / low) / math.log(high / low) if high > low else 0.0
    return points[low] + share * (points[high] - points[low])


def lever_sentences(found: Sequence[LeverEffect]) -> list[str]:
    """Return a sentence for each lever, budget, and what is held against."""
    heads: dict[tuple[str, int, str], list[LeverEffect]] = {}
    for one in found:
        heads.setdefault((one.lever, one.budget, one.against), []).append(one)
    return [
        foldable(f"{lever}, at {budget:,} B against {against}: {'; '.join(one.words for one in some)}.", *some)
        for (lever, budget, against), some in heads.items()
    ]


def _unmet(frame: pd.DataFrame) -> Iterable[str]:
    """Yield a sentence for what was swept in turn without coming about a budget."""
    for (budget, schedule), rows in frame[frame["lever"] == IN_TURN].groupby(["budget", "value"], sort=False):
        if not at_bytes(rows, int(str(budget))):
            low, high = rows["engine_bytes"].min(), rows["engine_bytes"].max()
            yield (
                f"In turn ({schedule}), at {budget:,} B: nothing is told, for no seed has engines on both sides; they "
                f"take {low:,.0f} to {high:,.0f} B."
            )


def _effects_table(found: Sequence[LeverEffect]) -> Table:
    return Table(
        TITLE,
        _HEAD,
        tuple(
            (
                one.lever,
                f"{one.budget:,}",
                one.value,
                one.against,
                in_points(one.difference),
                one.verdict,
                f"{one.nbytes:,.0f}" if one.nbytes is not None else NOTHING,
            )
            for one in found
        ),
    )
