"""A loss of your own: in losses/ of a folder that EDGEDIGITS_EXTENSIONS names, it is one as those that are shipped.

    edgedigits examples custom_loss.py --out mine/losses
    EDGEDIGITS_EXTENSIONS=mine edgedigits build --loss generalized-cross-entropy --q 0.7 --qat

It is generalized cross-entropy, for labels of which some are wrong (Zhang and Sabuncu, "Generalized Cross Entropy Loss
for Training Deep Neural Networks with Noisy Labels", 2018): one minus the q-th power of the true class's probability,
divided by q. Towards q = 0 it becomes cross-entropy, which learns wrong labels by heart; q = 1 is one minus that
probability, which gives way to no single image, and learns slowly.
"""

from __future__ import annotations

from typing import Any

from edgedigits import options
from edgedigits.losses.declaration import Loss, Parameter


def generalized(tf: Any, labels: Any, logits: Any, *, q: float) -> Any:
    """Return (1 − p_y^q) / q of each image, (n,).

    Args:
        tf: TensorFlow, which is handed over so that nobody waits for it who only asks for help.
        labels: int32 (n,).
        logits: float32 (n, 10).
        q: 0 < q ≤ 1.
    """
    log_p = -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return -tf.math.expm1(q * log_p) / q


LOSS = Loss(
    "generalized-cross-entropy",
    meaning="(1 − p^q) / q of the true class: an image that fits badly counts less, since its label may be wrong",
    formula="(1 − p_y^q) / q",
    source="Zhang and Sabuncu, 2018",
    per_image=generalized,
    parameters=(
        Parameter(
            "q", 0.7, options.number(0, 1, open_low=True), "how far wrong labels are borne", lambda q: f"q = {q:g}"
        ),
    ),
)
