"""The child process in which interpreters run, so that a crash of theirs cannot take the caller down.

    python -P worker.py FOLDER

reads `request.json` in FOLDER and the model, images and table it names, and writes `answer.json` and one
`.npy` per result. It is run as a file and imports NumPy and one interpreter only, so that it starts in 0.15 s
and needs nothing of the package but `posix.py`, which imports nothing of it. The caller's side is `child.py`.
"""

from __future__ import annotations

import json
import runpy
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Facts = dict[str, Any]
Arrays = dict[str, NDArray[np.generic]]

# TFLM requires the arena to start and end on multiples of this.
ARENA_ALIGNMENT = 16
TRIAL_TIMEOUT_S = 10
# Of the package, which need not be where this process looks for libraries.
survives = runpy.run_path(str(Path(__file__).parents[1] / "posix.py"))["survives"]


class _Job:
    """The request and the files it speaks of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.request: Facts = json.loads((folder / "request.json").read_text(encoding="utf-8"))
        self.model = (folder / self.request["model"]).read_bytes()

    def inputs(self, count: int | None = None) -> NDArray[np.generic]:
        """Inputs (n, 1, …) in the model's type: pixels (n, inputs) looked up in the caller's table (256,)."""
        images = np.load(self.folder / self.request["images"], mmap_mode="r")[:count]
        table = np.load(self.folder / self.request["table"])
        return table[images].reshape(len(images), *self.request["input_shape"])


def _litert(job: _Job) -> tuple[Facts, Arrays]:
    """Run every image, one at a time as a device does, with each of the kernels asked for."""
    import ai_edge_litert

    inputs = job.inputs()
    arrays: Arrays = {}
    for kernels in job.request["kernels"]:
        interpreter, first, last = _litert_interpreter(job, kernels)
        rows = np.empty((len(inputs), job.request["classes"]), dtype=job.request["output_dtype"])
        for i, image in enumerate(inputs):
            interpreter.set_tensor(first, image)
            interpreter.invoke()
            rows[i] = interpreter.get_tensor(last).reshape(-1)
        arrays[kernels] = rows
    return {"version": ai_edge_litert.__version__}, arrays


def _latency(job: _Job) -> tuple[Facts, Arrays]:
    """Time single calls of invoke() in nanoseconds, after a warm-up, going round the images."""
    import ai_edge_litert

    request = job.request
    inputs = job.inputs(request["runs"])
    interpreter, first, _ = _litert_interpreter(job, request["kernels"][0])
    times = np.empty(request["warmup"] + request["runs"], dtype=np.int64)
    for i in range(len(times)):
        interpreter.set_tensor(first, inputs[i % len(inputs)])
        start = time.perf_counter_ns()
        interpreter.invoke()
        times[i] = time.perf_counter_ns() - start
    return {"version": ai_edge_litert.__version__}, {"times_ns": times[request["warmup"] :]}


def _litert_interpreter(job: _Job, kernels: str) -> tuple[Any, int, int]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = {"default": OpResolverType.AUTO, "reference": OpResolverType.BUILTIN_REF}[kernels]
    interpreter = Interpreter(
        model_content=job.model,
        experimental_op_resolver_type=resolver,
        num_threads=job.request["threads"],
    )
    interpreter.allocate_tensors()
    return (
        interpreter,
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )


def _tflm(job: _Job) -> tuple[Facts, Arrays]:
    """Run every image through TensorFlow Lite Micro."""
    import tflite_micro

    inputs = job.inputs()
    interpreter = tflite_micro.runtime.Interpreter.from_bytes(job.model, arena_size=job.request["arena_bytes"])
    rows = np.empty((len(inputs), job.request["classes"]), dtype=job.request["output_dtype"])
    for i, image in enumerate(inputs):
        interpreter.set_input(image, 0)
        interpreter.invoke()
        rows[i] = interpreter.get_output(0).reshape(-1)
    return {"version": tflite_micro.__version__}, {"tflm": rows}


def _arena(job: _Job) -> tuple[Facts, Arrays]:
    """Find the smallest arena, in steps of 16 bytes, in which TFLM allocates and runs, by bisection.

    The total of TFLM's own allocation report is no answer: planning needs room of its own for a while, and
    for 784-300-100-10 the reported total is 752 bytes too small to start.
    """
    import tflite_micro

    image = job.inputs(1)[0]
    low, high = 0, job.request["arena_bytes"] // ARENA_ALIGNMENT
    _run_in_arena(job.model, image, high * ARENA_ALIGNMENT)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _fits(job.model, image, middle * ARENA_ALIGNMENT) else (middle, high)
    return {"version": tflite_micro.__version__, "bytes": high * ARENA_ALIGNMENT}, {}


def _run_in_arena(model: bytes, image: NDArray[np.generic], size: int) -> None:
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=size)
    interpreter.set_input(image, 0)
    interpreter.invoke()


def _fits(model: bytes, image: NDArray[np.generic], size: int) -> bool:
    """Tell whether TFLM runs in `size` bytes, in a process of its own: in too small an arena it may crash."""
    return survives(_run_in_arena, model, image, size, timeout_s=TRIAL_TIMEOUT_S)


def _quantize(job: _Job) -> tuple[Facts, Arrays]:
    """Make a float model int8, calibrated on the images."""
    from importlib.metadata import version

    import litert_quantizer  # noqa: F401 - a folder of its own names what is missing of it

    make_int8 = runpy.run_path(str(Path(__file__).with_name("quantizing.py")))["make_int8"]
    table = np.load(job.folder / job.request["table"])
    try:
        content = make_int8(job.model, job.request["targets"], job.inputs(), float(table.min()), float(table.max()))
    except (AttributeError, KeyError, NotImplementedError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return {"version": version("litert-quantizer")}, {"model": np.frombuffer(content, np.uint8)}


_TASKS: dict[str, Callable[[_Job], tuple[Facts, Arrays]]] = {
    "litert": _litert,
    "latency": _latency,
    "tflm": _tflm,
    "arena": _arena,
    "quantize": _quantize,
}


def _answer(job: _Job) -> Facts:
    try:
        facts, arrays = _TASKS[job.request["task"]](job)
    except ImportError as error:
        return {"failure": "missing", "message": str(error)}
    except (UnicodeDecodeError, struct.error, TypeError, IndexError, MemoryError) as error:
        # What the interpreters' Python halves raise when offsets inside a file lead nowhere.
        return {"failure": "damaged", "message": f"{type(error).__name__}: {error}"}
    except (RuntimeError, ValueError) as error:
        return {"failure": "damaged" if "Flatbuffer" in str(error) else "refused", "message": str(error)}
    for name, array in arrays.items():
        np.save(job.folder / f"{name}.npy", array)
    return {"failure": None, "facts": facts, "arrays": list(arrays)}


def main(folder: Path) -> None:
    """Do what `folder/request.json` asks; failures that Python can see are answers too."""
    answer = _answer(_Job(folder))
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
