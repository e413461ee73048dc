"""The finished trials of a study as a table: a row a trial, in terms that grids and the report's table share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from edgedigits.errors import DataError
from edgedigits.study.axes import FLOAT32, value_words
from edgedigits.study.store import DONE, Trial

NUMBERS = (
    "accuracy",
    "dev_accuracy",
    "val_accuracy",
    "float_accuracy",
    "float_dev_accuracy",
    "setting_float_accuracy",
    "setting_float_dev_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "bytes",
    "gzip_bytes",
    "float_bytes",
    "ratio",
    "gzip_ratio",
    "engine_bytes",
    "flash",
    "ram",
    "instructions",
    "latency_us",
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
    "curves",
)
IDENTITY = ("key", "column", "loss", "compression", "setting", "seed", "label", "seconds")
BUILD = "build"
SEED_AXES = ("seed", "training.seed")


def study_frame(trials: Iterable[Trial]) -> pd.DataFrame:
    """Return one row a finished trial.

    Columns: key, label, column ("build", "published" or "edgedigits"), loss, compression, setting (what else
    distinguishes the trial), seed, the axes of a grid as "axis …", the figures in `NUMBERS` (NaN where there is none),
    and those in `LISTS`. `accuracy` is on the test set; where a source has none, on the dev set.

    Raises:
        DataError: no trial is finished.
    """
    rows = [_row(trial) for trial in trials if trial.status == DONE]
    if not rows:
        raise DataError("No trial of this study is finished yet.", hint="Run it: edgedigits study run.")
    frame = pd.DataFrame(rows)
    for name in (*NUMBERS, *LISTS):
        if name not in frame:
            frame[name] = None
    frame[list(NUMBERS)] = frame[list(NUMBERS)].apply(pd.to_numeric)
    return frame


def _row(trial: Trial) -> dict[str, Any]:
    found = dict(trial.result)
    for name in ("accuracy", *LISTS, "macro_precision", "macro_recall", "macro_f1"):
        if name not in found and f"dev_{name}" in found:
            found[name] = found[f"dev_{name}"]
    if "float_confusion" not in found and "float_dev_confusion" in found:
        found |= {f"float_{name}": found[f"float_dev_{name}"] for name in ("confusion", "accuracy", "class_recall")}
    kept = {name: found[name] for name in (*NUMBERS, *LISTS) if name in found}
    identity = {"key": trial.key, "label": trial.spec["label"], "seconds": trial.seconds}
    return {**identity, **(_build(trial.spec) if trial.kind == BUILD else _cell(trial.spec)), **kept}


def _build(spec: dict[str, Any]) -> dict[str, Any]:
    config, values = spec["config"], spec["values"]
    loss = config["loss"]["name"]
    named = ("loss", "loss.name", "quantization", "sparsity", "qat", "qat.enabled", "prune", "prune.enabled")
    others = [f"{name}={value_words(value)}" for name, value in values.items() if name not in (*named, *SEED_AXES)]
    return {
        "column": BUILD,
        "loss": loss,
        "compression": compression_of(config, spec["scored"]),
        "setting": ", ".join(others),
        "seed": config["training"]["seed"],
        **{f"axis {name}": value_words(value) for name, value in values.items() if name not in SEED_AXES},
    }


def compression_of(config: dict[str, Any], scored: str) -> str:
    """Return the compression of a build in words: "float32", "int8", "QAT", "pruned 80 %, QAT" …"""
    pruned = f"pruned {100 * config['prune']['sparsity']:g} %" if config["prune"]["enabled"] else ""
    number = "float32" if scored == FLOAT32 else "QAT" if config["qat"]["enabled"] else "int8"
    return ", ".join(word for word in (pruned, number) if word)


def _cell(spec: dict[str, Any]) -> dict[str, Any]:
    words = {"classical": "float32", "quantized": "quantized", "pruned": "pruned"}
    share = f" {100 * spec['sparsity']:g} %" if "sparsity" in spec else ""
    return {
        "column": spec.get("column", ""),
        "loss": spec.get("loss", ""),
        "compression": words.get(spec.get("family", ""), "") + share,
        "setting": spec.get("setting", ""),
        "seed": spec.get("seed", 0),
    }


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that findings are about: ours; the report's arithmetic only shows why it failed."""
    return frame[frame["column"] != "published"]
