"""Weighted cross-entropy: −w_y log p_y; w given, "balanced" n/(K·n_c) or "effective-number" ∝ (1 − β)/(1 − β^n_c).

The latter is scaled to a mean of 1 over the classes (Cui et al., 2019). K = 10 classes, n_c images of class c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits import options
from edgedigits.data.shape import CLASSES
from edgedigits.losses.declaration import Loss, Parameter, Values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BALANCED, EFFECTIVE_NUMBER = "balanced", "effective-number"


def per_image(tf: Any, labels: Any, logits: Any, *, weights: list[float]) -> Any:
    """Return −w_y log p_y of each image, (n,); `weights` are ten."""
    weight = tf.gather(tf.constant(weights, logits.dtype), labels)
    return -weight * -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def class_weights(values: Values, labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the weight of each class, float64 (10,).

    Args:
        values: weights given, "balanced" or "effective-number", and that one's β.
        labels: training labels (n,), counted for the two rules. A class that never occurs weighs 0.
    """
    import numpy as np

    chosen = values["class_weights"]
    if not isinstance(chosen, str):
        return np.array(chosen, dtype=np.float64)
    counts = np.bincount(labels, minlength=CLASSES).astype(np.float64)
    present = counts > 0
    weights = np.zeros(CLASSES)
    if chosen == BALANCED:
        weights[present] = counts.sum() / (CLASSES * counts[present])
        return weights
    weights[present] = (1.0 - values["beta"]) / (1.0 - values["beta"] ** counts[present])
    return np.asarray(weights * present.sum() / weights.sum())


def _parse(raw: Any) -> str | tuple[float, ...]:
    """Parse the name of a rule or ten numbers."""
    if raw in (BALANCED, EFFECTIVE_NUMBER):
        return str(raw)
    try:
        values = options.per_class(raw)
    except ValueError:
        values = ()
    if len(values) != CLASSES or sum(values) == 0:
        raise ValueError("balanced, effective-number, or ten non-negative numbers separated by commas")
    return values


def _words(weights: str | tuple[float, ...]) -> str:
    return f"weights {weights if isinstance(weights, str) else ', '.join(f'{one:g}' for one in weights)}"


LOSS = Loss(
    "weighted-cross-entropy",
    meaning="−w log p of the true class, with a weight w for each class",
    formula="−w_y log p_y; w balanced n/(10·n_c), effective-number ∝ (1 − β)/(1 − β^n_c), or ten numbers",
    source="Cui et al., 2019, for the effective number",
    per_image=per_image,
    takes_smoothing=True,
    parameters=(
        Parameter("class_weights", BALANCED, _parse, "balanced, effective-number, or ten numbers", _words, metavar="W"),
        Parameter(
            "beta",
            0.999,
            options.number(0, 1, open_high=True),
            "β of the effective number",
            lambda β: f"β = {β:g}",
            needs=("loss", "class_weights", EFFECTIVE_NUMBER),
        ),
    ),
    constants=lambda values, labels: {"weights": class_weights(values, labels).tolist()},
)
