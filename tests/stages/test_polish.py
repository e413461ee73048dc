"""Polishing works on what the file holds, keeps what was asked for, and is told as a stage."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.convert import to_int8_tflite
from edgedigits.data.preprocess import to_float
from edgedigits.data.seeing import see
from edgedigits.model import numpy_engine
from edgedigits.model.contract import dense_weights
from edgedigits.model.lowering import lower
from edgedigits.model.packing import packed_bytes
from edgedigits.model.reader import read_tflite
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT
from edgedigits.stages import polish
from edgedigits.stages.float32 import run as run_float
from edgedigits.stages.int8_network import Int8Network
from edgedigits.stages.joint import _with_its_ranges
from edgedigits.stages.joint import run as run_joint
from edgedigits.stages.quantize import ranges_of, strip_fake_quantization, with_ranges
from edgedigits.training.excess import Excess
from edgedigits.training.keras_env import set_seed
from edgedigits.training.line import Line
from tests.stages import jointly


def config(**sections):
    return jointly.config(**{**sections, "joint": {"enabled": True, "epochs": 10, "polish": 2}})


def stored(model, digits):
    return read_tflite(to_int8_tflite(model, digits, per_tensor=False), "model.tflite")


def untrained(seen):
    """A model to convert that no training made, and a plain one of its shape."""
    wrapped, like = jointly.untrained()
    return _with_its_ranges(wrapped, like, to_float(seen)), like


def test_what_is_polished_is_what_the_file_holds(few) -> None:
    seen = few.validation.images
    aware, like = untrained(seen)
    graph = stored(aware, to_float(seen))
    network = polish._deployed(strip_fake_quantization(aware, like), ranges_of(aware), seen)
    for layer, weights, biases in zip(lower(graph).layers, network.weights, network.biases, strict=True):
        assert (layer.weights == weights).all()
        assert (layer.bias_from(-128) == biases).all()
    logits = numpy_engine.run(lower(graph), (seen ^ 128).view(np.int8))
    output = graph.tensors[graph.outputs[0]]
    scale = float(output.scales[0])
    assert network.logits == pytest.approx(scale * (logits.astype(float) - output.zero_points[0]), abs=2 * scale)


def test_a_model_is_written_back_as_it_was_read(few) -> None:
    aware, like = untrained(few.validation.images)
    plain, ranges = strip_fake_quantization(aware, like), ranges_of(aware)
    again = polish._plain(polish._deployed(plain, ranges, few.validation.images), like, ranges)
    for one, other in zip(again.get_weights(), plain.get_weights(), strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)
    digits = to_float(few.validation.images)
    assert to_int8_tflite(with_ranges(again, ranges), digits, per_tensor=False) == to_int8_tflite(
        aware, digits, per_tensor=False
    )
    assert ranges_of(with_ranges(plain, ranges)) == ranges


@pytest.mark.parametrize(
    ("sections", "moves_zeros"),
    [
        ({"budget": {"constants": 700}}, True),
        ({"budget": {"constants": 700}, "prune": {"granularity": "blocks"}}, False),
        ({"budget": {"constants": 700, "instructions": 9000}}, False),
        ({"budget": {"flash": 4000}}, False),
        ({"prune": {"enabled": True, "sparsity": 0.8}}, False),
    ],
)
def test_zeros_move_where_bytes_alone_are_counted(few, sections, moves_zeros) -> None:
    network = Int8Network(
        [np.diag([127, -60, 127, 50]), np.ones((10, 4))], [np.full(4, 96), np.zeros(10)], [1, 1], [1], np.ones((3, 4))
    )
    freedom = polish._freedom(config(**sections), network)
    assert (freedom.moves_zeros, freedom.moves_levels) == (moves_zeros, True)
    assert freedom.levels == [[-60, 50, 127], [1]]
    assert freedom.bias_steps == [(32, 480), (0, 0)]
    assert freedom.fits(network)
    network.weights[0][:] = np.random.default_rng(0).integers(-127, 128, (4, 4))
    # Only a budget of constants has room for more than there was.
    assert freedom.fits(network) == moves_zeros


@pytest.mark.parametrize(
    ("budget", "sweeps"), [({"constants": 424}, 3), ({"flash": 1536}, 0), ({"constants": 424, "instructions": 9000}, 0)]
)
def test_small_budgets_of_constants_alone_are_polished_unasked(budget, sweeps) -> None:
    assert make_config(parse_sections({"budget": budget}, "test")).joint.polish == sweeps


def test_weights_of_eight_bits_are_not_polished() -> None:
    of = {bits: config(budget={"constants": 424}, levels={"weight_bits": bits}) for bits in (3, 8)}
    assert {bits: polish.STAGE.asked(one) for bits, one in of.items()} == {3: True, 8: False}


@pytest.mark.slow
def test_a_budget_of_bytes_is_kept_with_less_loss_and_told_as_a_stage(few) -> None:
    done = train_and_compress(config(budget={"constants": 700}), few, SILENT)
    assert [stage.plan.name for stage in done.stages] == ["float", "joint", "polish"]
    graph = stored(done.final, done.calibration)
    layers = lower(graph).layers
    assert packed_bytes([one.weights for one in layers], [one.bias_from(-128) for one in layers]) <= 700
    for layer, plain in zip(layers, done.twin.layers, strict=True):
        assert len(np.unique(layer.weights)) <= 9
        assert ((layer.weights == 0) == (plain.kernel.numpy().T == 0)).all()
    first, last = (layer.weights.any(axis=1) for layer in layers)
    assert last.all() and first[layers[1].weights.any(axis=0)].all()
    joint, polished = done.stages[1:]
    line = Line(config(budget={"constants": 700}), few, SILENT)
    objective, digits = line.objective(few.train), to_float(see(line.config.input.view, few.train.images))
    # By the float model beside the file: fake quantization of the input takes no part.
    before = objective.losses(joint.model(digits, training=False).numpy()).mean()
    assert len(polished.history["loss"]) == len(polished.history["val_accuracy"]) == 2
    assert polished.history["loss"][1] < polished.history["loss"][0] < before
    assert polished.history["loss"][1] == pytest.approx(
        objective.losses(done.final(digits, training=False).numpy()).mean(), rel=0.02
    )


@pytest.mark.slow
@pytest.mark.parametrize("granularity", ["weights", "blocks"])
def test_zeros_of_a_sparsity_stay_where_they_are(few, granularity) -> None:
    choices = config(prune={"enabled": True, "sparsity": 0.8, "granularity": granularity})
    done = train_and_compress(choices, few, SILENT)
    joint, polished = (
        [one.data == 0 for one in dense_weights(stored(one.model, done.calibration))] for one in done.stages[1:]
    )
    for before, after in zip(joint, polished, strict=True):
        assert (before == after).all()


@pytest.mark.slow
def test_levels_that_are_not_learned_stay(few) -> None:
    done = train_and_compress(config(levels={"weight_values": "powers"}), few, SILENT)
    for tensor in dense_weights(stored(done.final, done.calibration)):
        assert set(np.abs(np.unique(tensor.data))) <= {0, 1, 2, 4, 8, 16, 32, 63, 64, 127}


@pytest.mark.slow
@pytest.mark.parametrize("beyond", [None, Excess(5, 0)])
def test_what_would_take_more_than_a_budget_is_left_as_it_was(few, beyond) -> None:
    line = Line(config(prune={"enabled": True, "sparsity": 0.8}), few, SILENT)
    set_seed(42)
    model, _ = run_float(line, None)
    model, _ = run_joint(line, model)
    line.excess = lambda polished, within: beyond
    polished, twin = polish.run(line, model)
    assert (polished is model) == (beyond is not None)
    assert [stage.plan.name for stage in line.done] == ["float", "joint", "polish"][: 3 - (beyond is not None)]
    for codes, plain in zip(dense_weights(stored(polished, line.calibration)), twin.layers, strict=True):
        assert ((codes.data == 0) == (plain.kernel.numpy().T == 0)).all()
