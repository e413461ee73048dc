"""What ten scores per image say about a classifier: accuracy, loss, precision, recall, F1, calibration.

The toolkit's one tie rule is stated here: of equal top scores the lowest class index wins, as in
`numpy.argmax` and in the generated C. Int8 scores tie in about 40 of 10,000 MNIST images, so the rule shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES
from edgedigits.files.typed import Count, Share

CALIBRATION_BINS = 15
TIE_RULE = "lowest class index wins"
# An int8 softmax can say exactly 0, whose logarithm is infinite; Keras clips at the same value.
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class ClassScore:
    """How one class fared.

    Attributes:
        precision: share of right ones among the images given this class; 0 when none was.
        recall: share of this class's images that were found; 0 when there is none.
        f1: harmonic mean of precision and recall; 0 when both are.
        support: number of images of this class.
        loss: mean cross-entropy over those images, in nats; 0 when there is none.
    """

    precision: Share
    recall: Share
    f1: Share
    support: Count
    loss: float


@dataclass(frozen=True)
class Scores:
    """How a classifier fared on labelled images.

    Attributes:
        count: number of images.
        accuracy: share of images classified right, 0…1.
        loss: mean cross-entropy in nats.
        macro_precision, macro_recall, macro_f1: plain means over all ten classes, absent ones as 0.
        calibration_error: expected calibration error, 0…1, over 15 bins of equal width.
        per_class: ten scores, by class.
        confusion: 10×10 counts; rows are true classes, columns the classes given.
        ties: images whose top score is shared by several classes; `TIE_RULE` decided them.
    """

    count: Count
    accuracy: Share
    loss: float
    macro_precision: Share
    macro_recall: Share
    macro_f1: Share
    calibration_error: Share
    per_class: Annotated[tuple[ClassScore, ...], Meta(min_length=CLASSES, max_length=CLASSES)]
    confusion: tuple[tuple[int, ...], ...]
    ties: int

    @property
    def errors(self) -> int:
        """Images that are off the diagonal of the confusion matrix."""
        return self.count - sum(row[digit] for digit, row in enumerate(self.confusion))


def classify(outputs: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return the class of each row of `outputs` (n, 10) as int (n,); on a tie the lowest class index wins."""
    return np.argmax(outputs, axis=1)


def score(outputs: NDArray[np.float32], labels: NDArray[np.integer], *, are_probabilities: bool) -> Scores:
    """Score classifier outputs against labels.

    Args:
        outputs: float32 (n, 10), logits or probabilities; finite, n ≥ 1.
        labels: integers (n,) in 0…9.
        are_probabilities: whether `outputs` have been through a softmax; if not, one is applied for loss and
            calibration.

    Returns:
        The scores; the conventions for empty classes are at `ClassScore`.

    Raises:
        ValueError: shapes or values are not as above.
    """
    _check(outputs, labels)
    given = classify(outputs)
    confusion = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    np.add.at(confusion, (labels, given), 1)
    probabilities = as_probabilities(outputs, are_probabilities=are_probabilities)
    losses = -np.log(np.clip(probabilities[np.arange(len(labels)), labels], SMALLEST_PROBABILITY, 1.0))
    per_class = _class_scores(confusion, losses, labels)
    return Scores(
        count=len(labels),
        accuracy=float(np.trace(confusion) / len(labels)),
        loss=float(losses.mean()),
        macro_precision=float(np.mean([one.precision for one in per_class])),
        macro_recall=float(np.mean([one.recall for one in per_class])),
        macro_f1=float(np.mean([one.f1 for one in per_class])),
        calibration_error=calibration_error(probabilities.max(axis=1), given == labels),
        per_class=per_class,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        ties=int(np.count_nonzero((outputs == outputs.max(axis=1, keepdims=True)).sum(axis=1) > 1)),
    )


def as_probabilities(outputs: NDArray[np.float32], *, are_probabilities: bool) -> NDArray[np.float64]:
    """Return float64 (n, 10) rows that sum to 1.

    Args:
        outputs: float32 (n, 10). Logits go through a softmax; probabilities are only divided by their sum,
            which rounding to int8 moves off 1.
        are_probabilities: which of the two `outputs` are.
    """
    wide = outputs.astype(np.float64)
    if not are_probabilities:
        wide = np.exp(wide - wide.max(axis=1, keepdims=True))
    total = wide.sum(axis=1, keepdims=True)
    # A row of zeros knows nothing: every class is equally likely.
    return np.where(total > 0, wide / np.where(total > 0, total, 1.0), 1.0 / CLASSES)


def calibration_error(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> float:
    """Return the expected calibration error: how far confidence is from accuracy, on average.

    Images are put into 15 bins of equal width by confidence, bin m holding ((m−1)/15, m/15]; the result is
    Σ |bin|/n · |accuracy of bin − mean confidence of bin|. Source: Guo et al. 2017, "On Calibration of Modern
    Neural Networks", equation 3.

    Args:
        confidence: float (n,) in 0…1, the probability of the class given.
        correct: bool (n,), whether that class was right.
    """
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(np.intp) - 1, 0, CALIBRATION_BINS - 1)
    gap = np.bincount(bins, weights=correct.astype(np.float64) - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gap).sum() / len(confidence))


def _check(outputs: NDArray[np.float32], labels: NDArray[np.integer]) -> None:
    if outputs.ndim != 2 or outputs.shape[1] != CLASSES or len(outputs) == 0:
        raise ValueError(f"outputs must be (n, {CLASSES}) with n ≥ 1, got {outputs.shape}")
    if labels.shape != (len(outputs),):
        raise ValueError(f"labels must be ({len(outputs)},), got {labels.shape}")
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise ValueError(f"labels must be 0…{CLASSES - 1}, got {labels.min()}…{labels.max()}")
    if not np.isfinite(outputs).all():
        raise ValueError("outputs must be finite")


def _class_scores(
    confusion: NDArray[np.int64], losses: NDArray[np.float64], labels: NDArray[np.integer]
) -> tuple[ClassScore, ...]:
    right = np.diag(confusion)
    given, support = confusion.sum(axis=0), confusion.sum(axis=1)
    loss_sums = np.bincount(labels, weights=losses, minlength=CLASSES)
    return tuple(
        ClassScore(
            precision=_ratio(right[c], given[c]),
            recall=_ratio(right[c], support[c]),
            # 2PR/(P+R) with P and R written out as counts: exact where both are 0.
            f1=_ratio(2 * right[c], given[c] + support[c]),
            support=int(support[c]),
            loss=_ratio(loss_sums[c], support[c]),
        )
        for c in range(CLASSES)
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
