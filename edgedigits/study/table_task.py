"""The cells of the table's third column that share a learning rate and a seed, trained side by side in this process.

Every cell gets as many iterations as its setting has. A quantized one spends the last fifth of them on
quantization-aware training, a pruned one lowers its density over the first three fifths. What is the same in several
cells is trained once: the float part of a loss at a learning rate is a prefix of the longer one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgedigits.compress.pruning import add_pruning, strip_pruning
from edgedigits.compress.quantization import add_fake_quantization, strip_fake_quantization
from edgedigits.config import BuildConfig, LossConfig, ModelConfig, PruningConfig, TrainingConfig
from edgedigits.data.contents import Contents
from edgedigits.data.preprocess import to_float
from edgedigits.errors import CheckFailedError
from edgedigits.pipeline import CALIBRATION_IMAGES
from edgedigits.study.figures import CURVE_POINTS
from edgedigits.study.shared import Curve, SharedImages, Track
from edgedigits.study.table_cells import measure_cell
from edgedigits.study.table_data import TableDigits, table_digits
from edgedigits.training.keras_env import keras, set_seed
from edgedigits.training.losses import make_loss
from edgedigits.training.model import build_mlp

HIDDEN = (10,)
QAT_SHARE = 0.2
PRUNING_END = 0.6
PRUNING_UPDATES = 50
"""Updates of the masks on the way to the final sparsity."""
LOSS_OF = {"none": "one-hot"}
"""The report's "none" sent the error back as it was, which is what "one-hot" does here."""


@dataclass
class Run:
    """A stretch of training: of a float network, of a pruned one, or of a quantization-aware one.

    Attributes:
        family: "classical" (float), "pruned" or "quantized".
        loss: name of the loss.
        start, end: iterations from the first weights.
        sparsity: of a pruned one.
        track: while it runs.
        curve: accuracy on the way, that of the float part before it included.
    """

    family: str
    loss: str
    start: int
    end: int
    sparsity: float = 0.0
    track: Track | None = None
    curve: Curve = field(default_factory=Curve)


def qat_start(iterations: int) -> int:
    """Return after how many float iterations a quantized cell goes on with fake quantization."""
    return iterations - max(1, round(QAT_SHARE * iterations))


def plan_runs(cells: Iterable[dict[str, Any]]) -> list[Run]:
    """Return the stretches that the cells need, each once."""
    cells = list(cells)
    floats: dict[str, int] = {}
    found: dict[tuple[Any, ...], Run] = {}
    for cell in cells:
        loss, end = _loss(cell), cell["iterations"]
        # The float training of the same loss is what a compressed cell is held against.
        floats[loss] = max(end, floats.get(loss, 0))
        if cell["family"] == "pruned":
            found[_name(cell)] = Run("pruned", loss, 0, end, cell["sparsity"])
        if cell["family"] == "quantized":
            found[_name(cell)] = Run("quantized", loss, qat_start(end), end)
    return [*(Run("classical", loss, 0, end) for loss, end in floats.items()), *found.values()]


def _loss(cell: dict[str, Any]) -> str:
    return str(LOSS_OF.get(cell["loss"], cell["loss"]))


def _name(cell: dict[str, Any]) -> tuple[Any, ...]:
    return cell["family"], _loss(cell), cell["iterations"], cell.get("sparsity", 0.0)


def run_table(trials: list[dict[str, Any]], contents: Contents) -> Iterator[dict[str, Any]]:
    """Train the cells side by side and yield an answer for each as soon as it has had its iterations.

    Args:
        trials: {"key", "spec"}; all specs have the same "rate", "seed" and "rows".
        contents: the digits.
    """
    first = trials[0]["spec"]
    group = Group(table_digits(contents, first["rows"]), first["rate"], first["seed"], trials)
    yield from group.run()


class Group:
    """Cells that are trained side by side.

    Args:
        digits: what they are trained and measured on.
        rate: learning rate of all.
        seed: of the first weights.
        trials: {"key", "spec"} of each cell.
    """

    def __init__(self, digits: TableDigits, rate: float, seed: int, trials: list[dict[str, Any]]) -> None:
        self.digits, self.rate, self.trials = digits, rate, trials
        self.runs = plan_runs(trial["spec"] for trial in trials)
        self.images = SharedImages(digits.train, digits.dev)
        self.calibration = to_float(digits.train.images[:CALIBRATION_IMAGES])
        set_seed(seed)
        training = TrainingConfig(learning_rate=rate, seed=seed)
        self.config = BuildConfig(model=ModelConfig(hidden=HIDDEN), training=training)
        # All cells of a seed start from the same first weights: they are compared in pairs.
        self.first = build_mlp(self.config)
        longest = max(run.end for run in self.runs)
        self.every = max(1, longest // CURVE_POINTS)
        self.seconds = 0.0
        self.steps = sum(run.end - run.start for run in self.runs)

    def run(self) -> Iterator[dict[str, Any]]:
        """Train all and yield an answer for each cell as soon as it is done."""
        now = 0
        for then in self.stops():
            running = self.begin(now)
            start = time.perf_counter()
            self.train(running, now, then)
            self.seconds += time.perf_counter() - start
            now = then
            yield from self._finish(now)

    def stops(self) -> list[int]:
        """Return the iterations at which a stretch begins or ends, or a cell is done."""
        stops = {run.start for run in self.runs} | {run.end for run in self.runs}
        stops |= {trial["spec"]["iterations"] for trial in self.trials}
        return sorted(stops - {0})

    def begin(self, now: int) -> list[Run]:
        """Make the networks whose stretch begins after `now` iterations, and return all that run then."""
        for run in self.runs:
            if run.start == now:
                run.track = Track(self._model(run), self._make_loss(run.loss), self.rate)
        return [run for run in self.runs if run.start <= now < run.end]

    def _make_loss(self, name: str) -> Any:
        return make_loss(LossConfig(name=name), self.digits.train.labels)

    def _model(self, run: Run) -> Any:
        if run.family == "quantized":
            parent = self._float_run(run.loss)
            run.curve = Curve(
                *([pair for pair in pairs if pair[0] <= run.start] for pairs in (parent.curve.train, parent.curve.dev))
            )
            assert parent.track is not None
            return add_fake_quantization(parent.track.model, self.calibration, preserve_zeros=False)
        copy = keras.models.clone_model(self.first)
        copy.set_weights(self.first.get_weights())
        if run.family == "classical":
            return copy
        frequency = max(1, int(PRUNING_END * run.end) // PRUNING_UPDATES)
        choices = PruningConfig(enabled=True, sparsity=run.sparsity, end=PRUNING_END, frequency=frequency)
        return add_pruning(copy, choices, {"hidden_1": run.sparsity}, run.end)

    def _float_run(self, loss: str) -> Run:
        return next(run for run in self.runs if run.family == "classical" and run.loss == loss)

    def train(self, running: list[Run], now: int, then: int) -> None:
        """Train from iteration `now` to iteration `then`, looking at the accuracies every now and then."""
        tracks = [run.track for run in running if run.track]
        step = self.images.stepper(tracks)
        for iteration in range(now + 1, then + 1):
            step()
            if iteration % self.every == 0 or iteration == then:
                for run, (train, dev) in zip(running, self.images.accuracies(tracks), strict=True):
                    run.curve.train.append([iteration, train])
                    run.curve.dev.append([iteration, dev])

    def _finish(self, now: int) -> Iterator[dict[str, Any]]:
        for trial in self.trials:
            cell = trial["spec"]
            if cell["iterations"] == now:
                start = time.perf_counter()
                result = self._measure(cell)
                share = self.seconds / self.steps * now
                result["train_seconds"] = round(share, 3)
                yield {"key": trial["key"], "result": result, "seconds": share + time.perf_counter() - start}

    def _measure(self, cell: dict[str, Any]) -> dict[str, Any]:
        run = self._run_of(cell)
        assert run.track is not None
        model = run.track.model
        if run.family == "pruned":
            final = twin = strip_pruning(model)
        elif run.family == "quantized":
            final, twin = model, strip_fake_quantization(model, self.first)
        else:
            final = twin = model
        if not all(np.isfinite(weight).all() for weight in twin.get_weights()):
            raise CheckFailedError(f"The training diverged: {cell['label']}.", hint="Lower the learning rate.")
        reference = self._float_run(run.loss).track
        assert reference is not None
        figures = measure_cell(final, twin, reference.model, self.digits, self.calibration, family=cell["family"])
        figures["curves"] = {"train": run.curve.train, "dev": run.curve.dev}
        if cell["family"] == "classical":
            # The float run of a loss goes on where a longer setting needs it.
            figures["curves"] = {
                name: [pair for pair in pairs if pair[0] <= cell["iterations"]]
                for name, pairs in figures["curves"].items()
            }
        return figures

    def _run_of(self, cell: dict[str, Any]) -> Run:
        if cell["family"] == "classical":
            return self._float_run(_loss(cell))
        names = {(run.family, run.loss, run.end, run.sparsity): run for run in self.runs}
        return names[_name(cell)]
