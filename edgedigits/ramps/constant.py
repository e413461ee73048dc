"""Constant: the share of zeros that is wanted from the beginning on, held while training goes on."""

from __future__ import annotations

from edgedigits.ramps.declaration import Ramp

RAMP = Ramp(
    "constant",
    meaning="all at the beginning, then held: by TF-MOT the masks are chosen anew until pruning ends, else as one-shot",
    source="TF-MOT's ConstantSparsity",
    cut=lambda progress: 1.0,
    is_tfmots=True,
)
