"""Digits that need no data set: sparse random strokes, and labels that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.shape import PIXELS
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import Classifier, open_classifier
from tests.tflite_builder import random_mlp


@pytest.fixture(scope="session")
def images() -> NDArray[np.uint8]:
    """uint8 (50, 784): a fifth of the pixels inked; the first image is blank, the second all ink."""
    random = np.random.default_rng(7)
    inked = random.random((50, PIXELS)) < 0.2
    pixels = (random.integers(0, 256, inked.shape) * inked).astype(np.uint8)
    pixels[0], pixels[1] = 0, 255
    return pixels


@pytest.fixture(scope="session")
def digits(images: NDArray[np.uint8]) -> Digits:
    """The images with the labels 0…9 in turn."""
    return Digits(images.copy(), (np.arange(len(images)) % 10).astype(np.uint8))


@pytest.fixture(scope="session")
def classifier() -> Callable[..., Classifier]:
    """Build a random classifier; arguments as for `random_mlp`."""

    def build(seed: int = 0, **options: Any) -> Classifier:
        return open_classifier(read_tflite(random_mlp(seed, **options), "random.tflite"))

    return build


@pytest.fixture
def broken_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a library of that name and source in front of the installed one, for child processes only."""

    def install(name: str, source: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return install
