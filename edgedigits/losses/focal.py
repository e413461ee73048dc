"""Focal loss: −α_y (1 − p_y)^γ log p_y."""

from __future__ import annotations

from typing import Any

from edgedigits import options
from edgedigits.data.shape import CLASSES
from edgedigits.losses.declaration import Loss, Parameter


def per_image(tf: Any, labels: Any, logits: Any, *, gamma: float, alpha: tuple[float, ...] = ()) -> Any:
    """Return the focal loss of each image, (n,).

    Args:
        tf: TensorFlow.
        labels: int32 (n,).
        logits: float32 (n, 10).
        gamma: focusing exponent γ ≥ 0; 0 gives cross-entropy.
        alpha: () for none, one number for all classes, or ten.
    """
    log_p = -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    # 1 − p from the log keeps its digits where p is nearly 1, and the floor keeps the gradient of the power finite.
    miss = tf.maximum(-tf.math.expm1(log_p), 1e-7)
    loss = -tf.pow(miss, gamma) * log_p
    if not alpha:
        return loss
    alphas = [float(one) for one in (tuple(alpha) * CLASSES if len(alpha) == 1 else alpha)]
    return tf.gather(tf.constant(alphas, logits.dtype), labels) * loss


LOSS = Loss(
    "focal",
    meaning=lambda values: (
        f"−{'α' if values['alpha'] else ''}(1 − p)^γ log p of the true class: images that are easy already count less"
    ),
    formula="−α_y (1 − p_y)^γ log p_y",
    source="Lin et al., 2017",
    per_image=per_image,
    takes_smoothing=True,
    parameters=(
        Parameter("gamma", 2.0, options.number(0, 20), "focusing exponent", lambda γ: f"γ = {γ:g}", metavar="2.0"),
        Parameter(
            "alpha",
            (),
            options.per_class,
            "weight, one for all classes or ten",
            lambda α: f"α = {', '.join(f'{one:g}' for one in α)}" if α else "",
            metavar="A,…",
        ),
    ),
)
