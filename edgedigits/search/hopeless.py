"""When a training is given up: where one that costs no more was better by far at the same point of its training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from edgedigits.study.run.build_trial import TrainingClock

LOOKS = (0.25, 0.5, 0.75)
"""Shares of a training at which it is looked at."""
FAR = 0.03
"""Of accuracy: what another has to be better by."""

Floors = Sequence[tuple[float, float]]
"""Pairs of a share of the training and the validation accuracy that must be reached by then."""


class HopelessError(Exception):
    """A training is far behind another."""


class Watch(TrainingClock):
    """Ends a training that is below its floors.

    Args:
        config: of the build, as tables.
        floors: what must be reached.
    """

    def __init__(self, config: Mapping[str, Any], floors: Floors) -> None:
        super().__init__()
        self._epochs, self._total, self._floors = 0, epochs_of(config), list(floors)

    def advance(self, steps: int = 1, note: str = "", accuracy: float | None = None) -> None:
        """Look at the validation accuracy of an epoch, where it is time to.

        Raises:
            HopelessError: it is below the floor.
        """
        if accuracy is None:
            return
        self._epochs += steps
        while self._floors and self._epochs >= self._floors[0][0] * self._total:
            share, floor = self._floors.pop(0)
            if accuracy < floor:
                raise HopelessError(
                    f"given up at {share:.0%} of its training, with {accuracy:.2%} on validation where one that costs "
                    f"no more had {floor + FAR:.2%}"
                )


def epochs_of(config: Mapping[str, Any]) -> int:
    """Return how many epochs a build to a budget is trained for, at one try."""
    return int(config["training"]["epochs"] + config["joint"]["epochs"])


def floors_for(config: Mapping[str, Any], finished: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Floors:
    """Return what a training must reach by each look.

    Args:
        config: of the build that is to be trained, as tables.
        finished: config and figures of those that are done.
    """
    cheaper = [(one, figures) for one, figures in finished if _costs_no_more(one, config) and figures.get("curves")]
    if not cheaper:
        return []
    return [(look, max(accuracy_at(*one, look) for one in cheaper) - FAR) for look in LOOKS]


def _costs_no_more(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one["budget"][name] <= other["budget"][name] for name in ("constants", "instructions"))


def accuracy_at(config: Mapping[str, Any], figures: Mapping[str, Any], share: float) -> float:
    """Return the validation accuracy of a finished training where a share of it was done; 0 before any is known."""
    pairs = [pair for name, curve in figures["curves"].items() if name.endswith("val_accuracy") for pair in curve]
    reached = [(epoch, accuracy) for epoch, accuracy in pairs if epoch <= max(1, share * epochs_of(config))]
    return max(reached, default=(0, 0.0))[1]
