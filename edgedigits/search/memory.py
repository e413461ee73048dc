"""Optuna's side of a search: what to try next, by what came out so far; kept in a journal of its own in the folder.

The figures are the study's, whose database is the one to be believed: where a journal is lost, the same points are
asked for again and found there. What is asked for depends on the seed and on what was told before, not on the process:
a search that was interrupted goes on as it would have.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgedigits.errors import DataError, ToolMissingError
from edgedigits.extras import install_command
from edgedigits.search.space import Numbers, Point, Space

if TYPE_CHECKING:
    from collections.abc import Iterator

    import optuna

JOURNAL = "optuna.journal"
RANDOM_FIRST = 12
"""Trials before what came out counts; the recipes are among them."""
_NAME = "search"
_DIRECTIONS: tuple[Literal["maximize", "minimize"], ...] = ("maximize", "minimize", "minimize")


def require_optuna() -> None:
    """Raise ToolMissingError where Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ToolMissingError(
            "Optuna, which chooses what a search tries next, is not installed.", hint=install_command("search")
        ) from None


class Memory:
    """What was asked for and told.

    Args:
        folder: of the search.
        space: what may be chosen.
        seed: of what is drawn.

    Raises:
        DataError: the journal is damaged, of another search, or cannot be written.
    """

    def __init__(self, folder: Path, space: Space, seed: int) -> None:
        self._path, self._space, self._seed = folder / JOURNAL, space, seed
        with self._translated():
            _drop_half_line(self._path)
            self._study = _open(self._path)
            self._give_back()

    def _give_back(self) -> None:
        """Let what was running when the search ended be asked for again, before anything else."""
        import optuna

        for trial in self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            if set(trial.params) == set(self._space.choices):
                self._study.enqueue_trial(trial.params)

    @property
    def asked(self) -> int:
        """How many points were asked for, without those that were given back."""
        import optuna

        state = optuna.trial.TrialState
        counted = (state.RUNNING, state.COMPLETE, state.PRUNED)
        return len(self._study.get_trials(deepcopy=False, states=counted))

    @property
    def told(self) -> int:
        """Of how many different points it was told what came of them."""
        import optuna

        complete = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        return len({tuple(sorted(trial.params.items())) for trial in complete})

    def ask(self) -> tuple[optuna.Trial, Point]:
        """Return the next trial and its point."""
        import optuna

        with self._translated():
            number = self.asked
            waiting = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,))
            if not waiting and (recipe := next(islice(self._space.first_points(), number, None), None)):
                self._study.enqueue_trial(dict(recipe))
            # Of a generator of its own each: what is drawn does not depend on how often the search was interrupted.
            self._study.sampler = optuna.samplers.TPESampler(
                seed=(self._seed * 1_000_003 + number) % 2**31, n_startup_trials=RANDOM_FIRST
            )
            trial = self._study.ask(_distributions(self._space))
            return trial, dict(trial.params)

    def tell(self, trial: optuna.Trial, values: Sequence[float], over: Mapping[str, float]) -> None:
        """Say what came of a trial.

        Args:
            trial: from `ask`.
            values: validation accuracy, flash, instructions.
            over: by how much each limit is exceeded, as a share of it; at most 0 where it is kept.
        """
        with self._translated():
            for name, share in over.items():
                trial.set_constraint(name, share)
            self._study.tell(trial, list(values))

    def pass_over(self, trial: optuna.Trial) -> None:
        """Say that nothing came of a trial."""
        import optuna

        with self._translated():
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with warnings.catch_warnings(action="ignore"):
                yield
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{self._path} cannot be written: {reason}.", hint="Choose another --out.") from None
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
            raise DataError(
                f"{self._path} was changed or is damaged ({type(error).__name__}: {error!s:.80}).",
                hint="Move it away and search again: what is finished is in study.sqlite, and is not run twice.",
            ) from None


def _open(path: Path) -> optuna.Study:
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    backend = JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path)))
    study = optuna.create_study(
        storage=JournalStorage(backend), study_name=_NAME, directions=_DIRECTIONS, load_if_exists=True
    )
    if len(study.directions) != len(_DIRECTIONS):
        raise ValueError("it is of a study with other objectives")
    return study


def _drop_half_line(path: Path) -> None:
    """Cut off what a process was writing when it was killed: the end of a journal without the end of a line."""
    if not path.is_file():
        return
    with path.open("r+b") as journal:
        content = journal.read()
        journal.truncate(content.rfind(b"\n") + 1)


def _distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        name: IntDistribution(choice.low, choice.high, log=True)
        if isinstance(choice, Numbers)
        else CategoricalDistribution(choice)
        for name, choice in space.choices.items()
    }
