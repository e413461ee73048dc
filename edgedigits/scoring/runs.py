"""Every runtime that is at hand, on one model and the same images: what they give, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import EdgedigitsError, ToolMissingError
from edgedigits.progress import Progress, StageProgress
from edgedigits.scoring.child import Child, Workspace
from edgedigits.scoring.interpreter import KERNELS, Classifier, finite, litert_request, run_litert, stored_as
from edgedigits.scoring.latency import RUNS, Latency, latency_figures, latency_request
from edgedigits.scoring.metrics import as_probabilities
from edgedigits.scoring.parity import BASELINE
from edgedigits.scoring.tflm import ArenaMeasurement, arena_measurement, tflm_installed, tflm_request, tflm_runs

DEFAULT = "litert-default"
_KERNEL_WORDS = {"default": "default kernels (XNNPACK)", "reference": "reference kernels"}


@dataclass
class Runs:
    """What the runtimes hand back, as it comes in.

    Attributes:
        outputs: as stored, (n, 10), by runtime: `BASELINE`, `DEFAULT`, "tflm".
        arena: RAM that TFLM needs; None where it did not run.
        latency: None where it was not asked for.
        float_scores: float32 (n, 10) of the float32 twin; None without one.
        notes: what was left out and why, one sentence each.
    """

    outputs: dict[str, NDArray[Any]]
    arena: ArenaMeasurement | None = None
    latency: Latency | None = None
    float_scores: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()


def run_everything(
    classifier: Classifier,
    twin: Classifier | None,
    images: NDArray[np.uint8],
    threads: int,
    latency: bool,
    progress: Progress,
) -> Runs:
    """Run a model and its float32 twin on `images`, uint8 (n, 784), through every runtime.

    Raises:
        DataError, UnsupportedModelError: no kernels of LiteRT can run the model.
        ToolMissingError: ai-edge-litert is not installed.
    """
    steps = 2 + (twin is not None) + latency
    with classifier.workspace(images) as workspace, progress.stage("Evaluating", steps) as stage:
        # TFLM is the slowest and runs beside the others; nothing runs beside the measurement of latency.
        tflm = _start_tflm(classifier, workspace)
        runs = _run_litert(classifier, workspace, threads)
        stage.advance(note="LiteRT")
        if twin is not None:
            runs.float_scores = _float_scores(twin, images, threads)
            stage.advance(note="float32 twin")
        _collect_tflm(classifier, tflm, runs)
        stage.advance(note="TFLM")
        if latency:
            runs.latency = _latency(classifier, workspace, threads, runs.outputs, stage)
    return runs


def _run_litert(classifier: Classifier, workspace: Workspace, threads: int) -> Runs:
    """Run both kinds of kernels, each in a child of its own: what kills one need not keep the other from answering."""
    # The reference kernels are an oracle of integer arithmetic; for floats they are only slow.
    kinds = KERNELS[:1] if classifier.output.dtype == "float32" else tuple(reversed(KERNELS))
    outputs, failures = _answers(classifier, workspace, threads, kinds)
    if not outputs and len(kinds) == 1:
        others = [kernels for kernels in KERNELS if kernels not in kinds]
        outputs, more = _answers(classifier, workspace, threads, others)
        failures |= more
    if not outputs:
        raise next(iter(failures.values()))
    scored = _KERNEL_WORDS["reference" if BASELINE in outputs else "default"]
    notes = tuple(
        f"LiteRT's {_KERNEL_WORDS[kernels]} cannot run the model, so it is scored by its {scored}: {error.message}"
        for kernels, error in failures.items()
    )
    return Runs(outputs, notes=notes)


def _answers(
    classifier: Classifier, workspace: Workspace, threads: int, kinds: Sequence[str]
) -> tuple[dict[str, NDArray[Any]], dict[str, EdgedigitsError]]:
    """Return outputs by runtime, and why other kernels gave none."""
    children = {
        kernels: workspace.start("litert", **litert_request(classifier, [kernels], threads)) for kernels in kinds
    }
    outputs: dict[str, NDArray[Any]] = {}
    failures: dict[str, EdgedigitsError] = {}
    for kernels, child in children.items():
        try:
            outputs[f"litert-{kernels}"] = finite(classifier, child.result().arrays)[kernels]
        except ToolMissingError:
            raise
        except EdgedigitsError as error:
            failures[kernels] = error
    return outputs, failures


def _latency(
    classifier: Classifier, workspace: Workspace, threads: int, outputs: Mapping[str, Any], stage: StageProgress
) -> Latency:
    request = latency_request(classifier, "default" if DEFAULT in outputs else "reference", threads, RUNS)
    answer = workspace.start("latency", **request).result()
    stage.advance(note="latency")
    return latency_figures(answer.arrays["times_ns"], request, answer.facts["version"])


def _float_scores(twin: Classifier, images: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
    return twin.dequantize(run_litert(twin, images, kernels=("default",), threads=threads)["default"])


def _start_tflm(classifier: Classifier, workspace: Workspace) -> tuple[Child, ...]:
    if not tflm_runs(classifier) or not tflm_installed():
        return ()
    request = tflm_request(classifier)
    return workspace.start("tflm", **request), workspace.start("arena", **request)


def _collect_tflm(classifier: Classifier, children: tuple[Child, ...], runs: Runs) -> None:
    """Add what TFLM found; its absence or refusal is worth a note, not the end of an evaluation."""
    if not tflm_runs(classifier):
        kind = f"{classifier.input.dtype} in, {classifier.output.dtype} out"
        runs.notes += (f"TFLM was left out: it is compared where the outputs are integers, and this one has {kind}.",)
        return
    if not children:
        runs.notes += ("TFLM was left out: install it with pip install 'edgedigits[tflm]'.",)
        return
    try:
        outputs, arena = (child.result() for child in children)
    except EdgedigitsError as error:
        runs.notes += (f"TFLM was left out: {error.message}",)
        return
    runs.outputs["tflm"] = outputs.arrays["tflm"]
    runs.arena = arena_measurement(arena.facts)


def parity_outputs(
    classifier: Classifier, twin: Classifier | None, runs: Runs, probabilities: bool
) -> dict[str, NDArray[Any]]:
    """Return the outputs to compare: as stored, the float twin's quantized as the model's own output is.

    Args:
        classifier: the model.
        twin: its float32 twin.
        runs: what the runtimes gave; gets a note where the twin cannot be compared.
        probabilities: whether the model gives probabilities.
    """
    outputs = dict(runs.outputs)
    if twin is None or runs.float_scores is None or classifier.output.dtype == "float32":
        return outputs
    scores = runs.float_scores
    twin_probabilities = twin.gives_probabilities(scores)
    if twin_probabilities and not probabilities:
        runs.notes += ("The float32 twin was not compared: it gives probabilities and the model logits.",)
        return outputs
    if probabilities and not twin_probabilities:
        scores = as_probabilities(scores, are_probabilities=False).astype(np.float32)
    outputs["keras-float"] = stored_as(scores, classifier.output)
    return outputs
