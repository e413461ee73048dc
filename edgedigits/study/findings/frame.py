"""The finished trials of a study as a table: a row a trial, in terms that grids and the report's table share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from edgedigits.errors import DataError
from edgedigits.stages.catalogue import brief_words
from edgedigits.study.findings.checked import BUILD, check_trial
from edgedigits.study.plan.axes import FLOAT32, value_words
from edgedigits.study.run.rows import DONE, Trial

NUMBERS = (
    "accuracy",
    "dev_accuracy",
    "val_accuracy",
    "float_accuracy",
    "float_dev_accuracy",
    "setting_float_accuracy",
    "setting_float_dev_accuracy",
    "images",
    "dev_images",
    "mean_loss",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "bytes",
    "gzip_bytes",
    "float_bytes",
    "ratio",
    "gzip_ratio",
    "engine_bytes",
    "engine_ram",
    "flash",
    "ram",
    "instructions",
    "most_instructions",
    "latency_us",
    "parameters",
    "sparsity",
    "distinct",
    "macs",
    "train_seconds",
)
LISTS = (
    "class_precision",
    "class_recall",
    "class_f1",
    "class_loss",
    "confusion",
    "float_confusion",
    "float_class_recall",
    "setting_float_class_recall",
    "curves",
)
IDENTITY = ("key", "column", "loss", "compression", "only", "setting", "seed", "label", "seconds", "scored_on", "note")
SEED_AXES = ("seed", "training.seed")
_NAMED_AXES = ("loss", "loss.name", "quantization", "sparsity", "qat", "qat.enabled", "prune", "prune.enabled")
TEST, DEV = "test set", "dev set"


def study_frame(trials: Iterable[Trial]) -> pd.DataFrame:
    """Return one row a finished trial.

    Columns: key, label, column ("build", "published" or "edgedigits"), loss, compression, only (axes that only some
    trials have, such as a parameter of one loss), setting (what else distinguishes the trial), seed, the axes of a
    grid as "axis …", the figures in `NUMBERS` (NaN where there is none), those in `LISTS`, scored_on ("test set", or
    "dev set" where a source has no other), and note (why a figure is missing). `accuracy` is on what scored_on says.

    Raises:
        DataError: no trial is finished, or one holds what this tool does not store.
    """
    done = [trial for trial in trials if trial.status == DONE]
    for trial in done:
        check_trial(trial, NUMBERS, LISTS)
    if not done:
        raise DataError("No trial of this study is finished yet.", hint="Run it: edgedigits study run.")
    builds = [set(trial.spec["values"]) for trial in done if trial.kind == BUILD]
    everywhere = set.intersection(*builds) if builds else set()
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
    kept = {name: found[name] for name in (*NUMBERS, *LISTS) if name in found}
    identity = {
        "key": trial.key,
        "label": trial.spec["label"],
        "seconds": trial.seconds,
        "scored_on": scored_on,
        "note": found.get("engine_note", ""),
    }
    named = _build(trial.spec, everywhere) if trial.kind == BUILD else _cell(trial.spec)
    return {**identity, **named, **kept}


def _build(spec: dict[str, Any], everywhere: set[str]) -> dict[str, Any]:
    config, values = spec["config"], spec["values"]
    others = {name: value for name, value in values.items() if name not in (*_NAMED_AXES, *SEED_AXES)}
    return {
        "column": BUILD,
        "loss": config["loss"]["name"],
        "compression": compression_of(config, spec["scored"]),
        "only": _words({name: value for name, value in others.items() if name not in everywhere}),
        "setting": _words({name: value for name, value in others.items() if name in everywhere}),
        "seed": config["training"]["seed"],
        **{f"axis {name}": value_words(value) for name, value in values.items() if name not in SEED_AXES},
    }


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value_words(value)}" for name, value in values.items())


def compression_of(config: dict[str, Any], scored: str) -> str:
    """Return the compression of a build in words: "float32", "int8", "QAT", "pruned 80 %, QAT" …"""
    return brief_words(config, quantized=scored != FLOAT32)


def _cell(spec: dict[str, Any]) -> dict[str, Any]:
    words = {"classical": "float32", "quantized": "quantized", "pruned": "pruned"}
    share = f" {100 * spec['sparsity']:g} %" if "sparsity" in spec else ""
    return {
        "column": spec.get("column", ""),
        "loss": spec.get("loss", ""),
        "compression": words.get(spec.get("family", ""), "") + share,
        "only": "",
        "setting": spec.get("setting", ""),
        "seed": spec.get("seed", 0),
        "iterations": spec.get("iterations"),
    }


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that findings are about: ours, without those that are another one's copy.

    The report's arithmetic only shows why it failed, and its row "none" is our training of "one-hot" a second time.
    """
    return frame[(frame["column"] != "published") & (frame["loss"] != "none")]
