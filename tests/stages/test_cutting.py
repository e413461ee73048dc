"""Pruning by other criteria, groups, schedules and scopes: the zeros asked for, and TF-MOT's where both can do it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.errors import ConfigError
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.stages.goals import ByLayer, Overall
from edgedigits.stages.pruner import Pruner
from edgedigits.training.compressed_dense import compressed
from edgedigits.training.keras_env import set_seed, tfmot
from edgedigits.training.model import build_mlp


def config(hidden=(24,), **prune):
    tables = {
        "model": {"hidden": list(hidden)},
        "training": {"epochs": 2, "batch_size": 60, "augment": "none"},
        "prune": {"enabled": True, "sparsity": 0.8, "epochs": 10, **prune},
    }
    return make_config(parse_sections(tables, "test"))


@pytest.mark.parametrize("others", [{"sparsity": 0.8}, {"scope": "global"}, {"layer_sparsity": {"hidden_1": 0.5}}])
def test_two_of_four_leave_nothing_else_to_choose(others) -> None:
    alone = {"prune": {"enabled": True, "granularity": "2:4"}}
    assert make_config(alone) == make_config({"prune": {**alone["prune"], "sparsity": 0.5}})
    with pytest.raises(ConfigError, match="leaves nothing else to choose"):
        config(**{"granularity": "2:4", "sparsity": 0.5, **others})


def nothing_measured(wrapped):
    shapes = [layer.mask.shape for layer in wrapped.layers]
    return [(np.ones(fan_in), np.ones(fan_out), np.zeros((fan_in, fan_out))) for fan_in, fan_out in shapes]


def zeros(done):
    return [float(np.mean(layer.kernel.numpy() == 0)) for layer in done.twin.layers]


@pytest.mark.parametrize(
    ("hidden", "sparsity", "groups"),
    [
        ([32, 16], 0.8, ["blocks", "weights", "blocks"]),  # 25 blocks for 32 neurons
        ([32, 16], 0.75, ["blocks", "blocks", "blocks"]),  # 32 blocks for 32 neurons
        ([300, 100], 0.9, ["blocks", "blocks", "blocks"]),
        ([16], 0.8, ["blocks", "blocks"]),  # pixels are no neurons, and the output layer stays whole
    ],
)
def test_neurons_that_blocks_would_leave_unread_are_pruned_weight_by_weight(hidden, sparsity, groups) -> None:
    widths = [784, *hidden, 10]
    shapes, targets = list(pairwise(widths)), [sparsity] * len(hidden) + [0.0]
    assert ByLayer(targets).granularities(shapes, "blocks") == groups
    assert ByLayer(targets).granularities(shapes, "weights") == ["weights"] * len(groups)
    assert Overall(sparsity).granularities(shapes, "blocks") == ["blocks"] * len(groups)


def test_pruned_in_blocks_a_network_keeps_its_neurons() -> None:
    set_seed(1)
    wrapped = compressed(build_mlp(config(hidden=[32, 16])), 8, "codebook")
    wrapped.build((None, 784))
    goal = ByLayer([0.8, 0.8, 0.0])
    Pruner(wrapped, CRITERIA["magnitude"], "blocks", goal, seed=0).shrink(nothing_measured(wrapped), 1.0)
    first, second, _ = (layer.mask.numpy() for layer in wrapped.layers)
    assert first.any(axis=0).sum() >= 30 and second.any(axis=1).sum() >= 30
    blocks = first.reshape(784, 8, 4).any(axis=2)
    assert (first.reshape(784, 8, 4).sum(axis=2)[blocks] >= 3).mean() > 0.9
    assert first.mean() == pytest.approx(0.2, abs=0.01) and second.mean() == pytest.approx(0.2, abs=0.01)


def test_what_tfmot_can_do_is_left_to_it() -> None:
    for schedule in ("polynomial", "constant"):
        assert config(schedule=schedule).prune.is_tfmots
        for other in ({"criterion": "lamp"}, {"granularity": "blocks"}, {"scope": "global"}):
            assert not config(schedule=schedule, **other).prune.is_tfmots
    assert not config(schedule="linear").prune.is_tfmots


@pytest.mark.parametrize("share", [0.3, 0.8, 0.95])
def test_masks_by_magnitude_are_tfmots(share) -> None:
    set_seed(1)
    model = build_mlp(config())
    wrapped = compressed(model, 8, "codebook")
    wrapped.build((None, 784))
    # The output layer is spared, so that no neuron dies.
    Pruner(wrapped, CRITERIA["magnitude"], "weights", ByLayer([share, 0.0]), seed=0).shrink(
        nothing_measured(wrapped), 1.0
    )
    theirs = tfmot.sparsity.keras.prune_low_magnitude(
        model.layers[0], tfmot.sparsity.keras.ConstantSparsity(share, begin_step=0, frequency=1)
    )
    theirs.build((None, 784))
    theirs.pruning_step.assign(0)
    theirs.pruning_obj.conditional_mask_update()
    (_, mask, _), *_ = theirs.pruning_vars
    differing = np.sum(mask.numpy() != wrapped.layers[0].mask.numpy())
    assert differing <= 1  # TF-MOT rounds the number of weights that it keeps, this rounds it down


@pytest.mark.parametrize(
    "prune",
    [
        pytest.param({"criterion": "activity", "scope": "global"}, marks=pytest.mark.slow),
        pytest.param({"schedule": "iterative"}, marks=pytest.mark.slow),
        pytest.param({"schedule": "scratch", "criterion": "lamp"}, marks=pytest.mark.slow),
        pytest.param({"schedule": "one-shot", "criterion": "random"}, marks=pytest.mark.slow),
        pytest.param({"schedule": "constant"}, marks=pytest.mark.slow),
        pytest.param({"granularity": "2:4", "criterion": "activity", "sparsity": 0.5}, marks=pytest.mark.slow),
        pytest.param({"schedule": "linear", "granularity": "blocks"}, marks=pytest.mark.slow),
        pytest.param({"granularity": "neurons", "sparsity": 0.5, "criterion": "movement"}, marks=pytest.mark.slow),
        pytest.param({"granularity": "inputs", "sparsity": 0.5}, marks=pytest.mark.slow),
    ],
)
def test_the_model_has_the_zeros_asked_for(few, prune) -> None:
    choices = config(**prune)
    done = train_and_compress(choices, few, SILENT)
    hidden, logits = zeros(done)
    sparsity = choices.prune.sparsity
    if choices.prune.scope == "global":
        sizes = np.array([784 * 24, 24 * 10])
        assert float(np.dot([hidden, logits], sizes) / sizes.sum()) == pytest.approx(sparsity, abs=0.01)
    else:
        # Dead neurons take the weights behind them along.
        assert hidden == pytest.approx(sparsity, abs=0.02)
        assert (
            logits == 0 or choices.prune.criterion in ("random", "movement") or choices.prune.granularity == "neurons"
        )
    if choices.prune.granularity == "2:4":
        fours = (done.twin.layers[0].kernel.numpy() != 0).reshape(-1, 4, 24).sum(axis=1)
        assert (fours == 2).all()
    assert [stage.plan.name for stage in done.stages] == ["float", "prune"]
    stage = done.stages[-1]
    assert stage.plan.epochs == len(stage.history["loss"]) == 10
    assert stage.history["sparsity"][-1] == pytest.approx(np.mean([hidden]), abs=0.05)


def test_every_ramp_begins_with_nothing_cut_or_everything_and_ends_with_everything() -> None:
    for ramp in RAMPS.values():
        done = [ramp.cut(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
        assert done == sorted(done) and done[0] in (0.0, 1.0) and done[-1] == 1.0
        assert ramp.meaning


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 2])
def test_however_short_the_training_it_ends_with_all_of_the_cut(few, epochs) -> None:
    done = train_and_compress(config(scope="global", epochs=epochs, end=1.0), few, SILENT)
    assert done.stages[-1].history["sparsity"][-1] == pytest.approx(0.8, abs=0.01)


@pytest.mark.slow
def test_rewound_weights_are_those_of_the_first_epoch_of_the_float_training(few) -> None:
    from edgedigits.stages.float32 import run as run_float
    from edgedigits.training.line import Line

    once = Line(
        make_config(
            parse_sections(
                {
                    "model": {"hidden": [24]},
                    "training": {"epochs": 1, "batch_size": 60, "augment": "none", "schedule": "constant"},
                },
                "x",
            )
        ),
        few,
        SILENT,
    )
    set_seed(42)
    first, _ = run_float(once, None)
    tables = {
        "model": {"hidden": [24]},
        "training": {"epochs": 2, "batch_size": 60, "augment": "none", "schedule": "constant"},
    }
    twice = Line(
        make_config(parse_sections({**tables, "prune": {"enabled": True, "schedule": "iterative"}}, "x")), few, SILENT
    )
    set_seed(42)
    run_float(twice, None)
    for early, weights in zip(twice.early, first.get_weights(), strict=True):
        assert np.array_equal(early, weights)
