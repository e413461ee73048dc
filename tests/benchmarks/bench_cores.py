"""Print what each encoding's kernel takes on each core, in cycles for each instruction that its estimate counts.

Three times: of those that an image without any active input takes, of those beyond, and of those for results.

    python tests/benchmarks/bench_cores.py [CORE …] [--write]

These are the `cycles` of `firmware_stub/cores/` and `architectures/avr.json`, which `--write` puts there: half-way between the least and the most by
the core's timing, at -O2, on the emulated core; on AVR the cycles of simavr, exactly. Layers are made up: ten neurons
without zeros nearly and 32 pruned ones that see digits of mnist-5k, 30 that see a hidden layer. Needs the extra "mcu",
and avr-gcc and simavr for AVR.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.compile import write_engine
from edgedigits.data.named import read_mnist_5k
from edgedigits.devices.cores import Core, load_cores
from edgedigits.devices.disassembly import estimate_cycles
from edgedigits.devices.simulate import _Job
from edgedigits.devices.stub import find_engine, firmware_stub
from edgedigits.devices.toolchain import find_toolchain
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.packing import times, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import Activity, Encoding, Weights
from edgedigits.progress import SILENT
from tests.benchmarks.bench_engine import table
from tests.tflite_builder import build_mlp

IMAGES = 20
SHAPES = ((10, 784, 0.9), (32, 784, 0.2), (30, 100, 0.3))
"""Outputs, inputs, and share of the weights that are not zero."""
LEAST = 0.01


def weights_for(encoding: Encoding, shape: tuple[int, int, float]) -> Weights:
    """Return weights (out, in) of as many values as the encoding can hold."""
    outputs, inputs, density = shape
    random, most = np.random.default_rng(outputs), encoding.most_distinct
    values = np.arange(-90, 91) if most == 256 else np.arange(-30, 40, 10) if most > 7 else np.arange(-10, 20, 10)
    kernel = random.choice(values, (outputs, inputs)).astype(np.int8)
    kernel[random.random(kernel.shape) >= density] = 0
    return kernel


def inputs_for(inputs: int) -> NDArray[np.int8]:
    """Return inputs (n, in): digits, or what a hidden layer gives, half of it above the lowest value."""
    if inputs == 784:
        return (read_mnist_5k().everything.images[:: 5000 // IMAGES] ^ 128).view(np.int8)
    random = np.random.default_rng(inputs)
    values = random.integers(-127, 128, (IMAGES, inputs))
    return np.where(random.random(values.shape) < 0.5, values, -128).astype(np.int8)


def measure(encoding: Encoding, core: Core) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by shape the cycles (n, 2), without active inputs and for them, and the parts of the estimate (n, 3)."""
    cycles, parts = [], []
    for shape in SHAPES:
        weights, inputs = weights_for(encoding, shape), inputs_for(shape[1])
        network = lower(read_tflite(build_mlp([weights], [None])))
        packed = use(network, [encoding.name], [Activity.of(inputs != -128)])
        blank, seen = cycles_of(render_engine(network, packed), core, inputs)
        cycles.append((blank, seen - blank))
        parts += [own for _, own in times(packed)]
    return np.array(cycles), np.array(parts)


def factors(cycles: NDArray[np.float64], parts: NDArray[np.float64]) -> list[float]:
    """Return the cycles for each instruction of each part, by least squares over the shapes."""
    idle, results = np.linalg.lstsq(parts[:, [0, 2]], cycles[:, 0])[0]
    active = cycles[:, 1].sum() / parts[:, 1].sum() if parts[:, 1].any() else idle
    return [max(LEAST, round(float(one), 2)) for one in (idle, active, results)]


def cycles_of(source: EngineSource, core: Core, inputs: NDArray[np.int8]) -> tuple[float, float]:
    """Return the cycles of an image without an active input, and of these, int8 (n, in)."""
    with tempfile.TemporaryDirectory() as place:
        write_engine(source, Path(place))
        job = _Job(find_engine(Path(place)), core, find_toolchain(core.toolchain, core), core.emulator, "-O2", SILENT)
        image, runs = job.emulate(np.full_like(inputs, -128), inputs)
        blank, seen = (
            estimate.middle
            if (estimate := estimate_cycles(image, core, run.executions, len(inputs)))
            else float(np.mean(run.cycles))
            for run in runs
        )
    return blank, seen


def write(core: Core, cycles: dict[str, list[float]]) -> None:
    """Put the cycles into the core's file, or that of all AVRs, as its last field."""
    path = firmware_stub() / ("architectures/avr.json" if core.simavr else f"cores/{core.name}.json")
    text = re.sub(r',\n    "cycles": \{.*\}', "", path.read_text()).removesuffix("\n}\n")
    path.write_text(f'{text},\n    "cycles": {json.dumps(cycles)}\n}}\n')


def main() -> None:
    """Print a table a core."""
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    cores = load_cores()
    for core in [cores[name] for name in names] or [one for one in cores.values() if one.timing or one.simavr]:
        found = {encoding.name: measure(encoding, core) for encoding in ENCODINGS}
        cycles = {name: factors(*some) for name, some in found.items()}
        rows = [[name, *(f"{one:.2f}" for one in some)] for name, some in cycles.items()]
        table(core.name, ["encoding", "idle", "active", "results"], rows)
        if "--write" in sys.argv:
            write(core, cycles)


if __name__ == "__main__":
    main()
