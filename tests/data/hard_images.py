"""Images at the edges of the arithmetic of a view: blank, all ink, single pixels, lines, slopes, sparse and dense noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hard_images(seed: int = 0, noisy: int = 30) -> NDArray[np.uint8]:
    """Return images uint8 (n, 784), the same for a seed."""
    random = np.random.default_rng(seed)
    noise = random.integers(0, 256, (noisy, 784))
    noise[1::3][random.random(noise[1::3].shape) < 0.8] = 0
    noise[2::3][random.random(noise[2::3].shape) < 0.99] = 0
    diagonal, lines = np.eye(28), np.zeros((28, 28, 28))
    lines[np.arange(28), np.arange(28)] = 9
    lines = lines[random.permutation(28)[:6]]
    corners = np.eye(784)[[0, 27, 756, 783, 405, *random.integers(0, 784, 10)]]
    parts = (
        *(np.zeros((1, 784)), np.full((1, 784), 255), np.full((1, 784), 1)),
        *(255 * corners, corners, lines, lines.transpose(0, 2, 1)),
        *(200 * diagonal, 200 * diagonal[::-1], np.tril(diagonal + 1) * 127, noise),
    )
    return np.concatenate([part.reshape(-1, 784) for part in parts]).astype(np.uint8)
