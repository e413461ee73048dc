"""No engine is written that is not its interpreter's equal, or that does not say that it could not be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.errors import CheckFailedError, UnsupportedModelError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.packing import Goal, PackedLayer, choose, use
from edgedigits.model.proof import Proof
from edgedigits.model.reader import read_tflite
from edgedigits.scoring import proof as room
from edgedigits.scoring import tflm
from edgedigits.scoring.any_model import extreme_codes
from edgedigits.scoring.interpreter import Classifier
from edgedigits.scoring.proof import prove
from tests.model.one_layer import layer, quantized
from tests.tflite_builder import random_mlp

Packed = tuple[Network, tuple[PackedLayer, ...]]


def packed(content: bytes, rounding: Rounding = Rounding.LITERT, names: tuple[str, ...] = ()) -> Packed:
    network = lower(read_tflite(content, "m.tflite"), rounding)
    return network, use(network, names) if names else choose(network, Goal.BALANCED)


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_an_engine_is_proven_in_its_own_rounding(io: Any, rounding: Rounding) -> None:
    if rounding is Rounding.TFLM:
        pytest.importorskip("tflite_micro")
    found = prove(*packed(random_mlp(3, (30, 8, 4), io=io, softmax=io == "int8"), rounding))

    assert found.proven and found.version
    assert found.oracle == {"litert": "LiteRT, reference kernels", "tflm": "TensorFlow Lite Micro"}[rounding]
    assert (found.extreme, found.random, found.digits) == (4 + 30 + 3, 200, 0)
    assert found.bytes == 4 * (found.extreme + found.random)


def test_digits_are_run_where_the_model_takes_them(
    classifier: Callable[..., Classifier], images: NDArray[np.uint8]
) -> None:
    model = classifier(3)
    network = lower(model.graph)

    assert prove(network, choose(network), (model, images)).digits == len(images)


NAMES = ("pairs", "rows", "lists8", "lists4", "rice", "bitmap", "blocks")
SMALL = (12, 6, 3)
# A step of a weight is to be a step of the output, so that none is lost in rounding.
VISIBLE = {"activation_scales": [0.1, 0.1], "activation_zero_points": [0, 0], "activations": ["none", "none"]}


@pytest.mark.parametrize("name", NAMES)
def test_one_wrong_weight_in_a_packing_is_seen(name: str) -> None:
    network, layers = packed(random_mlp(5, SMALL, **VISIBLE), names=(name, "rows"))
    weights = layers[0].layer.weights.copy()
    weights[NAMES.index(name) % 6, NAMES.index(name)] ^= 0x40
    constants = layers[0].encoding.pack(weights)
    assert constants is not None

    with pytest.raises(CheckFailedError, match=r"differs from LiteRT, reference kernels in [\d,]+ of 54 output bytes"):
        prove(network, (replace(layers[0], constants=constants), layers[1]))


def test_the_first_difference_is_told_by_place_and_value() -> None:
    network, _ = packed(random_mlp(5, (12, 3)))
    wrong = network.with_layers([replace(network.layers[0], bias=network.layers[0].bias + 2**20)])

    with pytest.raises(
        CheckFailedError, match=r"on extreme inputs; first, output 0 of input 0 is 127 instead of -?\d+"
    ):
        prove(wrong, choose(wrong))


def test_without_tflm_its_rounding_is_not_proven_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflm, "find_spec", lambda _: None)
    found = prove(*packed(random_mlp(3, (30, 4)), Rounding.TFLM))

    assert found == Proof("TensorFlow Lite Micro", note=found.note) and not found.proven
    assert found.note == (
        "The engine was not proven against TensorFlow Lite Micro: The package tflite-micro is not installed. "
        "Install it: pip install 'edgedigits[tflm]' In the other rounding it gives every byte of LiteRT, reference kernels."
    )
    assert not found.to_json()["proven"]


def test_without_tflm_a_file_that_litert_refuses_is_refused_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflm, "find_spec", lambda _: None)

    with pytest.raises(
        UnsupportedModelError, match=r"m\.tflite: LiteRT refuses the model: .*quantized_dimension must be in range"
    ):
        prove(*packed(scales_on_no_axis(), Rounding.TFLM))


def test_what_tflm_refuses_is_not_proven_and_says_so() -> None:
    pytest.importorskip("tflite_micro")
    content = random_mlp(3, (30, 4), input_shape=(1, 5, 6), keras_flatten=True, open_length=True)

    assert prove(*packed(content)).proven
    note = prove(*packed(content, Rounding.TFLM)).note
    assert note.startswith(
        "The engine was not proven against TensorFlow Lite Micro: m.tflite: TFLM refuses the model: "
    )


def scales_on_no_axis() -> bytes:
    """A file that lowering and TFLM take and LiteRT does not: the axis of the bias's scales is not there."""
    return layer(
        quantized("bias", scale=np.full(3, 0.125, np.float32), zeroPoint=np.zeros(3, np.int64), quantizedDimension=3)
    )()


def test_work_on_a_large_model_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = random_mlp(3, (500, 4))
    monkeypatch.setattr(room, "MULTIPLICATIONS", 2000 * 100)

    assert prove(*packed(content)).extreme == 4 + 100 + 10


def test_extreme_inputs_reach_every_place_alone() -> None:
    codes = extreme_codes(5, 99)

    assert codes.dtype == np.uint8 and set(codes.flat) == {0, 255}
    assert codes[:4].tolist() == [[0] * 5, [255] * 5, [255, 0, 255, 0, 255], [0, 255, 0, 255, 0]]
    np.testing.assert_array_equal(codes[4:9], 255 * np.eye(5))
    assert codes[9:].tolist() == [[0, 255, 255, 255, 255]]


@pytest.mark.parametrize("size", [1, 2, 100, 784])
def test_of_many_places_an_even_choice_is_made_with_both_ends(size: int) -> None:
    codes = extreme_codes(size, 40)
    places = codes[4 : 4 + min(size, 40)].argmax(axis=1)

    assert len(set(places.tolist())) == min(size, 40)
    assert (places[0], places[-1]) == (0, size - 1)
