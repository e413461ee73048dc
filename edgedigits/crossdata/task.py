"""The cells of one training: it is trained once, and tested on the test digits of each source that it did not learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits, Splits
from edgedigits.data.fingerprints import fingerprints, learned_by
from edgedigits.data.load import divide
from edgedigits.study.kinds import Answer
from edgedigits.study.run.build_trial import choices_of, train_and_score


def run_cells(trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
    """Train once and yield an answer for each cell.

    Args:
        trials: {"key", "spec"} of one group: all specs have the same "config" and "trained".
        contents: all sources as one.
    """
    first = trials[0]["spec"]
    config = choices_of(first)
    mixed = divide(contents, seed=config.training.seed, **config.data.division)
    of_each = [one.splits for one in mixed.sources]
    splits = [*of_each, mixed][first["trained"]]
    tests = {tested: _unlearned(one.test, splits) for tested, one in enumerate(of_each)}
    asked = {trial["spec"]["tested"] for trial in trials}
    scored = {str(tested): digits for tested, digits in tests.items() if tested in asked and len(digits)}
    figures, scores = train_and_score(first, splits, others=scored)
    # What is of the training's own test split is of no cell.
    shared = {name: value for name, value in figures.items() if not name.startswith(("float_", "twin_"))}
    for trial in trials:
        tested = trial["spec"]["tested"]
        if str(tested) in scores:
            yield {"key": trial["key"], "result": {**shared, **scores[str(tested)]}}
        else:
            names = f"{trial['spec']['test_on']} is among those that {trial['spec']['train_on']} trains on"
            yield {"key": trial["key"], "error": f"Every test digit of {names}: there is nothing to test on."}


def _unlearned(test: Digits, splits: Splits) -> Digits:
    """Return test digits without those that a training learns or is chosen by, by the digest of their pictures."""
    return test.take(np.flatnonzero(~np.isin(fingerprints(test.images), learned_by([splits]))))
