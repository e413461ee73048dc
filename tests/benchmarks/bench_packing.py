"""Print what a byte less costs in instructions: a model's layers in one encoding after another, on emulated cores.

    python tests/benchmarks/bench_packing.py BUILD …

BUILD is a build's folder or a .tflite that takes digits. Bytes are those of weights and biases, exactly, biases in as few
bits as hold them; instructions the mean of 40 digits of mnist-5k, at -O2. Every output byte is held against the NumPy
engine. Needs the extra "mcu".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.data.named import read_mnist_5k
from edgedigits.engine.source import render_engine
from edgedigits.errors import UnsupportedModelError
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.ordering import by_reading
from edgedigits.model.packing import PackedLayer, use, with_narrow_biases
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.scoring.subject import find_subject
from tests.benchmarks.bench_engine import simulate_engine, table

CORES = ("cortex-m4", "cortex-m0plus")
IMAGES = 40


def packings(network: Network) -> Iterator[tuple[PackedLayer, ...]]:
    """Yield the network in each encoding that can hold all its layers."""
    for encoding in ENCODINGS:
        try:
            yield with_narrow_biases(use(network, [encoding.name] * len(network.layers)))
        except UnsupportedModelError:
            continue


def main() -> None:
    """Print a table a model, from the smallest to the largest."""
    images = read_mnist_5k().everything.images[:: 5000 // IMAGES]
    for name in sys.argv[1:]:
        subject = find_subject(Path(name))
        graph = read_tflite(subject.model)
        inputs = engine_inputs(open_classifier(graph, subject.pixels(), subject.view()), images)
        network, rows = by_reading(simplify(lower(graph))), []
        for packed in packings(network):
            source = render_engine(network, packed)
            runs = [simulate_engine(source, network, inputs, core) for core in CORES]
            counts = [f"{run.instructions.mean:,.0f}" for run in runs]
            nbytes = source.weight_bytes + source.bias_bytes
            rows.append((nbytes, [packed[0].encoding.name, f"{nbytes:,}", *counts]))
        sizes = "-".join(str(size) for size in (network.inputs, *(layer.outputs for layer in network.layers)))
        headers = ["encoding", "bytes", *CORES]
        table(f"{Path(name).name}: {sizes}", headers, [row for _, row in sorted(rows, key=lambda row: row[0])])


if __name__ == "__main__":
    main()
