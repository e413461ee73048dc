"""What speaks for an answer and against it, as colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FOR, _AGAINST = (86, 180, 233), (240, 136, 62)


def influence_colours(pushes: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return influence (side, side) as colours (side, side, 3): blue for, red against, black for none."""
    share = np.abs(pushes) / max(float(np.abs(pushes).max()), 1e-9)
    colours = np.where(pushes[..., None] > 0, np.array(_FOR), np.array(_AGAINST))
    # The root shows weak ones too.
    return np.rint(colours * np.sqrt(share)[..., None]).astype(np.uint8)
