"""Powers of two: products become shifts; dense near zero, sparse far from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits.levels.declaration import Levels, scaled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_POWERS = 7
CANDIDATES = 40


def grid(bits: int) -> tuple[float, ...]:
    """Return ± 2^0 … 2^(n − 1), n = 2^(bits − 1) but at most seven: a code ends at 127."""
    powers = [2.0**exponent for exponent in range(min(MOST_POWERS, 2 ** (bits - 1)))]
    return (*(-power for power in reversed(powers)), *powers)


def initial(weights: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return the largest level of those that are nearest to the weights, by mean square."""
    import numpy as np

    codes_ = np.array(grid(bits), np.float32)
    middles = (codes_[1:] + codes_[:-1]) / 2
    largest = float(np.abs(weights).max()) or 1.0
    tried = largest / codes_[-1] * np.geomspace(0.2, 2.0, CANDIDATES)
    error = [np.mean((codes_[np.searchsorted(middles, weights / scale)] * scale - weights) ** 2) for scale in tried]
    return np.array([tried[int(np.argmin(error))] * codes_[-1]], np.float32)


def codes(tf: Any, parameters: Any, bits: int) -> tuple[Any, Any]:
    """Return the powers, and the scale, which is learned."""
    powers = grid(bits)
    return scaled(tf, powers, tf.abs(parameters[0]) / powers[-1] + 1e-12)


LEVELS = Levels(
    "powers",
    meaning="plus and minus powers of two, their scale learned",
    source="after Zhou et al., 2017 (incremental network quantization)",
    initial=initial,
    codes=codes,
    holds_zero=False,
    by_output=True,
)
