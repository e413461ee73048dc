"""The exact engine in NumPy: executes a lowered network in 64-bit integers, to the bit what the generated C does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.network import Network

# Images at a time: keeps the float64 copies of the activations small.
BATCH = 4096


def run(network: Network, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the outputs, int8 (n, out), for inputs int8 (n, in)."""
    batches = [run_steps(network, inputs[start : start + BATCH])[-1] for start in range(0, len(inputs), BATCH)]
    return np.concatenate(batches) if batches else np.zeros((0, network.outputs), np.int8)


def run_steps(network: Network, inputs: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    """Return what every step gives for inputs int8 (n, in), int8 (n, out) each."""
    values = [inputs]
    for step, reads in zip(network.steps, network.reads, strict=True):
        values.append(step.run([values[index] for index in reads], network.rounding))
    return values[1:]
