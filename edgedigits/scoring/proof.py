"""Holds the arithmetic of an engine against the interpreter that it repeats, before a file of it is written.

What runs is the exact NumPy engine on the weights as they come out of their packing, so that lowering, folding and
packing are all part of the proof. That the C computes the same is for `simulate` to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import CheckFailedError, DataError, EdgedigitsError, ToolMissingError, UnsupportedModelError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.packing import PackedLayer
from edgedigits.model.proof import Proof
from edgedigits.model.simplify import simplify
from edgedigits.scoring.any_model import extreme_codes, open_any, random_codes
from edgedigits.scoring.interpreter import Classifier
from edgedigits.scoring.oracle import ORACLES, engine_inputs, oracle_outputs

LIBRARIES = {Rounding.LITERT: "ai-edge-litert", Rounding.TFLM: "tflite-micro"}
RANDOM_INPUTS = 200
SINGLE_INPUTS = 1024
"""Inputs at most of which each is at its highest value alone; between them, all of a smaller model's."""
MULTIPLICATIONS = 2_000_000_000
"""Work that the single inputs of a large model may take of the interpreter: seconds."""

Digits = tuple[Classifier, NDArray[np.uint8]]


def prove(network: Network, packed: Sequence[PackedLayer], digits: Digits | None = None) -> Proof:
    """Hold an engine against the oracle of its rounding: on extreme and random inputs, and on digits.

    Args:
        network: as it is compiled, without its dead neurons.
        packed: its layers, packed, in order.
        digits: for a model that takes them: the model, and uint8 images (n, 784).

    Returns:
        The proof. Where TensorFlow Lite Micro is not installed or refuses the model, an engine of its rounding cannot
        be proven; the same engine in LiteRT's rounding is then held against LiteRT, and the note says so.

    Raises:
        CheckFailedError: a byte differs.
        UnsupportedModelError, DataError: LiteRT refuses the model, dies or hangs.
    """
    from_packing = network.with_layers(_unpacked(one) for one in packed)
    try:
        return _prove(from_packing, digits)
    except (ToolMissingError, UnsupportedModelError, DataError) as error:
        if network.rounding is not Rounding.TFLM:
            raise
        return _prove_the_other(network, digits, error)


def _prove_the_other(network: Network, digits: Digits | None, why: EdgedigitsError) -> Proof:
    _prove(simplify(lower(network.graph, Rounding.LITERT)), digits)
    note = (
        f"The engine was not proven against {ORACLES[Rounding.TFLM]}: {why.message} {why.hint} "
        f"In the other rounding it gives every byte of {ORACLES[Rounding.LITERT]}."
    )
    return Proof(ORACLES[network.rounding], note=note)


def _unpacked(one: PackedLayer) -> DenseLayer:
    weights = one.encoding.unpack(one.constants, one.layer.weights.shape)
    return replace(one.layer, weights=np.ascontiguousarray(weights, np.int8))


def _prove(network: Network, digits: Digits | None) -> Proof:
    graph, rounding = network.graph, network.rounding
    model = open_any(graph)
    work = sum(layer.weights.size for layer in network.layers)
    single = min(SINGLE_INPUTS, max(16, MULTIPLICATIONS // work))
    extreme = extreme_codes(model.input.size, single)
    random = random_codes(RANDOM_INPUTS, model.input.size)
    jobs: list[Digits] = [(model, np.concatenate([extreme, random])), *([digits] if digits else [])]
    # Each interpreter runs in a process of its own.
    with ThreadPoolExecutor(len(jobs)) as pool:
        awaited = [pool.submit(oracle_outputs, *job, str(rounding)) for job in jobs]
        expected = [one.result() for one in awaited]
    outputs = [run(network, engine_inputs(*job)) for job in jobs]
    split = len(extreme)
    _check(outputs[0][:split], expected[0][:split], "extreme inputs", rounding)
    _check(outputs[0][split:], expected[0][split:], "random inputs", rounding)
    if digits:
        _check(outputs[1], expected[1], "digits", rounding)
    return Proof(
        oracle=ORACLES[rounding],
        version=version(LIBRARIES[rounding]),
        extreme=len(extreme),
        random=len(random),
        digits=len(digits[1]) if digits else 0,
        bytes=sum(one.size for one in expected),
    )


def _check(outputs: NDArray[np.int8], expected: NDArray[np.int8], kind: str, rounding: Rounding) -> None:
    rows, columns = np.nonzero(outputs != expected)
    if len(rows):
        row, column = int(rows[0]), int(columns[0])
        found, wanted = outputs[row, column], expected[row, column]
        raise CheckFailedError(
            f"The engine differs from {ORACLES[rounding]} in {len(rows):,} of {expected.size:,} output bytes on {kind}"
            f"; first, output {column} of input {row} is {found} instead of {wanted}.",
            hint="The installed runtime rounds otherwise than the one this toolkit was proven on.",
        )
