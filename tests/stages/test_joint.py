"""Joint compression: one training ends with the zeros, the levels and the bytes that were asked for, in the file too."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edgedigits.convert import to_int8_tflite
from edgedigits.data.preprocess import to_float
from edgedigits.errors import ConfigError
from edgedigits.model.activity import measured
from edgedigits.model.contract import dense_weights
from edgedigits.model.lowering import lower
from edgedigits.model.packing import FACTOR_BYTES, Goal, arrange, packed_bytes
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT
from edgedigits.stages.float32 import run as run_float
from edgedigits.stages.joint import _with_its_ranges
from edgedigits.stages.joint import run as run_joint
from edgedigits.training.compressed_dense import active_inputs, compressed, decompressed
from edgedigits.training.held_out import accuracies_on_copies
from edgedigits.training.keras_env import set_seed
from edgedigits.training.line import Line
from edgedigits.training.model import build_mlp
from edgedigits.view import PLAIN
from tests.stages.jointly import config, untrained


def trained(few, choices):
    done = train_and_compress(choices, few, SILENT)
    graph = read_tflite(to_int8_tflite(done.final, done.calibration, per_tensor=False), "model.tflite")
    return done, graph


@pytest.mark.parametrize(
    ("levels", "pruning"),
    [
        *(
            pytest.param(levels, pruning, marks=pytest.mark.slow)
            for levels, pruning in (
                ({"weight_bits": 3}, {"enabled": True, "sparsity": 0.9, "criterion": "sensitivity"}),
                (
                    {"weight_bits": 2, "weight_values": "uniform"},
                    {"enabled": True, "sparsity": 0.8, "criterion": "random"},
                ),
                (
                    {"weight_bits": 3, "weight_values": "powers"},
                    {"enabled": True, "sparsity": 0.8, "granularity": "blocks"},
                ),
                ({"weight_bits": 3, "weight_values": "uniform", "by_output": True}, {"enabled": True, "sparsity": 0.8}),
                ({"weight_bits": 8, "by_output": True}, {"enabled": False}),
            )
        ),
        pytest.param({"weight_bits": 4}, {"enabled": False}, marks=pytest.mark.slow),
        pytest.param(
            {"weight_bits": 8}, {"enabled": True, "sparsity": 0.5, "granularity": "neurons"}, marks=pytest.mark.slow
        ),
    ],
)
def test_the_file_has_the_zeros_and_the_levels_that_training_ended_with(few, levels, pruning) -> None:
    choices = config(levels=levels, prune=pruning)
    done, graph = trained(few, choices)
    stored = [tensor.data for tensor in dense_weights(graph)]
    for weights, layer in zip(stored, done.twin.layers, strict=True):
        kernel = layer.kernel.numpy().T
        assert ((weights == 0) == (kernel == 0)).all()
        for some in weights if choices.levels.by_output else [weights]:
            assert len(np.unique(some)) <= choices.most_levels or levels["weight_bits"] == 8
        if pruning.get("granularity") == "blocks":
            # Powers hold no zero: of a block all weights are left or none, but for those of neurons that died.
            alive = (weights != 0).any(axis=1)
            for first in range(0, len(weights), 4):
                left = (weights[first : first + 4][alive[first : first + 4]] != 0).sum(axis=0)
                assert set(left) <= {0, int(alive[first : first + 4].sum())}
    if pruning["enabled"]:
        share = 1 - sum(int((one != 0).sum()) for one in stored) / sum(one.size for one in stored)
        assert share >= pruning["sparsity"] - 0.001
        # Levels that hold a zero add some of their own.
        assert done.stages[-1].history["sparsity"][-1] <= share + 0.001


@pytest.mark.parametrize("bits", [2, 8])
def test_every_output_has_its_own_scale_in_the_file_and_the_codes_that_training_counted(bits) -> None:
    set_seed(2)
    like = build_mlp(config())
    wrapped = compressed(like, bits, "uniform", by_output=True)
    wrapped.build((None, 784))
    for layer in wrapped.layers:
        layer.layer.kernel.assign(layer.layer.kernel * np.geomspace(0.1, 3, layer.layer.units))
        layer.mask.assign(np.random.default_rng(bits).random(layer.mask.shape) < 0.3)
        layer.mask[:, 3].assign(0 * layer.mask[:, 3])
        layer.start_levels()
    images = np.random.default_rng(0).random((20, 784), np.float32)
    stored = dense_weights(read_tflite(to_int8_tflite(decompressed(wrapped, like), images, per_tensor=False), "it"))
    for tensor, layer in zip(stored, wrapped.layers, strict=True):
        codes, scales = layer.codes()
        assert (tensor.data == codes.T).all()
        assert max(len(np.unique(row)) for row in codes.T) <= 2**bits
        assert tensor.scales[np.arange(len(scales)) != 3] == pytest.approx(scales[np.arange(len(scales)) != 3])
        real = layer.effective_kernel().numpy()
        # A step of the largest is what conversion may be off.
        assert np.abs(codes * scales - real).max(axis=0) == pytest.approx(0, abs=0.51 * scales.max())


def test_inputs_that_training_counts_as_active_are_so_in_the_file(few) -> None:
    wrapped, like = untrained()
    seen = few.validation.images[:50]
    aware = _with_its_ranges(wrapped, like, to_float(seen))
    network = lower(read_tflite(to_int8_tflite(aware, to_float(seen), per_tensor=False), "it"))
    counted = active_inputs(wrapped, seen)
    for found, active in zip(measured(network, (seen ^ 128).view(np.int8)), counted, strict=True):
        assert 0.05 < found.inputs < 0.95
        assert found.by_input.tolist() == active.mean(axis=0).tolist()


@pytest.mark.parametrize(
    ("levels", "others", "message"),
    [
        (
            {"by_output": True},
            {},
            'does not go with weight_values = "codebook", whose values are those of a whole layer',
        ),
        ({"by_output": True, "weight_values": "uniform"}, {"budget": {"constants": 700}}, "counts one scale a layer"),
        ({"by_output": True, "weight_values": "uniform"}, {"qat": {"per_tensor": True}}, r"does not go with \[qat\]"),
    ],
)
def test_what_has_no_scale_by_output_is_told(levels, others, message) -> None:
    with pytest.raises(ConfigError, match=message):
        config(levels=levels, **others)


@pytest.mark.slow
def test_masks_shrink_on_a_cubic_curve_and_stay_where_pruning_ends(few) -> None:
    done, _ = trained(few, config(prune={"enabled": True, "sparsity": 0.9, "begin": 0.2, "end": 0.6}))
    curve = [0.9 * (1 - (1 - share) ** 3) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert done.stages[-1].history["sparsity"] == pytest.approx([0.0, *curve, *[0.9] * 4], abs=0.02)


@pytest.mark.slow
def test_a_budget_of_bytes_is_kept_and_nearly_used_up(few) -> None:
    _, graph = trained(few, config(budget={"constants": 700}))
    network = simplify(lower(graph))
    _, packed = arrange(network, Goal.SIZE, constants=700)
    used = sum(one.nbytes + one.biases.nbytes + FACTOR_BYTES for one in packed)
    # What training counts by is an engine of streams; a small one may have less code for more constants.
    counted = packed_bytes(
        [layer.weights for layer in network.layers], [layer.bias_from(-128) for layer in network.layers]
    )
    assert used <= 700 and 0.95 * 700 <= counted <= 700


@pytest.mark.slow
def test_whole_neurons_are_cut_to_a_budget_and_every_class_keeps_its_output(few) -> None:
    with pytest.raises(ConfigError, match=r"constants is 100 B: no network of 2 layers fits in that"):
        trained(few, config(budget={"constants": 100}, prune={"granularity": "neurons"}))
    done, graph = trained(few, config(budget={"constants": 3000}, prune={"granularity": "neurons"}))
    last = dense_weights(graph)[-1].data
    assert (last != 0).any(axis=1).all()
    assert done.stages[-1].history["val_accuracy"][-1] > 0.3


@pytest.mark.slow
def test_biases_are_five_bits_each_times_a_power_of_two(few) -> None:
    _, graph = trained(few, config(prune={"enabled": True, "sparsity": 0.5}))
    for operator in (one for one in graph.operators if one.opcode == "FULLY_CONNECTED"):
        codes = graph.input_of(operator, 2).data.astype(np.int64)
        shift = max(0, int(np.ceil(np.log2(max(1, np.abs(codes).max()) / 15))))
        assert (codes % 2**shift == 0).all()


@pytest.mark.slow
def test_of_several_tries_the_best_by_validation_is_kept(few) -> None:
    tries = {"enabled": True, "epochs": 4, "tries": 3}
    done = train_and_compress(config(joint=tries), few, SILENT)
    assert [stage.plan.name for stage in done.stages] == ["float", "joint"]
    best = done.stages[-1]
    singles = []
    for number in range(3):
        # Each try draws its own order: its plan's seed follows from how many stages lie behind it.
        line = Line(config(joint={**tries, "tries": number + 1}), few, SILENT)
        set_seed(42)
        run_float(line, None)
        run_joint(line, line.done[0].model)
        singles.append(line.done[-1])
    right = accuracies_on_copies([one.model for one in singles], few.validation, PLAIN)
    assert accuracies_on_copies([best.model], few.validation, PLAIN) == [max(right)]
    assert right == sorted(right)


@pytest.mark.parametrize("budget", [40, 66])
def test_a_budget_that_nothing_meets_is_told_before_anything_is_trained(few, budget) -> None:
    with pytest.raises(ConfigError, match=rf"constants is {budget} B: no network of 2 layers fits in that\.") as told:
        train_and_compress(config(budget={"constants": budget}), few, SILENT)
    assert re.search(r"The smallest that feeds all ten classes takes [\d,]+ B", told.value.hint)


@pytest.mark.slow
@pytest.mark.parametrize("granularity", ["weights", "blocks", "neurons", "inputs"])
def test_the_smallest_budget_that_is_told_is_met_by_a_network_that_feeds_every_class(few, granularity) -> None:
    choices = config(budget={"constants": 60}, prune={"granularity": granularity})
    with pytest.raises(ConfigError) as told:
        train_and_compress(choices, few, SILENT)
    least = int(re.search(r"takes ([\d,]+) B", told.value.hint)[1].replace(",", ""))
    _, graph = trained(few, config(budget={"constants": least}, prune={"granularity": granularity}))
    assert feeds_every_class(graph)


@pytest.mark.slow
def test_no_sparsity_takes_all_that_feeds_a_class(few) -> None:
    _, graph = trained(few, config(prune={"enabled": True, "sparsity": 0.9995}))
    assert feeds_every_class(graph)


def feeds_every_class(graph) -> bool:
    """Whether each class has a weight from a neuron that has one from an input."""
    first, last = (one.data != 0 for one in dense_weights(graph))
    return bool(last[:, first.any(axis=1)].any(axis=1).all())


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"qat": {"enabled": True}}, "both enabled"),
        ({"budget": {"constants": 500}, "joint": {"trim": 0.5}}, "nothing to trim yet"),
        ({"budget": {"constants": 500}, "engine": {"optimize": "speed"}}, "contradict each other"),
    ],
)
def test_levers_that_contradict_each_other_are_told(sections, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        config(**sections)
