"""Cross-entropy: −log p_y."""

from __future__ import annotations

from typing import Any

from edgedigits.losses.declaration import Loss


def per_image(tf: Any, labels: Any, logits: Any) -> Any:
    """Return −log p_y of each image, (n,)."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


LOSS = Loss(
    "cross-entropy",
    meaning="−log p of the true class",
    formula="−log p_y",
    source="",
    per_image=per_image,
    takes_smoothing=True,
)
