"""Runs the same bytes through TensorFlow Lite Micro on this host: a second oracle, and the size of its arena.

Needs the extra `[tflm]`. The Python package holds the reference kernels of the device's library; their
arithmetic (double rounding) equals TFLM on emulated Cortex-M cores bit for bit.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ToolMissingError
from edgedigits.files.typed import Count
from edgedigits.scoring.child import INSTALL_HINTS
from edgedigits.scoring.interpreter import Classifier

# Roomy: tensors of an MLP are far smaller than its weights, and the weights stay outside the arena.
ARENA_BYTES_PER_MODEL_BYTE = 10
ARENA_BYTES_AT_LEAST = 1 << 16


@dataclass(frozen=True)
class ArenaMeasurement:
    """The smallest arena in which TFLM allocates and runs a model.

    Attributes:
        bytes: a multiple of 16. This host's pointers are larger than a 32-bit core's, so it is an upper bound
            for the device (784-10-10: 2,224 B on x86-64, 1,572 B on Cortex-M4).
        version: version of the package tflite-micro.
        how: how and where it was measured.
    """

    bytes: Count
    version: str
    how: str


def tflm_installed() -> bool:
    """Tell whether the package tflite-micro is there, without importing it."""
    return find_spec("tflite_micro") is not None


def require_tflm() -> None:
    """Raise ToolMissingError when the package tflite-micro is not installed."""
    if not tflm_installed():
        raise ToolMissingError("The package tflite-micro is not installed.", hint=INSTALL_HINTS["tflm"])


def tflm_runs(classifier: Classifier) -> bool:
    """Tell whether TFLM's outputs can be compared byte by byte: integers come out."""
    return classifier.output.dtype in ("int8", "uint8")


def tflm_request(classifier: Classifier, arena_bytes: int | None = None) -> dict[str, Any]:
    """Return what a "tflm" or "arena" worker must know."""
    roomy = max(ARENA_BYTES_AT_LEAST, ARENA_BYTES_PER_MODEL_BYTE * classifier.graph.size)
    return {**classifier.request, "arena_bytes": roomy if arena_bytes is None else arena_bytes}


def run_tflm(classifier: Classifier, images: NDArray[np.uint8], *, arena_bytes: int | None = None) -> NDArray[Any]:
    """Run every image through TFLM in a child process.

    Args:
        classifier: the model.
        images: uint8 (n, 784), white ink on black.
        arena_bytes: size of the arena; roomy by default.

    Returns:
        The outputs as stored, (n, 10) in the output's type.

    Raises:
        ToolMissingError: tflite-micro is not installed.
        UnsupportedModelError: TFLM lacks one of the model's operators.
        DataError: TFLM died, hung, or calls the file damaged.
    """
    require_tflm()
    with classifier.workspace(images) as workspace:
        return workspace.start("tflm", **tflm_request(classifier, arena_bytes)).result().arrays["tflm"]


def arena_measurement(facts: Any) -> ArenaMeasurement:
    """Return the facts of an "arena" worker as a measurement."""
    how = f"measured: TFLM on this {8 * struct.calcsize('P')}-bit {platform.machine()} host"
    return ArenaMeasurement(bytes=facts["bytes"], version=facts["version"], how=how)
