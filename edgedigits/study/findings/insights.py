"""What a study found, in sentences that carry their numbers, and as data."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from edgedigits.study.findings.answer import StudyAnswer, answer_of
from edgedigits.study.findings.choices import Recommendation, pareto, recommendations, variant_means, variant_words
from edgedigits.study.findings.digits import BestForDigit, Sufferer, best_for_digits, sufferers
from edgedigits.study.findings.effects import Effect, Untold, behind, effects, foldable, in_points
from edgedigits.study.findings.frame import compared, study_frame
from edgedigits.study.findings.matrix import Matrix, matrix_of
from edgedigits.study.kinds import Chapter, kind_of_study, kinds
from edgedigits.study.run.figures import HOW
from edgedigits.study.run.rows import DONE, FAILED, Trial

DEVICES_TITLE = "For a device"
MNIST_IMAGES = 10_000
_MNIST = ("auto", "mnist")
"""Sources whose test set is MNIST's where it has so many images; "auto" falls back to a smaller one."""
COSTS = {"bytes": "bytes of .tflite", "engine_bytes": "bytes of engine", "instructions": "instructions on Cortex-M4"}


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
        chapter: what its kind alone says.
        failed: label and error of the failed trials.
        unfinished: trials that are neither done nor failed.
        on_mnist: whether all were scored on MNIST's 10,000 test images, so that others' figures on these compare.
        answer: what its page opens with; None where nothing was compared.
        matrix: accuracy by loss, pruning and number format; None where these are one each.
        groups: all findings in sentences, by what they are about.
    """

    name: str
    frame: pd.DataFrame
    means: pd.DataFrame
    effects: tuple[Effect, ...]
    fronts: dict[str, pd.DataFrame]
    best: tuple[BestForDigit, ...]
    sufferers: tuple[Sufferer, ...]
    recommendations: tuple[Recommendation, ...]
    chapter: Chapter
    failed: tuple[tuple[str, str], ...]
    unfinished: int
    on_mnist: bool
    answer: StudyAnswer | None
    matrix: Matrix | None
    groups: dict[str, tuple[str, ...]]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All findings."""
        return tuple(itertools.chain.from_iterable(self.groups.values()))

    def to_json(self) -> dict[str, Any]:
        """Return the findings as JSON values."""
        return {
            "study": self.name,
            "trials": len(self.frame),
            "failed": [{"label": label, "error": error} for label, error in self.failed],
            "unfinished": self.unfinished,
            "sentences": list(self.sentences),
            "effects": [asdict(one) for one in self.effects],
            "variants": self.means.to_dict("records"),
            "figures": HOW,
            "pareto": {
                cost: [variant_words(row) for _, row in front.iterrows()] for cost, front in self.fronts.items()
            },
            "best_for_digit": [asdict(one) for one in self.best],
            "sufferers": [asdict(one) for one in self.sufferers],
            "recommendations": [asdict(one) for one in self.recommendations],
            "table": list(self.chapter.facts),
        }


def find_insights(name: str, trials: Sequence[Trial]) -> Insights:
    """Return what the finished trials say.

    Raises:
        DataError: no trial is finished.
    """
    frame = study_frame(trials)
    ours = compared(frame)
    chapter = kind_of_study(name, {trial.kind for trial in trials if trial.status == DONE}).chapter(frame)
    means = variant_means(ours)
    fronts = {cost: front for cost in COSTS if not (front := pareto(means, cost)).empty}
    found = tuple(effects(ours))
    best, suffering = tuple(best_for_digits(ours)), tuple(sufferers(ours))
    by_key = {trial.key: trial for trial in trials}
    advice = tuple(recommendations(means, by_key))
    groups = {
        chapter.title: chapter.sentences,
        "What each choice does": [effect_sentence(one) for one in sorted(found, key=lambda one: -abs(one.difference))],
        "What is worth its cost": _front_sentences(fronts, means),
        "Best for each digit": [_best_sentence(one) for one in best],
        "Which digits suffer": _sufferer_sentences(suffering),
        DEVICES_TITLE: [_advice(one) for one in advice],
    }
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
        chapter=chapter,
        failed=failed,
        unfinished=len(trials) - len(frame) - len(failed),
        on_mnist=_on_mnist(ours, by_key),
        answer=answer_of(ours, means, by_key),
        matrix=matrix_of(ours),
        groups={title: tuple(sentences) for title, sentences in groups.items() if sentences},
    )


def _on_mnist(ours: pd.DataFrame, trials: Mapping[str, Trial]) -> bool:
    """Whether all were scored on MNIST's test images: by their sources, of which no other has as many."""
    specs = [(kinds()[trials[key].kind], trials[key].spec) for key in ours["key"]]
    sources = {kind.choices(spec).get("data", {}).get("source", "auto") for kind, spec in specs}
    return bool(specs) and sources.issubset(_MNIST) and bool((ours["images"] == MNIST_IMAGES).all())


def effect_sentence(one: Effect) -> str:
    """Return an effect on accuracy as a sentence."""
    head = f"{one.axis} {one.value} against {one.against}: {in_points(one.difference)} points of accuracy"
    averaged = f", averaged over {' and '.join(one.averaged)}" if one.averaged else ""
    pairs = f"{one.pairs} {'pair' if one.pairs == 1 else 'pairs'}{averaged}"
    return foldable(f"{head} ({one.verdict}; {pairs}).", one)


def _front_sentences(fronts: dict[str, pd.DataFrame], means: pd.DataFrame) -> list[str]:
    found = []
    for cost, front in fronts.items():
        ends = [front.iloc[0]] if len(front) == 1 else [front.iloc[0], front.iloc[-1]]
        words = " to ".join(
            f"{variant_words(row)} ({100 * row['accuracy']:.2f}%, {row[cost]:,.0f} {COSTS[cost]})" for row in ends
        )
        known = int(means[cost].notna().sum())
        found.append(f"Accuracy against {COSTS[cost]}: {len(front)} of {known} variants on the front, {words}.")
    return found


def _best_sentence(one: BestForDigit) -> str:
    lead = in_points(one.difference)
    if one.seeds == 1:
        return Untold(
            f"Digit {one.digit}: best with {one.variant} (F1 {one.f1:.4f}), {lead} to {one.next} ({one.verdict})."
        )
    if one.difference <= 0:
        return Untold(
            f"Digit {one.digit}: none is surely the best. {one.variant} has the highest F1 ({one.f1:.4f}); chosen by "
            f"the other seeds, the best comes {behind(one.difference, 'points of F1')} the next ({one.span})."
        )
    return foldable(
        f"Digit {one.digit}: best with {one.variant} (F1 {one.f1:.4f}), before {one.next}; chosen by the other seeds, "
        f"the best is {lead} points of F1 ahead of the next ({one.verdict}).",
        one,
    )


def _sufferer_sentences(suffering: Sequence[Sufferer]) -> list[str]:
    found = []
    for compression in dict.fromkeys(one.compression for one in suffering):
        worst, *others = (one for one in suffering if one.compression == compression)
        more = ", ".join(f"{one.digit} ({in_points(one.difference)})" for one in others if one.real)
        sentence = (
            f"Under {compression}, digit {worst.digit} loses most: recall {100 * worst.before:.2f}% to "
            f"{100 * worst.after:.2f}% ({worst.verdict}), most often taken for {worst.turns_into} "
            f"({worst.more:+.1f} images a trial)" + (f"; also {more}." if more else ".")
        )
        found.append(sentence if more else foldable(sentence, worst))
    return found


def _advice(one: Recommendation) -> str:
    typed = f" Type, for one seed and with the build's own split: {one.command}" if one.command else ""
    return advice_words(one) + typed


def advice_words(one: Recommendation) -> str:
    """Return what is the best for a device, without what to type for it."""
    return (
        f"{one.device}: {one.variant}, {100 * one.accuracy:.2f}% (mean of {one.seeds} "
        f"{'seed' if one.seeds == 1 else 'seeds'}) in {one.bytes:,.0f} bytes of {one.counted}; chosen on "
        f"{one.chosen_on}."
    )
