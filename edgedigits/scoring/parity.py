"""How far runtimes agree on the same images: byte by byte against one baseline.

Runtimes round differently, by design: the reference kernels of LiteRT once, TFLM twice, XNNPACK in float32.
That comes to one LSB on a few logits in a thousand, and to a dozen behind a softmax; more means that
something is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.scoring.metrics import classify

BASELINE = "litert-reference"


@dataclass(frozen=True)
class ParityRow:
    """One runtime's outputs held against the baseline's.

    Attributes:
        runtime: "litert-reference", "litert-default", "tflm" or "keras-float".
        baseline: what it was compared to.
        differing_bytes: output bytes that differ.
        bytes: output bytes compared.
        max_lsb: the largest difference of two bytes, in quantization steps.
        changed_classes: images that get another class; ties go to the lowest index on both sides.
        images: images compared.
    """

    runtime: str
    baseline: str
    differing_bytes: int
    bytes: int
    max_lsb: int
    changed_classes: int
    images: int


def compare(outputs: Mapping[str, NDArray[Any]]) -> tuple[ParityRow, ...]:
    """Compare the outputs of several runtimes for the same images with those of `BASELINE`.

    Args:
        outputs: int8 or uint8 (n, 10) by runtime; all of one type, the baseline among them.

    Returns:
        A row for each runtime but the baseline, in the order of `outputs`.

    Raises:
        KeyError: the baseline is not in `outputs`.
        ValueError: shapes or types differ.
    """
    return tuple(_row(name, other, outputs[BASELINE]) for name, other in outputs.items() if name != BASELINE)


def _row(name: str, other: NDArray[Any], base: NDArray[Any]) -> ParityRow:
    if other.shape != base.shape or other.dtype != base.dtype:
        raise ValueError(f"{name} is {other.dtype} {other.shape}, but {BASELINE} is {base.dtype} {base.shape}")
    distance = np.abs(other.astype(np.int32) - base.astype(np.int32))
    return ParityRow(
        runtime=name,
        baseline=BASELINE,
        differing_bytes=int(np.count_nonzero(distance)),
        bytes=int(distance.size),
        max_lsb=int(distance.max(initial=0)),
        changed_classes=int(np.count_nonzero(classify(other) != classify(base))),
        images=len(base),
    )
