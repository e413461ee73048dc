"""A codebook: 2^bits values a layer that training moves wherever they serve best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits.levels.declaration import WIDEST, Levels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LLOYD_STEPS = 30


def initial(weights: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return quantiles of the weights after Lloyd's iterations: the means of their cells."""
    import numpy as np

    count = 2**bits
    values = np.quantile(weights, (np.arange(count) + 0.5) / count) + 1e-7 * np.arange(count)
    for _ in range(LLOYD_STEPS):
        cells = np.searchsorted((values[1:] + values[:-1]) / 2, weights)
        sizes, sums = np.bincount(cells, minlength=count), np.bincount(cells, weights, minlength=count)
        values = np.sort(np.where(sizes, sums / np.maximum(sizes, 1), values))
    return values.astype(np.float32)


def codes(tf: Any, parameters: Any, bits: int) -> tuple[Any, Any]:
    """Return the values on the grid of the largest; none becomes zero, which is what pruning writes."""
    values = tf.sort(parameters)
    scale = tf.stop_gradient(tf.reduce_max(tf.abs(values)) / WIDEST + 1e-12)
    exact = values / scale
    rounded = tf.round(exact)
    whole = tf.where(tf.equal(rounded, 0.0), tf.where(exact < 0, -tf.ones_like(exact), tf.ones_like(exact)), rounded)
    return exact + tf.stop_gradient(whole - exact), scale


LEVELS = Levels(
    "codebook",
    meaning="2^bits values a layer, learned",
    source="after Han et al., 2015 (trained quantization)",
    initial=initial,
    codes=codes,
    holds_zero=False,
)
