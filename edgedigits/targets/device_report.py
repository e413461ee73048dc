"""What a board did with digits, held against their labels and against the oracle."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.evaluate.interpreter import Classifier
from edgedigits.evaluate.metrics import classify
from edgedigits.evaluate.oracle import ORACLES, engine_inputs, oracle_outputs
from edgedigits.progress import SILENT, Progress
from edgedigits.targets.device import Device, Identity


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """Every figure about one device.

    Attributes:
        name: the port.
        identity: what the firmware says it is.
        images: how many ran.
        accuracy: share of images that the device classified as labelled, 0…1.
        oracle: what its outputs were compared with.
        differing: output bytes that differ.
        bytes: output bytes compared.
        misclassified: images whose class on the device is not that of its own outputs; 0 in sound firmware.
        mean_us: time of an inference in µs, by the device's own clock.
        p95_us: the same, 95th percentile.
        most_us: the same, the slowest.
        resent: how often something had to be sent again.
        emulated: it was no board but an emulator, whose time is not a board's.
    """

    name: str
    identity: Identity
    images: int
    accuracy: float
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
    device: Device, classifier: Classifier, digits: Digits, rounding: str, *, progress: Progress = SILENT
) -> DeviceReport:
    """Send digits to a device and judge what comes back.

    Args:
        device: the device.
        classifier: the model whose engine it should run.
        digits: what to send.
        rounding: "litert" or "tflm", the oracle.
        progress: gets a bar.

    Raises:
        DataError: nobody is there, it runs another model, or the link is too bad.
        CheckFailedError: its self-test failed.
    """
    identity = device.identify()
    expected = oracle_outputs(classifier, digits.images, rounding)
    run = device.run(engine_inputs(classifier, digits.images), identity, progress)
    times = run.ticks * (1e6 / identity.tick_hz)
    return DeviceReport(
        name=device.link.name,
        identity=identity,
        images=len(digits),
        accuracy=float(np.mean(run.classes == digits.labels)),
        oracle=ORACLES[rounding],
        differing=_differing(run.outputs, expected),
        bytes=int(expected.size),
        misclassified=int(np.sum(run.classes != classify(run.outputs))),
        mean_us=float(times.mean()),
        p95_us=float(np.percentile(times, 95)),
        most_us=float(times.max()),
        resent=run.resent,
        emulated=device.link.emulated,
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
