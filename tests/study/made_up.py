"""Figures of trials whose answers are known."""

from __future__ import annotations

import numpy as np


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
