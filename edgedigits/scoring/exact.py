"""The engine of a build in NumPy, byte for byte as its C: for whoever asks what it says of images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.scoring.subject import Subject, find_subject


@dataclass(frozen=True, slots=True, eq=False)
class ExactEngine:
    """A build's engine, ready to be asked; made by `open_engine`.

    Attributes:
        subject: the build.
        classifier: its model.
        network: the integer steps of its engine.
        margin: the least lead that it accepts; 0 where it refuses nothing.
    """

    subject: Subject
    classifier: Classifier
    network: Network
    margin: int

    def inputs(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Return what it is given for images, uint8 (n, 784) → int8 (n, inputs)."""
        return engine_inputs(self.classifier, images)

    def scores(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Return its scores of images, uint8 (n, 784) → int8 (n, 10)."""
        return run(self.network, self.inputs(images))


def open_engine(path: Path) -> ExactEngine:
    """Open the engine of a build's folder, or of a .tflite.

    Raises:
        ConfigError, DataError: there is no such build, or it cannot be read.
        UnsupportedModelError: no classifier of 28×28 digits, or none that computes in int8.
    """
    subject = find_subject(path)
    classifier = open_classifier(read_tflite(subject.model), subject.pixels(), subject.view())
    config = subject.config()
    network = lower(classifier.graph, Rounding(config.engine.rounding) if config else Rounding.LITERT)
    return ExactEngine(subject, classifier, network, subject.reject_margin)
