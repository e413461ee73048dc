"""An MLP in the codes of its int8 file, beside what it gives for images: to try other weights, one at a time.

Changing one weight changes one sum of those images alone whose input there is not zero, and from there on little of the
network: an attempt takes a hundredth of what running it takes. Sums are whole numbers, which float32 holds exactly up
to 2²⁴, in whatever order they are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

LARGEST_OUTPUT = 255
"""Of a hidden neuron, counted from its lowest code."""
BIAS = -1
"""In place of an input: what a neuron adds whatever it sees."""


@dataclass(frozen=True)
class Attempt:
    """What a change would make of the network.

    Attributes:
        images: those whose logits it changes, (m,).
        logits: theirs, float32 (m, 10).
        sums: by hidden layer the neurons (u,), images (v,) and their sums, float32 (u, v).
    """

    images: Places
    logits: Floats
    sums: tuple[tuple[int, Places, Places, Floats], ...]


class Int8Network:
    """The network and what it gives.

    Args:
        weights: of each layer, codes (fan-out, fan-in).
        biases: of each layer, (fan-out,), in steps of its sums.
        sum_scales: of each layer, what a step of its sums is worth.
        output_scales: of each hidden layer, what a step of its outputs is worth.
        pixels: uint8 (n, inputs), what it sees.

    Attributes:
        weights, biases: float32; to be changed by `make` and `replace` only.
        logits: float32 (n, 10).
    """

    def __init__(
        self,
        weights: Sequence[NDArray[np.generic]],
        biases: Sequence[NDArray[np.generic]],
        sum_scales: Sequence[float],
        output_scales: Sequence[float],
        pixels: NDArray[np.uint8],
    ) -> None:
        self.weights = [one.astype(np.float32) for one in weights]
        self.biases = [one.astype(np.float32) for one in biases]
        self._factors = [np.float32(some / one) for some, one in zip(sum_scales, output_scales, strict=False)]
        self._last_scale, self._last = np.float32(sum_scales[-1]), len(weights) - 1
        self._pixels = np.ascontiguousarray(pixels.T)
        self.run()

    def run(self) -> None:
        """Compute anew what is given for all images: attempts that were made add up in another order."""
        self._sums, self._outputs, self.logits = self._forward(self._pixels)

    def given(self, pixels: NDArray[np.uint8]) -> Floats:
        """Return the logits, float32 (n, 10), for other images, uint8 (n, inputs)."""
        return self._forward(pixels.T)[-1]

    def attempt(self, layer: int, unit: int, source: int, by: float) -> Attempt:
        """Return what comes of a weight, from input `source` to `unit`, or of its bias, that is larger by `by`."""
        images, inputs = self._active(layer, source)
        units, moved = np.array([unit]), np.float32(by) * inputs[None]
        sums = []
        while layer < self._last:
            here = np.ix_(units, images)
            reached = self._sums[layer][here] + moved
            sums.append((layer, units, images, reached))
            differ = self._output(layer, reached) - self._outputs[layer][here]
            seen = differ.any(axis=0)
            images, differ, layer = images[seen], differ[:, seen], layer + 1
            onward = self.weights[layer][:, units]
            read_by = np.flatnonzero(onward.any(axis=1))
            units, moved = read_by, onward[read_by] @ differ
        logits = self.logits[images]
        logits[:, units] += self._last_scale * moved.T
        return Attempt(images, logits, tuple(sums))

    def make(self, layer: int, unit: int, source: int, by: float, attempt: Attempt) -> None:
        """Make a change that was tried with these, before any other was made."""
        if source == BIAS:
            self.biases[layer][unit] += by
        else:
            self.weights[layer][unit, source] += by
        for where, units, images, reached in attempt.sums:
            here = np.ix_(units, images)
            self._sums[where][here] = reached
            self._outputs[where][here] = self._output(where, reached)
        self.logits[attempt.images] = attempt.logits

    def replace(self, layer: int, code: float, other: float) -> None:
        """Give a layer one code in place of another, and compute anew."""
        weights = self.weights[layer]
        weights[weights == code] = other
        self.run()

    def moments(self, slopes: Floats) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return by layer how the sum of all images' losses depends on each weight's code, (fan-out, fan-in) each.

        Args:
            slopes: of each image's loss by its logits, float32 (n, 10).

        Returns:
            The gradient, and the sum of the images' squared gradients, which stands for the curvature.
        """
        found, errors = [], self._last_scale * slopes.T
        for layer in range(self._last, -1, -1):
            inputs = self._outputs[layer - 1] if layer else self._pixels.astype(np.float32)
            squares = (errors**2) @ (inputs**2).T
            found.append(((errors @ inputs.T).astype(np.float64), squares.astype(np.float64)))
            if layer:
                bends = (self._sums[layer - 1] > 0) & (self._outputs[layer - 1] < LARGEST_OUTPUT)
                errors = self._factors[layer - 1] * bends * (self.weights[layer].T @ errors)
        return found[::-1]

    def _active(self, layer: int, source: int) -> tuple[Places, Floats]:
        if source == BIAS:
            return np.arange(len(self.logits)), np.ones(len(self.logits), np.float32)
        inputs = self._outputs[layer - 1][source] if layer else self._pixels[source]
        images = np.flatnonzero(inputs)
        return images, inputs[images].astype(np.float32)

    def _output(self, layer: int, sums: Floats) -> Floats:
        return np.clip(np.rint(sums * self._factors[layer]), 0, LARGEST_OUTPUT)

    def _forward(self, pixels: NDArray[np.uint8]) -> tuple[list[Floats], list[Floats], Floats]:
        """Return sums and outputs of the hidden layers, (fan-out, n) each, and the logits of pixels (inputs, n)."""
        sums, outputs = [], []
        values = pixels.astype(np.float32)
        for layer in range(self._last):
            sums.append(self.weights[layer] @ values + self.biases[layer][:, None])
            values = self._output(layer, sums[-1])
            outputs.append(values)
        logits = self._last_scale * (self.weights[-1] @ values + self.biases[-1][:, None])
        return sums, outputs, np.ascontiguousarray(logits.T)
