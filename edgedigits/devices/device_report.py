"""What a board did with images, held against the oracle and, where they have labels, against those."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.device import Device, Identity
from edgedigits.devices.stub import Engine
from edgedigits.errors import CheckFailedError, DataError
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.interpreter import Classifier
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.oracle import ORACLES, engine_inputs, oracle_outputs
from edgedigits.scoring.reject import decide


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """Every figure about one device.

    Attributes:
        name: the port.
        identity: what the firmware says it is.
        images: how many ran.
        accuracy: share of images that the device classified as labelled, 0…1; None where they have no labels. Of those
            that it refused, the best score counts.
        refused: images that it refused; None where its engine refuses nothing.
        oracle: what its outputs were compared with.
        differing: output bytes that differ.
        bytes: output bytes compared.
        misclassified: images whose class on the device is not that of its own outputs; 0 in sound firmware, and
            where the engine does not classify.
        mean_us: time of an inference in µs, by the device's own clock.
        p95_us: the same, 95th percentile.
        most_us: the same, the slowest.
        resent: how often something had to be sent again.
        emulated: it was no board but an emulator, whose time is not a board's.
    """

    name: str
    identity: Identity
    images: int
    accuracy: float | None
    refused: int | None
    oracle: str
    differing: int
    bytes: int
    misclassified: int
    mean_us: float
    p95_us: float
    most_us: float
    resent: int
    emulated: bool

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {**asdict(self), "how": self.how}

    @property
    def how(self) -> str:
        """How the figures were obtained."""
        if self.emulated:
            return f"emulated: firmware at {self.name}; times are the emulator's, not a board's"
        return f"measured: firmware at {self.name}, its own clock of {self.identity.tick_hz:,} ticks a second"


def examine_device(
    device: Device,
    engine: Engine,
    classifier: Classifier,
    images: NDArray[np.uint8],
    labels: NDArray[np.integer] | None,
    rounding: str,
    *,
    progress: Progress = SILENT,
) -> DeviceReport:
    """Send images to a device and judge what comes back.

    Args:
        device: the device.
        engine: the engine that it should run.
        classifier: the model that the engine was made from.
        images: what to send, uint8 (n, 784); for `AnyModel` codes (n, input size).
        labels: their classes, (n,); None where they have none.
        rounding: "litert" or "tflm", the oracle.
        progress: gets a bar.

    Raises:
        DataError: nobody is there, it runs another model, or the link is too bad.
        CheckFailedError: its self-test failed.
    """
    identity = device.identify()
    check_identity(device.link.name, identity, engine)
    expected = oracle_outputs(classifier, images, rounding)
    run = device.run(engine_inputs(classifier, images), identity, progress)
    times = run.ticks * (1e6 / identity.tick_hz)
    classes = run.classes
    if labels is not None and classes is None:
        raise DataError(f"{device.link.name} does not say which class an image has.", hint="Flash this engine again.")
    return DeviceReport(
        name=device.link.name,
        identity=identity,
        images=len(images),
        accuracy=None if labels is None or classes is None else _accuracy(classes, run.outputs, labels),
        refused=_refused(classes, engine),
        oracle=ORACLES[rounding],
        differing=_differing(run.outputs, expected),
        bytes=int(expected.size),
        misclassified=0 if classes is None else int(np.sum(classes != decide(run.outputs, engine.reject_margin))),
        mean_us=float(times.mean()),
        p95_us=float(np.percentile(times, 95)),
        most_us=float(times.max()),
        resent=run.resent,
        emulated=device.link.emulated,
    )


def _accuracy(classes: NDArray[np.int64], outputs: NDArray[np.int8], labels: NDArray[np.integer]) -> float:
    best = np.where(classes == outputs.shape[1], classify(outputs), classes)
    return float(np.mean(best == labels))


def _refused(classes: NDArray[np.int64] | None, engine: Engine) -> int | None:
    return int(np.sum(classes == engine.facts.output.size)) if classes is not None and engine.reject_margin else None


def check_identity(name: str, identity: Identity, engine: Engine) -> None:
    """Check that a device runs an engine of the sizes of this one, and of the same model as far as both tell it.

    Raises:
        DataError: it has other sizes.
        CheckFailedError: it was made from another model.
    """
    told = (identity.input_size, identity.output_size)
    if told != (engine.facts.input.size, engine.facts.output.size):
        raise DataError(
            f"{name} runs {identity.model} of {told[0]:,} inputs and {told[1]:,} outputs, and {engine.header} has "
            f"{engine.facts.input.size:,} and {engine.facts.output.size:,}.",
            hint="It runs another model; flash this one.",
        )
    if identity.digest and engine.facts.model_sha256 and not engine.facts.model_sha256.startswith(identity.digest):
        raise CheckFailedError(
            f"{name} runs an engine of another model (SHA-256 {identity.digest}…) than {engine.header} "
            f"({engine.facts.model_sha256[:8]}…).",
            hint="Flash this one, or name the build that was flashed.",
        )


def _differing(outputs: NDArray[np.int8], expected: NDArray[np.int8]) -> int:
    if outputs.shape != expected.shape:
        return int(expected.size)
    return int(np.sum(outputs != expected))


def check_report(report: DeviceReport) -> tuple[str, ...]:
    """Return one sentence for each check that fails."""
    failures = []
    if report.differing:
        failures.append(f"{report.differing:,} of {report.bytes:,} output bytes differ from {report.oracle}.")
    if report.misclassified:
        failures.append(f"{report.misclassified:,} images got a class on the device that its own outputs do not give.")
    return tuple(failures)
