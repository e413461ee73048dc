"""How long one image takes on this host. A figure for comparing models, not for any microcontroller."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.scoring.interpreter import Classifier, litert_request

WARM_UP_RUNS = 100
RUNS = 2000


@dataclass(frozen=True)
class Latency:
    """Time of one call of the interpreter's invoke() on one image, in microseconds.

    Attributes:
        p50_us, p90_us, p99_us: percentiles, linearly interpolated.
        runs: timed calls.
        warm_up_runs: calls before them that were not timed.
        threads: threads of the interpreter.
        kernels: "default" (XNNPACK) or "reference".
        version: version of ai-edge-litert.
        how: how and where it was measured.
    """

    p50_us: float
    p90_us: float
    p99_us: float
    runs: int
    warm_up_runs: int
    threads: int
    kernels: str
    version: str
    how: str


def latency_request(classifier: Classifier, kernels: str, threads: int, runs: int) -> dict[str, Any]:
    """Return what a "latency" worker must know."""
    return {**litert_request(classifier, [kernels], threads), "warmup": WARM_UP_RUNS, "runs": runs}


def measure_latency(classifier: Classifier, images: NDArray[np.uint8], *, runs: int = RUNS) -> Latency:
    """Time single images in a child process, on one thread of the default kernels, after a warm-up.

    Args:
        classifier: the model.
        images: uint8 (n, 784); the runs go round the first of them.
        runs: calls to time.

    Raises:
        DataError, UnsupportedModelError, ToolMissingError: as `run_litert`.
    """
    request = latency_request(classifier, "default", 1, runs)
    with classifier.workspace(images) as workspace:
        answer = workspace.start("latency", **request).result()
    return latency_figures(answer.arrays["times_ns"], request, answer.facts["version"])


def latency_figures(times_ns: NDArray[np.int64], request: dict[str, Any], version: str) -> Latency:
    """Summarise what a "latency" worker measured: int64 (runs,) nanoseconds of one invoke() each."""
    p50, p90, p99 = (round(float(value) / 1000, 2) for value in np.percentile(times_ns, (50, 90, 99)))
    return Latency(
        p50_us=p50,
        p90_us=p90,
        p99_us=p99,
        runs=len(times_ns),
        warm_up_runs=request["warmup"],
        threads=request["threads"],
        kernels=request["kernels"][0],
        version=version,
        how="measured: invoke() on this host",
    )


def host() -> str:
    """Return the kind of this machine as reports name it, e.g. "x86_64 Linux, 2 cores"."""
    return f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores"
