"""Trials whose answers are known."""

from __future__ import annotations

import numpy as np

from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.run.rows import DONE, Trial
from edgedigits.study.run.session import plan_builds
from edgedigits.study.table.plan import plan_table
from edgedigits.study.table.report_data import Row, report_table


def figures(accuracy, *, size=10_000, worse_digit=None):
    """Figures of a model that gets each digit right equally often, 1,000 images of each, but for one digit."""
    confusion = np.zeros((10, 10), int)
    for digit in range(10):
        right = round(1000 * accuracy) - (100 if digit == worse_digit else 0)
        confusion[digit, digit] = right
        confusion[digit, (digit + 1) % 10] = 1000 - right
    recall = (np.diag(confusion) / 1000).tolist()
    scores = {f"class_{name}": recall for name in ("precision", "recall", "f1", "loss")}
    return {
        "accuracy": accuracy, "val_accuracy": accuracy, "macro_f1": accuracy, "bytes": size, "gzip_bytes": size // 2,
        "engine_bytes": size - 2000, "instructions": size / 2, "confusion": confusion.tolist(), **scores,
        "curves": {"float_val_accuracy": [[1, 0.5], [2, accuracy]]}, "train_seconds": 1.0, "images": 10_000,
    }  # fmt: skip


def float_figures(accuracy, prefix="float_"):
    """The same of the float32 network that a trial is held against."""
    names = ("accuracy", "confusion", "class_recall")
    return {f"{prefix}{name}": figures(accuracy)[name] for name in names}


def trials_of(plan, results):
    """Return the trials of a plan as finished, with such figures."""
    return [
        Trial(f"{number:016}", number, entry.kind, entry.spec, DONE, 1, 2.0, "", one)
        for number, (entry, one) in enumerate(zip(plan.entries, results, strict=True))
    ]


def grid_trials():
    """Two losses × two quantizations × three seeds: qat costs 1 point ± 0.1, focal and mse are alike but for noise."""
    tables = {"axes": {"loss": ["mse", "focal"], "quantization": ["none", "qat"], "seed": [1, 2, 3]}}
    plan = plan_builds("grid", plan_grid(tables, "x"))
    noise = {("mse", 1): 0.004, ("mse", 2): -0.004, ("mse", 3): 0.0}
    results = []
    for entry in plan.entries:
        values = entry.spec["values"]
        base = 0.9 + noise.get((values["loss"], values["seed"]), 0.0)
        qat = values["quantization"] == "qat"
        cost = 0.01 + 0.001 * (values["seed"] - 2)
        one = figures(base - cost * qat, size=10_000 if qat else 40_000, worse_digit=3 if qat else None)
        results.append({**one, **float_figures(base)})
    return trials_of(plan, results)


def table_trials():
    """The whole table with two seeds: our cells are 0.9, the report's arithmetic gives its published figures."""
    plan = plan_table(seeds=2)
    return trials_of(plan, [cell_result(entry.spec) for entry in plan.entries])


def cell_result(spec):
    """Figures of a cell of the table."""
    if spec["column"] == "published":
        published = {(row, setting.name): value for (row, setting), value in report_table().accuracy.items()}
        value = published[Row(spec["family"], spec["loss"]), spec["setting"]]
        return {"dev_accuracy": value, "curves": {"train": [[1, 0.1]], "dev": [[1, 0.1], [5, value]]}}
    value = 0.88 if spec.get("sparsity") == 0.8 else 0.9
    as_long = 0.915 if spec["family"] == "pruned" else 0.9
    return {
        **figures(value),
        **float_figures(as_long),
        **float_figures(0.9, "setting_float_"),
        "dev_accuracy": value,
        "float_dev_accuracy": as_long,
        "setting_float_dev_accuracy": 0.9,
        "dev_images": 1000,
        "curves": {"train": [[1, 0.2], [5, value]], "dev": [[1, 0.2], [5, value]]},
    }
