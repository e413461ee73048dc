"""What came out of a search: its trials as rows, and those that no other beats within the limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgedigits.devices.gates import Limits
from edgedigits.search.trial_kind import GIVEN_UP
from edgedigits.study.findings.choices import build_command
from edgedigits.study.plan.axes import axes_words
from edgedigits.study.run.rows import DONE, Trial

FIGURES = ("val_accuracy", "flash", "instructions")
"""What is searched for: as much of the first, and as little of the others, as can be had."""


@dataclass(frozen=True)
class Candidate:
    """A build that was made and measured.

    Attributes:
        number: place in the search, from 1.
        values: of the axes.
        val_accuracy, accuracy: on the validation split, which it is chosen by, and on the test split, 0…1.
        flash: bytes of the engine's ELF.
        instructions: an image, mean.
        command: what to type for it.
    """

    number: int
    values: dict[str, Any]
    val_accuracy: float
    accuracy: float
    flash: int
    instructions: float
    command: str

    @property
    def words(self) -> str:
        """The choices for people."""
        return axes_words(self.values)

    def keeps(self, limits: Limits) -> bool:
        """Tell whether it keeps the limits."""
        return self.flash <= (limits.flash or self.flash) and self.instructions <= (
            limits.instructions or self.instructions
        )

    def beats(self, other: Candidate) -> bool:
        """Tell whether it is as good in everything, and better in something."""
        ours, theirs = ((-one.val_accuracy, one.flash, one.instructions) for one in (self, other))
        return ours != theirs and all(a <= b for a, b in zip(ours, theirs, strict=True))


def candidates_of(trials: Iterable[Trial]) -> list[Candidate]:
    """Return the trials that were finished, in the order of the search."""
    return [
        Candidate(
            number=trial.number + 1,
            values=trial.spec["values"],
            **{name: trial.result[name] for name in (*FIGURES, "accuracy")},
            command=build_command(trial.spec["config"]),
        )
        for trial in trials
        if trial.status == DONE and GIVEN_UP not in trial.result
    ]


def front_of(candidates: Sequence[Candidate], limits: Limits) -> list[Candidate]:
    """Return those within the limits that no other one beats, the smallest first; of equals the first."""
    kept: list[Candidate] = []
    for one in candidates:
        equal = [other for other in kept if (other.flash, other.val_accuracy) == (one.flash, one.val_accuracy)]
        again = any(other.instructions == one.instructions for other in equal)
        if one.keeps(limits) and not again and not any(other.beats(one) for other in candidates):
            kept.append(one)
    return sorted(kept, key=lambda one: (one.flash, one.instructions))
