"""What a study found, in sentences that carry their numbers, and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from edgedigits.study.choices import Recommendation, pareto, recommendations, variant_means, variant_words
from edgedigits.study.digit_findings import BestForDigit, Sufferer, best_for_digits, sufferers
from edgedigits.study.effects import Effect, effects
from edgedigits.study.frame import compared, study_frame
from edgedigits.study.store import FAILED, Trial
from edgedigits.study.table_findings import Cell, table_cells, table_sentences

COSTS = {"bytes": "bytes of .tflite", "engine_bytes": "bytes of engine", "instructions": "instructions on Cortex-M4"}
MOST_EFFECTS = 12


@dataclass(frozen=True)
class Insights:
    """Everything that a study's report says.

    Attributes:
        name: of the study.
        frame: all finished trials.
        means: a row a variant, of ours.
        effects: of every axis.
        fronts: variants on the Pareto front, by cost.
        best: for each digit.
        sufferers: by compression.
        recommendations: by device.
        cells: of the report's table; empty for a grid.
        failed: label and error of the failed trials.
        unfinished: trials that are neither done nor failed.
        sentences: all findings.
    """

    name: str
    frame: pd.DataFrame
    means: pd.DataFrame
    effects: tuple[Effect, ...]
    fronts: dict[str, pd.DataFrame]
    best: tuple[BestForDigit, ...]
    sufferers: tuple[Sufferer, ...]
    recommendations: tuple[Recommendation, ...]
    cells: tuple[Cell, ...]
    failed: tuple[tuple[str, str], ...]
    unfinished: int
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the findings as JSON values."""
        return {
            "study": self.name,
            "trials": len(self.frame),
            "failed": [{"label": label, "error": error} for label, error in self.failed],
            "unfinished": self.unfinished,
            "sentences": list(self.sentences),
            "effects": [{**asdict(one), "real": one.real} for one in self.effects],
            "pareto": {
                cost: [variant_words(row) for _, row in front.iterrows()] for cost, front in self.fronts.items()
            },
            "best_for_digit": [{**asdict(one), "real": one.real} for one in self.best],
            "sufferers": [asdict(one) for one in self.sufferers],
            "recommendations": [asdict(one) for one in self.recommendations],
            "table": [asdict(cell) for cell in self.cells],
        }


def find_insights(name: str, trials: Sequence[Trial]) -> Insights:
    """Return what the finished trials say.

    Raises:
        DataError: no trial is finished.
    """
    frame = study_frame(trials)
    ours = compared(frame)
    # The table's row "none" is the training of "one-hot" a second time.
    ours = ours[ours["loss"] != "none"]
    is_table = bool(frame["column"].isin(["published", "edgedigits"]).any()) and name == "report-table"
    cells = tuple(table_cells(frame)) if is_table else ()
    means = variant_means(ours)
    fronts = {cost: front for cost in COSTS if not (front := pareto(means, cost)).empty}
    found = tuple(effects(ours))
    best, suffering = tuple(best_for_digits(ours)), tuple(sufferers(ours))
    specs = {trial.key: trial.spec for trial in trials}
    advice = tuple(recommendations(means, specs)) if len(means) else ()
    sentences = [
        *table_sentences(list(cells)),
        *_effect_sentences(found),
        *_front_sentences(fronts),
        *_digit_sentences(best, suffering),
        *(_advice(one) for one in advice),
    ]
    failed = tuple((str(trial.spec.get("label")), trial.error) for trial in trials if trial.status == FAILED)
    return Insights(
        name=name,
        frame=frame,
        means=means,
        effects=found,
        fronts=fronts,
        best=best,
        sufferers=suffering,
        recommendations=advice,
        cells=cells,
        failed=failed,
        unfinished=len(trials) - len(frame) - len(failed),
        sentences=tuple(sentences),
    )


def _effect_sentences(found: Sequence[Effect]) -> list[str]:
    largest = sorted(found, key=lambda one: -abs(one.difference))[:MOST_EFFECTS]
    return [effect_sentence(one) for one in largest]


def effect_sentence(one: Effect) -> str:
    """Return an effect on accuracy as a sentence."""
    way = "more" if one.difference > 0 else "less"
    head = f"{one.axis} {one.value} gives {100 * abs(one.difference):.2f} points {way} than {one.against}"
    pairs = f"{one.pairs} {'pair' if one.pairs == 1 else 'pairs'}"
    if one.low is None or one.high is None:
        return f"{head} ({pairs}, one seed: not tested)."
    verdict = "real" if one.real else "not distinguishable from 0"
    span = f"95% interval {100 * one.low:+.2f} to {100 * one.high:+.2f}".replace("-", "−")
    return f"{head} ({span}, {one.seeds} seeds, {pairs}): {verdict}."


def _front_sentences(fronts: dict[str, pd.DataFrame]) -> list[str]:
    found = []
    for cost, front in fronts.items():
        ends = [front.iloc[0]] if len(front) == 1 else [front.iloc[0], front.iloc[-1]]
        words = " to ".join(
            f"{variant_words(row)} ({100 * row['accuracy']:.2f} %, {row[cost]:,.0f} {COSTS[cost]})" for row in ends
        )
        count = "1 variant is" if len(front) == 1 else f"{len(front)} variants are"
        found.append(f"Of accuracy against {COSTS[cost]}, {count} on the front: {words}.")
    return found


def _digit_sentences(best: Sequence[BestForDigit], suffering: Sequence[Sufferer]) -> list[str]:
    found = []
    for one in best:
        tested = "real" if one.real else "not distinguishable from 0"
        verdict = "one seed: not tested" if one.low is None else tested
        found.append(
            f"Digit {one.digit}: best with {one.variant} (F1 {one.f1:.4f}), {100 * one.lead:.2f} points ahead of "
            f"{one.next} ({verdict})."
        )
    for two in suffering:
        found.append(
            f"Under {two.compression}, {two.digit} changes most for the worse: recall {100 * two.before:.2f} % to "
            f"{100 * two.after:.2f} %, most often into {two.turns_into} ({two.more:+.1f} images a trial)."
        )
    return found


def _advice(one: Recommendation) -> str:
    return (
        f"{one.device}: {one.variant}, {100 * one.accuracy:.2f} % in {one.bytes:,.0f} bytes of weights. "
        f"Type: {one.command}"
    )
