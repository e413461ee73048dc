"""Trials whose answers are known."""

from __future__ import annotations

import numpy as np

from edgedigits.reproduction.plan import plan_table
from edgedigits.reproduction.published_table import Row, published_table
from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.run.rows import DONE, Trial
from edgedigits.study.trial_kind import plan_builds


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
        Trial(f"{number:016}", number, _as_read(entry.kind), entry.spec, DONE, 1, 2.0, "", one)
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
        published = {(row, setting.name): value for (row, setting), value in published_table().accuracy.items()}
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


def varied_trials():
    """A grid in which no two figures are alike: two losses, one with a parameter, three compressions, three seeds.

    Every figure is drawn by NumPy's promised raw stream, so that it is the same for good.
    """
    axes = {
        "loss": ["mse", "focal"],
        "gamma": {"values": [1, 2], "when": {"loss": "focal"}},
        "quantization": ["none", "qat"],
        "sparsity": [0, 0.8],
        "seed": [1, 2, 3],
    }
    plan = plan_builds("grid", plan_grid({"axes": axes}, "x"))
    draw = _Draws(7)
    results = []
    for entry in plan.entries:
        cost = 0.03 * (entry.spec["values"]["sparsity"] > 0) + 0.01 * (entry.spec["values"]["quantization"] == "qat")
        before, after = draw.matrix(0.93), draw.matrix(0.93 - cost)
        right = [after[digit][digit] / sum(after[digit]) for digit in range(10)]
        results.append(
            {
                **figures(sum(right) / 10, size=round(40_000 * (1 - 10 * cost)) + draw.integer(500)),
                "val_accuracy": 0.9 - cost + draw.share() / 50,
                "accuracy": sum(right) / 10,
                "confusion": after,
                "class_recall": right,
                "class_f1": [0.9 - cost + draw.share() / 20 for _ in range(10)],
                "float_accuracy": sum(before[digit][digit] for digit in range(10)) / sum(map(sum, before)),
                "float_confusion": before,
                "float_class_recall": [before[digit][digit] / sum(before[digit]) for digit in range(10)],
                "mean_loss": 0.1 + draw.share(),
                "sparsity": entry.spec["values"]["sparsity"] + draw.share() / 100,
                "instructions": 5000 + draw.integer(9000),
            }
        )
    return trials_of(plan, results)


def varied_table():
    """The report's table with two seeds, in which no two figures are alike."""
    plan, draw, results = plan_table(seeds=2), _Draws(8), []
    for entry in plan.entries:
        one = cell_result(entry.spec)
        for name in [name for name in one if name.endswith("accuracy")]:
            one[name] = one[name] + (draw.share() - 0.5) / 50
        results.append(one)
    return trials_of(plan, results)


class _Draws:
    def __init__(self, seed):
        self._raw = np.random.PCG64(seed).random_raw

    def share(self):
        return int(self._raw()) / 2**64

    def integer(self, below):
        return int(self.share() * below)

    def matrix(self, accuracy):
        """A confusion matrix, 1,000 images of each digit."""
        rows = []
        for digit in range(10):
            others = [self.integer(200) + 1 for _ in range(10)]
            others[digit] = 0
            wrong = round(1000 * (1 - accuracy) + self.integer(20))
            row = [one * wrong // sum(others) for one in others]
            row[digit] = 1000 - sum(row)
            rows.append(row)
        return rows


def _as_read(text: str) -> str:
    """Return an equal string that is another object, as one is that comes from a database."""
    return bytes(text, "utf-8").decode()
