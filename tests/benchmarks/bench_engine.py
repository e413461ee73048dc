"""Print instructions, flash and RAM of the C engine beside TensorFlow Lite Micro's, on emulated cores.

    EDGEDIGITS_DATA=… python tests/benchmarks/bench_engine.py FOLDER [NAME …]
    EDGEDIGITS_DATA=… python tests/benchmarks/bench_engine.py MODEL.tflite …

FOLDER keeps the builds, one `edgedigits build` each with the flags below; those that are there are taken as they are.
Of any int8 model that the engine runs, each core's figures are printed: on digits, where it takes them, and on inputs
without a background, of random codes.
Every output byte is held against the NumPy engine. Needs the extra "mcu", and QEMU for the Cortex-M55.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.load import load_splits
from edgedigits.data.preprocess import INPUT_SCALE, PixelRange, pixel_map
from edgedigits.data.shape import CLASSES
from edgedigits.data.shape import PIXELS as PIXEL_COUNT
from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.simulation import Simulation
from edgedigits.devices.stub import find_engine
from edgedigits.devices.toolchain import find_toolchain
from edgedigits.devices.wrapped_engine import with_invert, write_raw_engine
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.ordering import by_blocks
from edgedigits.model.packing import Goal, PackedLayer, choose
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.reject import MOST_LEAD_TOLD, leads
from tests.benchmarks.bench_accuracy import NETWORKS
from tests.model.worst_case import without_zeros, worst_input

BUILDS = {
    **{name: NETWORKS[name] for name in ("784-10-10", "784-32-16-10", "784-300-100-10")},
    "784-32-16-10, 80% pruned": NETWORKS["README"],
    "784-32-16-10, 80% pruned in blocks": f"{NETWORKS['README']} --granularity blocks",
    "784-300-100-10, 90% pruned in blocks": "--hidden 300,100 --qat --prune --sparsity 0.9 --granularity blocks",
}
# TensorFlow Lite Micro of August 2026 with CMSIS-NN, GCC 12, release build, logits out; Cortex-M55: clang 16. Measured in
# November 2026 with QEMU 7.2, -icount; the count depends on neither image nor zeros.
TFLM = {
    "784-10-10": {"cortex-m4": 17_051, "cortex-m0plus": 48_119, "cortex-m55": 2_697},
    "784-32-16-10": {"cortex-m4": 53_025, "cortex-m0plus": 150_186, "cortex-m55": 6_161},
    "784-300-100-10": {"cortex-m4": 524_250, "cortex-m0plus": 1_467_505, "cortex-m55": 48_229},
}
IMAGES = 200
ANY_CORES, ANY_IMAGES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rv32imc"), 40
ZIG = "zig", "-O2"
PIXELS = pixel_map(PixelRange(0, 1, "as usual"), INPUT_SCALE, -128, "int8")


@dataclass(frozen=True)
class Measured:
    """One engine on one core.

    Attributes:
        run: on images of digits.
        worst: instructions where nothing can be skipped.
        source: the engine's text and sizes.
        packed: its layers.
    """

    run: Simulation
    worst: int
    source: EngineSource
    packed: tuple[PackedLayer, ...]

    @property
    def mean(self) -> float:
        """Instructions of an image."""
        return self.run.instructions.mean

    @property
    def besides(self) -> int:
        """Bytes of code and constants besides weights and biases."""
        return self.run.footprint.flash - self.source.weight_bytes - self.source.bias_bytes


def measure(network: Network, inputs: NDArray[np.int8], core: str = "cortex-m4", goal: Goal = Goal.SPEED) -> Measured:
    """Compile the engine of `network` with zig -O2, run inputs (n, in) and the worst case on an emulated core."""
    packed = choose(network, goal)
    source = render_engine(network, packed)
    hard = without_zeros(network)
    saturated = [replace(old, layer=new) for new, old in zip(hard.layers, packed, strict=True)]
    worst = simulate_engine(render_engine(hard, saturated), hard, worst_input(hard), core)
    return Measured(simulate_engine(source, network, inputs, core), worst.instructions.most, source, packed)


def pixels_to_class(network: Network, inputs: NDArray[np.int8], core: str = "cortex-m4") -> NDArray[np.int64]:
    """Return the instructions (n,) of `classify_pixels` for pixels that `preprocess` would make inputs (n, in) of."""
    source, scores = render_engine(network, choose(network, Goal.SPEED), pixels=PIXELS), run(network, inputs)
    expected = np.stack([classify(scores), np.minimum(leads(scores), MOST_LEAD_TOLD)], axis=1).astype(np.int8)
    pixels = with_invert((inputs ^ -128).view(np.uint8), invert=False)
    return _simulate(source, pixels, expected, core, raw=True).counts


def simulate_engine(
    source: EngineSource, network: Network, inputs: NDArray[np.int8], core: str, compiler: tuple[str, str] = ZIG
) -> Simulation:
    """Run an engine on inputs (n, in), compiled with a toolchain at a level, and hold it against NumPy."""
    return _simulate(source, inputs, run(network, inputs), core, compiler)


def _simulate(
    source: EngineSource,
    inputs: NDArray[np.int8],
    expected: NDArray[np.int8],
    core: str,
    compiler: tuple[str, str] = ZIG,
    *,
    raw: bool = False,
) -> Simulation:
    target = find_core(core)
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as other:
        for name, text in source.files().items():
            (Path(place) / name).parent.mkdir(exist_ok=True)
            (Path(place) / name).write_text(text)
        engine = find_engine(Path(place))
        found = simulate_inputs(
            write_raw_engine(engine, Path(other), portions=False) if raw else engine,
            inputs,
            target,
            find_toolchain(compiler[0], target),
            emulator="unicorn" if target.unicorn_cpu else "qemu",
            optimize=compiler[1],
            expected=expected,
            oracle="NumPy",
        )
    assert found.differing == 0, "the engine is not exact"
    return found


def load_network(folder: Path) -> Network:
    """Return the network of a build, in the order that a build gives it for speed."""
    return by_blocks(simplify(lower(read_tflite(folder / "model.tflite"))))


def build(name: str, place: Path) -> Path:
    """Return the folder of a build in `place`; make it unless it is there."""
    folder = place / name.replace(", ", "-").replace("% ", "-")
    if not (folder / "manifest.json").is_file():
        command = ["build", *BUILDS[name].split(), "--data", "mnist", "--out", str(folder), "--quiet"]
        subprocess.run([sys.executable, "-m", "edgedigits", *command], check=True, stderr=subprocess.DEVNULL)
    return folder


def images() -> NDArray[np.int8]:
    """Return the test images of MNIST as inputs, int8 (10,000, 784)."""
    splits = load_splits("mnist", validation_fraction=0.1, test_fraction=0.15, seed=42)
    return (splits.test.images ^ 128).view(np.int8)


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n\n| {' | '.join(headers)} |\n|{' --- |' * len(headers)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def any_model(path: Path) -> None:
    """Print what a model's engine takes on each core that is emulated."""
    whole = lower(read_tflite(path))
    network = simplify(whole)
    sizes = "-".join(str(size) for size in (whole.inputs, *(layer.outputs for layer in whole.layers)))
    random = np.random.default_rng(0).integers(-127, 128, (ANY_IMAGES, network.inputs), np.int8)
    digits = images()[:: 10_000 // ANY_IMAGES] if network.inputs == PIXEL_COUNT else None
    rows = []
    for core in ANY_CORES:
        found = measure(network, random if digits is None else digits, core)
        exact, estimate, ram = found.run.exact_cycles, found.run.cycles, found.run.ram
        reads = digits if digits is not None and network.outputs == CLASSES else None
        figures = (
            TFLM.get(sizes, {}).get(core),
            None if reads is None else pixels_to_class(network, reads, core).mean(),
            None if digits is None else found.mean,
            measure(network, random, core).mean,
            found.worst,
            exact.mean if exact else estimate.middle if estimate else None,
            *(found.run.footprint.flash, found.besides, ram.total, ram.workspace, ram.stack),
        )
        rows.append([core, *("–" if figure is None else f"{figure:,.0f}" for figure in figures)])
    packed = ", ".join(layer.encoding.name for layer in found.packed)
    title = f"{path}: {sizes}, packed as {packed}; instructions and bytes, zig -O2, {ANY_IMAGES} images (emulated)"
    heads = ("core", "TFLM + CMSIS-NN", "pixels to class", "invoke", "dense input", "worst", "cycles")
    table(title, [*heads, "flash", "of it code", "RAM", "workspace", "stack"], rows)


def main() -> None:
    """Print the tables."""
    models = [Path(word) for word in sys.argv[1:]]
    if all(path.suffix == ".tflite" for path in models) and models:
        for path in models:
            any_model(path)
        return
    place, names = Path(sys.argv[1]), sys.argv[2:] or list(BUILDS)
    networks = {name: load_network(build(name, place)) for name in names}
    inputs = images()
    found = {name: measure(network, inputs) for name, network in networks.items()}
    raw = {name: pixels_to_class(network, inputs) for name, network in networks.items()}
    small = {name: measure(network, inputs[:IMAGES], goal=Goal.SIZE) for name, network in networks.items()}
    tflm = {name: TFLM[name.partition(",")[0]] for name in names}
    rows = [
        [
            name,
            f"{tflm[name]['cortex-m4']:,}",
            f"{raw[name][:IMAGES].mean():,.0f}",
            f"{raw[name].mean():,.0f}",
            f"{tflm[name]['cortex-m4'] / raw[name].mean():.1f}×",
            f"{one.mean:,.0f}",
            f"{one.worst:,}",
            ", ".join(layer.encoding.name for layer in one.packed),
        ]
        for name, one in found.items()
    ]
    table(
        f"Cortex-M4, instructions an image from pixels to class, {found[names[0]].run.toolchain} -O2, MNIST test images (emulated)",
        [
            "model",
            "TFLM + CMSIS-NN",
            f"first {IMAGES}",
            f"all {len(inputs):,}",
            "",
            "invoke",
            "worst",
            "encodings, speed",
        ],
        rows,
    )
    cores = ("cortex-m0plus", "cortex-m55")
    others = {core: {name: measure(network, inputs[:50], core) for name, network in networks.items()} for core in cores}
    table(
        "Other cores, instructions an image, mean of 50 (emulated)",
        ["model", *(word for core in cores for word in (f"{core}, TFLM", "mean", "worst case"))],
        [
            [name]
            + [
                word
                for core in cores
                for one in [others[core][name]]
                for word in (f"{tflm[name][core]:,}", f"{one.mean:,.0f}", f"{one.worst:,}")
            ]
            for name in names
        ],
    )
    table(
        "Cortex-M4, bytes (measured: ELF; stack emulated)",
        [
            "model",
            "dense",
            "weights, speed",
            "size",
            "share",
            "code, speed",
            "size",
            "mean, size",
            "workspace",
            "stack",
        ],
        [
            [
                name,
                f"{dense:,}",
                f"{fast.source.weight_bytes:,}",
                f"{less.source.weight_bytes:,}",
                f"1/{dense / less.source.weight_bytes:.2f}",
                f"{fast.besides:,}",
                f"{less.besides:,}",
                f"{less.mean:,.0f}",
                f"{fast.source.workspace_bytes:,}",
                f"{fast.run.ram.stack}",
            ]
            for name, fast, less in ((name, found[name], small[name]) for name in names)
            for dense in [_dense_bytes(name)]
        ],
    )


def _dense_bytes(name: str) -> int:
    sizes = [int(size) for size in name.partition(",")[0].split("-")]
    return sum(rows * columns for rows, columns in pairwise(sizes))


if __name__ == "__main__":
    main()
