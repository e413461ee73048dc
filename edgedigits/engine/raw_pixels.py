"""Whether an engine can read pixels as they are, at once or in portions, so that `preprocess` is no pass of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgedigits.data.preprocess import PIXEL_VALUES, PixelMap
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.packing import PackedLayer
from edgedigits.model.weights.rows import ROWS


def has_usual_table(pixels: PixelMap) -> bool:
    """Tell whether each pixel that is seen becomes itself less 128: with the highest bit turned it is the other."""
    return np.array_equal(pixels.table, np.arange(PIXEL_VALUES) - 128)


def reads_pixels(network: Network, packed: Sequence[PackedLayer], pixels: PixelMap | None) -> bool:
    """Tell whether all that reads the input can read pixels instead, in words: layers, with another flip of bits."""
    if pixels is None or not pixels.view.is_plain or not has_usual_table(pixels) or network.inputs % 4:
        return False
    steps = zip(network.steps, network.reads, strict=True)
    if not all(isinstance(step, DenseLayer) for step, reads in steps if 0 in reads):
        return False
    encodings = [one.encoding for one, reads in zip(packed, network.of_input, strict=True) if reads]
    return all(encoding.reads_distances or encoding is ROWS for encoding in encodings)


def takes_portions(network: Network, packed: Sequence[PackedLayer]) -> bool:
    """Tell whether an engine that reads pixels can get them in portions: one layer alone reads them, by columns."""
    alone = network.reads[0] == (0,) and not any(0 in reads for reads in network.reads[1:])
    return alone and packed[0].encoding.entries_of_word(network.outputs) is not None
