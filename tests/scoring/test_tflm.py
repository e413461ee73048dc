"""TensorFlow Lite Micro on the host: its rounding, and the arena it needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.errors import EdgedigitsError, ToolMissingError, UnsupportedModelError
from edgedigits.scoring import tflm
from edgedigits.scoring.interpreter import Classifier
from edgedigits.scoring.tflm import ArenaMeasurement, arena_measurement, run_tflm, tflm_request
from tests.scoring import arithmetic

Make = Callable[..., Classifier]
Images = NDArray[np.uint8]


def measure_arena(model: Classifier) -> ArenaMeasurement:
    """Find the smallest arena, as an evaluation does."""
    with model.workspace(np.zeros((1, 784), np.uint8)) as workspace:
        return arena_measurement(workspace.start("arena", **tflm_request(model)).result().facts)


@pytest.mark.parametrize("seed", range(4))
def test_tflm_rounds_twice(classifier: Make, images: Images, seed: int) -> None:
    model = classifier(seed, sizes=(784, 24, 16, 10))
    expected = arithmetic.run(model.graph, model.pixels.table[images], arithmetic.double)

    assert np.array_equal(run_tflm(model, images), expected)


def test_the_two_roundings_are_not_the_same(classifier: Make, images: Images) -> None:
    """Otherwise the proofs against either runtime would be one proof."""
    model = classifier(0, sizes=(784, 24, 16, 10))
    inputs = model.pixels.table[images]
    once, twice = (arithmetic.run(model.graph, inputs, how) for how in (arithmetic.single, arithmetic.double))

    difference = np.abs(once.astype(int) - twice)
    assert difference.max() == 1


@pytest.mark.parametrize("sizes", [(784, 10), (784, 300, 100, 10)])
def test_the_measured_arena_is_the_smallest(classifier: Make, images: Images, sizes: tuple[int, ...]) -> None:
    """The wide one needs more to start than TFLM's own report says it has used in the end."""
    model = classifier(1, sizes=sizes)
    arena = measure_arena(model)

    assert arena.bytes % 16 == 0
    assert run_tflm(model, images[:1], arena_bytes=arena.bytes).shape == (1, 10)
    with pytest.raises(EdgedigitsError):
        run_tflm(model, images[:1], arena_bytes=arena.bytes - 16)


def test_the_measurement_says_how(classifier: Make) -> None:
    arena = measure_arena(classifier())

    assert arena.how.startswith("measured: TFLM on this ")
    assert arena.version


@pytest.mark.parametrize("io", ["float32", "uint8"])
def test_the_form_of_the_ends_changes_no_score(classifier: Make, images: Images, io: str) -> None:
    plain, ended = classifier(3), classifier(3, io=io)

    assert np.array_equal(ended.dequantize(run_tflm(ended, images)), plain.dequantize(run_tflm(plain, images)))


def test_an_operator_that_tflm_lacks_is_named(classifier: Make, images: Images) -> None:
    with pytest.raises(UnsupportedModelError, match=r"TFLM refuses the model: .*op code CUSTOM"):
        run_tflm(classifier(extra_op="NOVELTY"), images)


def test_without_the_package_the_hint_installs_it(
    classifier: Make, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tflm, "find_spec", lambda _: None)

    with pytest.raises(ToolMissingError) as caught:
        run_tflm(classifier(), images)
    assert "pip install 'edgedigits[tflm]'" in caught.value.hint
