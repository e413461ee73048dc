"""Counts what `preprocess` takes by choice of [input]: instructions an image on two emulated cores, code and stack.

    python tests/benchmarks/bench_preprocess.py

Images are of mnist-5k, of every class; most choices take the same for every image. Prints a line a choice.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.data.named import read_mnist_5k
from edgedigits.devices.cores import find_core
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.toolchain import find_toolchain
from edgedigits.devices.wrapped_engine import with_invert, write_pixel_engine
from edgedigits.view import View
from tests.devices.emitted_engine import write_emitted_engine
from tests.tflite_builder import random_mlp

VIEWS = (
    View(),
    View(window=22, size=22),
    View(window=24, size=12),
    View(size=14),
    View(size=16),
    View(size=20),
    View(bits=4),
    View(bits=1),
    View(deskew=True),
    View(centre=True),
    View(window=24, size=12, deskew=True),
    View(window=24, size=12, deskew=True, centre=True),
)
CORES = ("cortex-m4", "cortex-m0plus")
IMAGES = 100


def cost(view: View, core_name: str) -> str:
    """Return instructions, bytes of code and bytes of stack in words."""
    core, images = find_core(core_name), read_mnist_5k().everything.images[:: 5000 // IMAGES]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "pixels").mkdir()
        emitted = write_emitted_engine(folder, random_mlp(1, (view.inputs, 10)), view=view)
        engine = write_pixel_engine(emitted, folder / "pixels")
        image = compile_engine(find_toolchain("zig", core), core, engine, folder / "pixels")
        run = run_unicorn(core, image, engine, with_invert(images, invert=False))
    return f"{run.instructions.mean():9,.0f} instructions, {image.footprint.flash:5,} B, stack {run.stack:3}"


def main() -> None:
    """Print the table."""
    print(f"{'':80}{CORES[0]:45}{CORES[1]}")
    for view in VIEWS:
        print(f"{view!s:78}" + "   ".join(cost(view, core) for core in CORES), flush=True)


if __name__ == "__main__":
    main()
