"""How the biases of a layer can be stored: 4 bytes each, or fewer and shifted where that is exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class StoredBiases:
    """Biases as they lie in flash: bias = value · 2^shift.

    Attributes:
        values: (out,), int8, int16 or int32; shifted they are narrower than int32.
        shift: 0 for int32.
    """

    values: NDArray[np.signedinteger[Any]]
    shift: int = 0

    @property
    def is_narrow(self) -> bool:
        """Whether an engine has to widen them."""
        return self.values.dtype != np.int32

    @property
    def nbytes(self) -> int:
        """Bytes of flash."""
        return int(self.values.nbytes)


def narrowest(biases: NDArray[np.int32]) -> StoredBiases:
    """Return `biases` (out,) in the fewest bytes: without the low bits that are 0 in all of them."""
    common = int(np.bitwise_or.reduce(biases.astype(np.int64), initial=0))
    shift = (common & -common).bit_length() - 1 if common else 0
    shifted = biases >> shift
    for dtype in (np.int8, np.int16):
        if np.array_equal(shifted.astype(dtype), shifted):
            return StoredBiases(shifted.astype(dtype), shift)
    return StoredBiases(biases.astype(np.int32))
