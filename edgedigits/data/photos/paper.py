"""What of a photo is paper and what is ink, wherever light falls on it.

Paper is what is left where strokes are filled up by the lighter of their surroundings, cell by cell: so a shadow is
darker paper and no ink. Ink is the share of the paper's light that is missing, if it is more than noise takes away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELLS = 96
"""Cells of a photo's longer side, each the mean of its pixels, in which paper is looked for."""
WIDEST_STROKE = 1 / 4
"""Of the longer side; what is wider is paper."""
STROKES = 6.0
"""Times the usual stroke of a photo: what is wider there is paper as well."""
FAINTEST = 0.08
"""Share of the paper's light that ink takes away at least."""
DARKEST_PAPER = 48.0
"""Of 255; where paper is darker than that, a share of its light would be no more than noise."""
SIGMAS = 5.0
"""How far ink stands out from noise."""
OF_THE_INK = 0.4
"""Of the strength that most ink has: what is weaker is no stroke."""

Ink = NDArray[np.float32]
"""Share of the paper's light that is missing at each pixel, 0…1 (height, width)."""


def is_dark(grey: NDArray[np.uint8]) -> bool:
    """Tell whether ink is darker than paper: of a photo less is ink than paper, and farther from what lies around."""
    from scipy.ndimage import gaussian_filter

    cells = _cells(grey.astype(np.float32))
    around = cells - gaussian_filter(cells, max(cells.shape) / 6)
    return bool(((around - np.median(around)) ** 3).sum() < 0)


def ink_of(grey: NDArray[np.uint8], *, dark: bool) -> Ink:
    """Return the ink of a photo.

    Paper is looked for twice: as far as the widest strokes of any photo reach, and then only as far as those of this
    one, so that the edge of a shadow does not count as ink where digits are small.

    Args:
        grey: uint8 (height, width).
        dark: ink is darker than paper.
    """
    light = grey.astype(np.float32) if dark else np.float32(255) - grey
    widest = max(light.shape) * WIDEST_STROKE
    ink = _ink(light, widest)
    smooth = smoothed(ink)
    narrower = STROKES * usual_stroke(smooth >= threshold(smooth))
    return _ink(light, narrower) if 0 < narrower < widest else ink


def usual_stroke(mask: NDArray[np.bool_]) -> float:
    """Return the width that strokes in a mask have for the most part, in pixels; 0 where there are none."""
    from scipy.ndimage import binary_erosion

    rim = np.count_nonzero(mask & ~binary_erosion(mask))
    return 2.0 * int(np.count_nonzero(mask)) / max(int(rim), 1)


def threshold(ink: Ink) -> float:
    """Return the strength from which on it is ink and no noise; above 1 where there is none."""
    middle = float(np.median(ink))
    noise = 1.4826 * float(np.median(np.abs(ink - middle)))
    least = middle + max(SIGMAS * noise, FAINTEST)
    strong = ink[ink > least]
    return max(least, OF_THE_INK * float(np.percentile(strong, 90))) if len(strong) else 2.0


def smoothed(ink: Ink) -> Ink:
    """Return ink without the noise of single pixels, of which small pictures have none to lose."""
    from scipy.ndimage import gaussian_filter

    sigma = min(1.5, max(ink.shape) / 400)
    return gaussian_filter(ink, sigma) if sigma > 0.3 else ink


def _ink(light: Ink, widest: float) -> Ink:
    paper = _paper(light, widest)
    return np.clip((paper - light) / np.maximum(paper, DARKEST_PAPER), 0, 1)


def _paper(light: Ink, widest: float) -> Ink:
    """Return the light of the paper at each pixel, where no stroke is wider than so many of them."""
    from PIL import Image
    from scipy.ndimage import grey_closing, minimum_filter, uniform_filter

    cells = _cells(light)
    side = 1 + 2 * max(2, round(widest * max(cells.shape) / max(light.shape) / 2))
    closed = grey_closing(cells, size=side)
    # Smooth, but nowhere lighter than its own cell or the next: the rim of something dark is no ink.
    paper = np.minimum(uniform_filter(closed, 3), minimum_filter(closed, 3))
    size = (light.shape[1], light.shape[0])
    return np.asarray(Image.fromarray(paper).resize(size, Image.Resampling.BILINEAR))


def _cells(grey: Ink) -> Ink:
    from PIL import Image

    longer = max(grey.shape)
    if longer <= CELLS:
        return grey
    height, width = (max(1, round(side * CELLS / longer)) for side in grey.shape)
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BOX))
