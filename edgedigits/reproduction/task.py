"""The cells of the table's third column of one seed, or half of them, trained side by side in this process.

Every cell starts with the float training of its loss and setting, as a build does. The last tenth of a quantized one is
quantization-aware; a pruned one goes on for a fifth of its iterations, over three fifths of which its sparsity rises.
Each is held against the float training of its setting, a pruned one also against a float training as long as its own.
What is the same in several cells is trained once: the float training of a setting is a prefix of a longer one's.
A cell that fails is told as an error of its own, and does not stop those beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgedigits.config import BuildConfig, LossConfig, ModelConfig, PruningConfig
from edgedigits.data.contents import Contents
from edgedigits.data.preprocess import to_float
from edgedigits.errors import CheckFailedError, EdgedigitsError
from edgedigits.reproduction.cells import measure_cell, reference_figures
from edgedigits.reproduction.digits import TableDigits, table_digits
from edgedigits.reproduction.recipe import (
    HIDDEN,
    LOSS_OF,
    PRUNING_END,
    RATE_OF,
    stretch,
    updates_every,
)
from edgedigits.reproduction.shared import SharedImages, Track
from edgedigits.stages.prune import add_pruning, strip_pruning
from edgedigits.stages.quantize import add_fake_quantization, strip_fake_quantization
from edgedigits.study.kinds import Answer
from edgedigits.study.run.figures import CURVE_POINTS, Figures
from edgedigits.training.keras_env import keras, set_seed
from edgedigits.training.line import CALIBRATION_IMAGES
from edgedigits.training.losses import make_loss
from edgedigits.training.model import build_mlp

Curves = dict[str, list[list[float]]]

LONGEST_ERROR = 600
STRETCH_LOOKS = 10
"""How often the accuracies of a compressed stretch are looked at, at equal distances."""


@dataclass
class Run:
    """A stretch of training: of a float network, of a pruned one, or of a quantization-aware one.

    Attributes:
        family: "classical" (float), "pruned" or "quantized".
        rate: learning rate of the setting.
        loss: name of the loss.
        start, end: iterations from the first weights; a compressed one starts from the float network of its start.
        sparsity: of a pruned one.
        track: once it runs; None for ever where its network could not be made.
        error: why it could not.
        looks: iterations after which its accuracies are looked at.
        curves: accuracy on the way, that of the float training before it included, as pairs [iteration, share].
    """

    family: str
    rate: float
    loss: str
    start: int
    end: int
    sparsity: float = 0.0
    track: Track | None = None
    error: str = ""
    looks: set[int] = field(default_factory=set)
    curves: Curves = field(default_factory=lambda: {"train": [], "dev": []})

    @property
    def name(self) -> tuple[Any, ...]:
        """What makes it this stretch and no other."""
        return self.family, self.rate, self.loss, self.start, self.end, self.sparsity

    def curves_until(self, iteration: int) -> Curves:
        """Return a copy of its curves up to an iteration."""
        return {part: [pair for pair in pairs if pair[0] <= iteration] for part, pairs in self.curves.items()}


def run_of(cell: dict[str, Any]) -> Run:
    """Return the last stretch of a cell's training, that of its family."""
    family, loss = cell["family"], str(LOSS_OF.get(cell["loss"], cell["loss"]))
    sparsity = float(cell.get("sparsity", 0.0)) if family == "pruned" else 0.0
    return Run(family, cell["rate"], loss, *stretch(family, cell["iterations"]), sparsity)


def plan_runs(cells: Iterable[dict[str, Any]]) -> list[Run]:
    """Return the stretches that the cells need, each once: a float one is as long as the longest that needs it."""
    floats: dict[tuple[float, str], int] = {}
    found: dict[tuple[Any, ...], Run] = {}
    for run in map(run_of, cells):
        floats[run.rate, run.loss] = max(run.end, floats.get((run.rate, run.loss), 0))
        if run.family != "classical":
            found[run.name] = run
    return [*(Run("classical", rate, loss, 0, end) for (rate, loss), end in floats.items()), *found.values()]


def looks(run: Run, longest: int) -> set[int]:
    """Return the iterations after which the accuracies of a stretch are looked at.

    A float training moves fast at first: it is looked at more and more seldom, so that cells that end early have a
    curve, too. The iterations are those of the longest of the group, since a look that is shared reads images once.

    Args:
        run: the stretch.
        longest: iterations of the longest stretch of the group, from the first weights.
    """
    if run.family == "classical":
        found = {round(longest * (number / CURVE_POINTS) ** 3) for number in range(1, CURVE_POINTS + 1)}
    else:
        steps = run.end - run.start
        found = {run.start + round(steps * number / STRETCH_LOOKS) for number in range(1, STRETCH_LOOKS + 1)}
    return {iteration for iteration in found if run.start < iteration <= run.end}


def run_table(trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
    """Train the cells side by side and yield an answer for each as soon as it has had its iterations.

    Args:
        trials: {"key", "spec"}; all specs have the same "seed" and "rows".
        contents: the digits.
    """
    first = trials[0]["spec"]
    yield from Group(table_digits(contents, first["rows"]), first["seed"], trials).run()


class Group:
    """Cells that are trained side by side.

    Args:
        digits: what they are trained and measured on.
        seed: of the first weights.
        trials: {"key", "spec"} of each cell.
    """

    def __init__(self, digits: TableDigits, seed: int, trials: Sequence[dict[str, Any]]) -> None:
        self.digits, self.trials = digits, trials
        self.runs = plan_runs(trial["spec"] for trial in trials)
        self.images = SharedImages(digits.train, digits.dev)
        self.calibration = to_float(digits.train.images[:CALIBRATION_IMAGES])
        set_seed(seed)
        # All cells of a seed start from the same first weights: they are compared in pairs.
        self.first = build_mlp(BuildConfig(model=ModelConfig(hidden=HIDDEN)))
        longest = max(run.end for run in self.runs)
        for run in self.runs:
            run.looks = looks(run, longest)
        self.floats: dict[tuple[float, str, int], list[Any]] = {}
        self.seconds, self.steps = 0.0, 0

    def run(self) -> Iterator[Answer]:
        """Train all and yield an answer for each cell as soon as it is done."""
        now = 0
        for then in self.stops():
            running = self.begin(now)
            start = time.perf_counter()
            self.train(running, now, then)
            self.seconds += time.perf_counter() - start
            self.steps += len(running) * (then - now)
            now = then
            self.keep_floats(now)
            for trial in self.trials:
                if stretch(trial["spec"]["family"], trial["spec"]["iterations"])[1] == now:
                    yield {"key": trial["key"], **self._answer(trial["spec"], now)}

    def stops(self) -> list[int]:
        """Return the iterations at which a stretch begins or ends, or a cell is done."""
        stops = {run.start for run in self.runs} | {run.end for run in self.runs}
        stops |= {trial["spec"]["iterations"] for trial in self.trials}
        return sorted(stops - {0})

    def begin(self, now: int) -> list[Run]:
        """Make the networks whose stretch begins after `now` iterations, and return all that run then."""
        for run in self.runs:
            if run.start == now:
                try:
                    self._make(run)
                except Exception as error:
                    run.error = _words(error)
        return [run for run in self.runs if run.track and run.start <= now < run.end]

    def train(self, running: list[Run], now: int, then: int) -> None:
        """Train from iteration `now` to iteration `then`, looking at the accuracies every now and then."""
        if not running:
            return
        step = self.images.stepper(_tracks(running))
        for iteration in range(now + 1, then + 1):
            step()
            seen = [run for run in running if iteration == then or iteration in run.looks]
            for run, shares in zip(seen, self.images.accuracies(_tracks(seen)) if seen else (), strict=True):
                for part, share in zip(run.curves, shares, strict=True):
                    run.curves[part].append([iteration, share])

    def keep_floats(self, now: int) -> None:
        """Keep the float weights after `now` iterations, which a cell starts from or is held against."""
        for run in self.runs:
            if run.family == "classical" and run.track and now <= run.end:
                self.floats[run.rate, run.loss, now] = run.track.model.get_weights()

    def _make(self, run: Run) -> None:
        model = self._float_model(run, run.start)
        if run.family == "quantized":
            model = add_fake_quantization(model, self.calibration)
        elif run.family == "pruned":
            steps = run.end - run.start
            choices = PruningConfig(
                enabled=True, sparsity=run.sparsity, end=PRUNING_END, frequency=updates_every(steps)
            )
            model = add_pruning(model, choices, {"hidden_1": run.sparsity}, steps)
        loss = make_loss(LossConfig(name=run.loss), self.digits.train.labels)
        run.track = Track(model, loss, run.rate * RATE_OF.get(run.loss, 1.0))
        if run.family != "classical":
            run.curves = self._float_run(run).curves_until(run.start)

    def _float_run(self, of: Run) -> Run:
        return next(run for run in self.runs if (run.family, run.rate, run.loss) == ("classical", of.rate, of.loss))

    def _float_model(self, of: Run, iterations: int) -> Any:
        if error := self._float_run(of).error:
            raise CheckFailedError(error)
        copy = keras.models.clone_model(self.first)
        copy.set_weights(self.floats[of.rate, of.loss, iterations] if iterations else self.first.get_weights())
        return copy

    def _answer(self, cell: dict[str, Any], now: int) -> Answer:
        # What its own iterations take beside others; cells share some of them.
        share = self.seconds / max(1, self.steps) * now
        try:
            return {"result": {**self._measure(cell), "train_seconds": round(share, 3)}}
        except Exception as error:
            # Whatever it is: one cell that fails is not a reason to lose those beside it.
            return {"error": _words(error)}

    def _measure(self, cell: dict[str, Any]) -> Figures:
        family, iterations, run = cell["family"], cell["iterations"], run_of(cell)
        if family == "classical":
            final = twin = self._float_model(run, iterations)
            curves = self._float_run(run).curves_until(iterations)
        else:
            run = next(one for one in self.runs if one.name == run.name)
            if run.track is None:
                raise CheckFailedError(run.error)
            final = run.track.model if family == "quantized" else strip_pruning(run.track.model)
            twin = strip_fake_quantization(final, self.first) if family == "quantized" else final
            curves = run.curves
        if not all(np.isfinite(weight).all() for weight in twin.get_weights()):
            raise CheckFailedError(f"The training diverged: {cell['label']}.", hint="Lower the learning rate.")
        return {
            **measure_cell(final, twin, self.digits, self.calibration, family=family),
            **reference_figures(self._float_model(run, run.end), self.digits, "float_"),
            **reference_figures(self._float_model(run, iterations), self.digits, "setting_float_"),
            "curves": curves,
        }


def _tracks(runs: Sequence[Run]) -> list[Track]:
    return [run.track for run in runs if run.track]


def _words(error: Exception) -> str:
    if isinstance(error, EdgedigitsError):
        return str(error)
    # TensorFlow's errors are pages.
    return " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_ERROR]
