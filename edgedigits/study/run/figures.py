"""The figures of one trial, as flat JSON values: how good, how small, how fast its model is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.c_names import DEFAULT_PREFIX
from edgedigits.compile import compile_graph, write_engine
from edgedigits.compression_sections import USUAL_CORE
from edgedigits.config import EngineConfig
from edgedigits.errors import CheckFailedError, ToolMissingError, UnsupportedModelError
from edgedigits.extras import install_command, is_installed
from edgedigits.files.scratch import scratch
from edgedigits.model.summary import ModelFacts, summarize
from edgedigits.scoring.interpreter import Classifier, run_scored
from edgedigits.scoring.metrics import Scores
from edgedigits.scoring.size import Size

if TYPE_CHECKING:
    from edgedigits.data.digits import Digits
    from edgedigits.model.ir import Graph


COUNTED_IMAGES = 100
"""Images that instructions are counted on: their mean is within 1% of that over 10,000."""
CURVE_POINTS = 60

Figures = dict[str, Any]

SCORED = "measured: the interpreter on this host, on digits that were not trained on"
_EMULATED = f"emulated: {USUAL_CORE}, unicorn, zig -O2, the first {COUNTED_IMAGES} images"
HOW = {
    "accuracy, precision, recall, F1, loss, confusion": SCORED,
    "refused, wrong of accepted": "measured: the exact NumPy engine on the test digits; the margin was chosen on "
    "validation",
    ".tflite B": "measured: bytes of the file",
    "gzip B": "measured: the file through gzip",
    "ratio": "measured: the float32 file over this one",
    "zeros, distinct": "measured: counted in the file's weights",
    "engine B": "measured: weights, biases and tables in the C source",
    "engine RAM": "measured: the workspace of the C source",
    "M4 instr.": f"{_EMULATED}: mean",
    "most": f"{_EMULATED}: the most",
    "flash, RAM": f"{_EMULATED}: of the linked program; stack painted",
    "host µs": "measured: median of invoke() on the host that ran the trial",
    "training s": "measured: wall clock on the host that ran the trial; of the report's table estimated: networks that "
    "train side by side share the time by their iterations",
}
"""How the figures of a trial were obtained, by the names they have in a report."""


def score_figures(scores: Scores, prefix: str = "") -> Figures:
    """Return accuracy, macro means, the figures of each class and the confusion matrix.

    Args:
        scores: of a model on digits.
        prefix: put in front of the names, such as "dev_".
    """
    means = {name: getattr(scores, name) for name in ("accuracy", "macro_precision", "macro_recall", "macro_f1")}
    of_classes = ("precision", "recall", "f1", "loss")
    found: Figures = {
        **means,
        "images": scores.count,
        "mean_loss": scores.loss,
        **{f"class_{name}": [getattr(one, name) for one in scores.per_class] for name in of_classes},
        "confusion": [list(row) for row in scores.confusion],
    }
    return {f"{prefix}{name}": value for name, value in found.items()}


def size_figures(size: Size) -> Figures:
    """Return bytes and ratios."""
    names = ("float_bytes", "ratio", "gzip_ratio", "parameters")
    return {"bytes": size.raw, "gzip_bytes": size.gzip, **{name: getattr(size, name) for name in names}}


def weight_figures(graph: Graph) -> Figures:
    """Return the share of zeros among the weights of the file, and the most distinct values in a layer."""
    facts: ModelFacts = summarize(graph)
    distinct = [layer.weights.distinct for layer in facts.layers if layer.weights]
    return {
        "sparsity": facts.zeros / max(1, facts.weights),
        "distinct": max((count for count in distinct if count is not None), default=None),
        "macs": facts.macs,
    }


def accuracy_on(classifier: Classifier, digits: Digits) -> float:
    """Return the accuracy, 0…1, by the interpreter's kernels that a build is scored with."""
    return float(np.mean(outputs_on(classifier, digits).argmax(axis=1) == digits.labels))


def outputs_on(classifier: Classifier, digits: Digits) -> NDArray[np.float32]:
    """Return outputs float32 (n, 10), by the interpreter's kernels that a build is scored with."""
    return classifier.dequantize(run_scored(classifier, digits.images))


def engine_figures(
    classifier: Classifier, images: NDArray[np.uint8], choices: EngineConfig, core: str = USUAL_CORE, constants: int = 0
) -> Figures:
    """Return bytes and RAM of the C engine, and its instructions where the mcu extra is installed.

    Args:
        classifier: the int8 model.
        images: uint8 (n, 784); the first are counted on.
        choices: rounding and goal of the engine.
        core: that instructions are counted on.
        constants: bytes that a budget allows, as for `compile_graph`.

    Raises:
        CheckFailedError: the engine differs from the interpreter in a byte.
    """
    try:
        source, facts = compile_graph(
            classifier.graph, choices, DEFAULT_PREFIX, view=classifier.pixels.view, constants=constants
        )
    except UnsupportedModelError as error:
        return {"engine_note": error.message}
    found: Figures = {
        "engine_bytes": facts.constant_bytes,
        "engine_ram": facts.workspace_bytes,
        "encodings": [layer.encoding for layer in facts.layers],
    }
    if not is_installed("mcu"):
        return {**found, "engine_note": f"Instructions were not counted: {install_command('mcu')}."}
    with scratch("engine") as folder:
        write_engine(source, folder)
        try:
            return {**found, **_emulated(classifier, folder, images[:COUNTED_IMAGES], core)}
        except ToolMissingError as error:
            return {**found, "engine_note": f"Instructions were not counted: {error.message}"}


def _emulated(classifier: Classifier, folder: Path, images: NDArray[np.uint8], name: str) -> Figures:
    from edgedigits.devices.cores import find_core
    from edgedigits.devices.simulate import simulate_inputs
    from edgedigits.devices.stub import find_engine
    from edgedigits.devices.toolchain import find_toolchain
    from edgedigits.scoring.oracle import engine_inputs, oracle_outputs

    core = find_core(name)
    engine = find_engine(folder).on(core)
    run = simulate_inputs(
        engine,
        engine_inputs(classifier, images),
        core,
        find_toolchain(core.toolchain, core),
        expected=oracle_outputs(classifier, images, engine.facts.rounding),
        oracle="the interpreter",
    )
    if run.differing:
        raise CheckFailedError(f"{run.differing} of {run.bytes} output bytes differ from the interpreter's.")
    return {
        "instructions": run.instructions.mean,
        "most_instructions": run.instructions.most,
        "flash": run.footprint.flash,
        "ram": run.ram.total,
    }


def thinned(values: list[float]) -> list[list[float]]:
    """Return at most `CURVE_POINTS` pairs [iteration from 1, value] of a curve, its last one included."""
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), CURVE_POINTS)).round().astype(int))
    return [[int(index) + 1, float(values[index])] for index in chosen]
