"""How the weights of a layer can be stored: a file of this folder an encoding, found because it is there."""

from __future__ import annotations

import sys

from edgedigits.discovery import declared
from edgedigits.model.weights.encoding import Encoding

ENCODINGS: tuple[Encoding, ...] = tuple(
    sorted(
        (encoding for some in declared(sys.modules[__name__], "ENCODINGS") for encoding in some),
        key=lambda encoding: (encoding.rank, encoding.name),
    )
)
"""All encodings, by rank: of equally good ones the first is taken."""
