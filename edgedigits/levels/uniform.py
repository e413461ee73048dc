"""Uniform levels: equal steps about zero, the step learned; two bits are ternary, one bit is binary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits.levels.declaration import WIDEST, Levels, scaled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CANDIDATES = 60


def steps(bits: int) -> tuple[float, ...]:
    """Return the levels in steps: −3 … 3 for three bits, −1 and 1 for one."""
    if bits == 1:
        return (-1.0, 1.0)
    widest = 2 ** (bits - 1) - 1
    return tuple(float(step) for step in range(-widest, widest + 1))


def initial(weights: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return the step whose levels are nearest to the weights, by mean square."""
    import numpy as np

    grid = np.array(steps(bits), np.float32)
    middles = (grid[1:] + grid[:-1]) / 2
    largest = float(np.abs(weights).max()) or 1.0
    tried = largest / grid[-1] * np.geomspace(0.1, 2.0, CANDIDATES)
    error = [np.mean((grid[np.searchsorted(middles, weights / step)] * step - weights) ** 2) for step in tried]
    return np.array([tried[int(np.argmin(error))]], np.float32)


def codes(tf: Any, parameters: Any, bits: int) -> tuple[Any, Any]:
    """Return the levels as codes: as many codes a step as fit below the widest."""
    grid = steps(bits)
    codes_a_step = float(WIDEST // int(grid[-1]))
    return scaled(tf, tuple(step * codes_a_step for step in grid), tf.abs(parameters[0]) / codes_a_step + 1e-12)


LEVELS = Levels(
    "uniform",
    meaning="equal steps about zero, the step learned",
    source="after Esser et al., 2020 (learned step size)",
    initial=initial,
    codes=codes,
    holds_zero=True,
    by_output=True,
)
