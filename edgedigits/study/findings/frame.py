"""The finished trials of a study as a table: a row a trial, in terms that all kinds of trials share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from edgedigits.errors import DataError
from edgedigits.study.findings.checked import check_trial
from edgedigits.study.kinds import BUILD, kinds
from edgedigits.study.run.rows import DONE, Trial

NUMBERS = (
    "accuracy", "dev_accuracy", "val_accuracy", "float_accuracy", "float_dev_accuracy", "setting_float_accuracy",
    "setting_float_dev_accuracy", "images", "dev_images", "mean_loss", "macro_precision", "macro_recall", "macro_f1",
    "bytes", "gzip_bytes", "float_bytes", "ratio", "gzip_ratio", "engine_bytes", "engine_ram", "flash", "ram",
    "instructions", "most_instructions", "latency_us", "parameters", "sparsity", "distinct", "macs", "train_seconds",
    "refused", "accepted_wrong",
)  # fmt: skip
LISTS = (
    "class_precision", "class_recall", "class_f1", "class_loss", "confusion", "float_confusion", "float_class_recall",
    "setting_float_class_recall", "curves",
)  # fmt: skip
IDENTITY = ("key", "column", "loss", "compression", "only", "setting", "seed", "label", "seconds", "scored_on", "note")
TEST, DEV = "test set", "dev set"


def study_frame(trials: Iterable[Trial]) -> pd.DataFrame:
    """Return one row a finished trial.

    Columns: key, label, column (a kind's own word), loss, compression, only (axes that only some trials have, such as
    a parameter of one loss), setting (what else distinguishes the trial), seed, the axes of a grid as "axis …", prefix
    (said before a variant), compared (whether findings are about it), the figures in `NUMBERS` (NaN where there is
    none), those in `LISTS`, scored_on ("test set", or "dev set" where a source has no other), and note (why a figure is
    missing). `accuracy` is on what scored_on says.

    Raises:
        DataError: no trial is finished, or one holds what this tool does not store.
    """
    done = [trial for trial in trials if trial.status == DONE]
    for trial in done:
        check_trial(trial, NUMBERS, LISTS)
    if not done:
        raise DataError("No trial of this study is finished yet.", hint="Run it: edgedigits study run.")
    axes = [set(trial.spec["values"]) for trial in done if trial.kind == BUILD]
    everywhere = set.intersection(*axes) if axes else set()
    frame = pd.DataFrame([_row(trial, everywhere) for trial in done])
    for name in (*NUMBERS, *LISTS):
        if name not in frame:
            frame[name] = None
    frame[list(NUMBERS)] = frame[list(NUMBERS)].apply(pd.to_numeric)
    return frame


def _row(trial: Trial, everywhere: set[str]) -> dict[str, Any]:
    found = dict(trial.result)
    scored_on = TEST if "accuracy" in found else DEV
    if scored_on == DEV:
        for name in [name for name in found if "dev_" in name]:
            found.setdefault(name.replace("dev_", ""), found[name])
    return {
        "key": trial.key,
        "label": trial.spec["label"],
        "seconds": trial.seconds,
        "scored_on": scored_on,
        "note": found.get("engine_note", ""),
        "prefix": "",
        "compared": True,
        **kinds()[trial.kind].row(trial.spec, everywhere),
        **{name: found[name] for name in (*NUMBERS, *LISTS) if name in found},
    }


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that findings are about: those that their kind has compared with others."""
    return frame[frame["compared"]].drop(columns="compared")


def with_lists(frame: pd.DataFrame, *names: str, of: type = list) -> pd.DataFrame:
    """Return the rows that hold a list, or what else is asked for, in each of these columns."""
    return frame[frame[list(names)].map(lambda one: isinstance(one, of)).all(axis=1)]
