"""What goes beyond a budget is cut while that can heal; the training ends with the last network that fitted."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.model.packing import packed_bytes
from edgedigits.progress import SILENT
from edgedigits.stages.chain import Least
from edgedigits.stages.conductor import Conductor, Marks
from edgedigits.stages.goals import Bytes
from edgedigits.stages.masks import rank
from edgedigits.stages.pruner import Pruner
from edgedigits.training.compressed_dense import bias_codes, compressed
from edgedigits.training.line import Line
from edgedigits.training.model import build_mlp

EPOCHS = 10
MARKS = Marks(0.0, 0.3, lambda progress: progress, trim=0.6)
"""Cut up to epoch 2 (from 0), trimmed up to epoch 5."""


class Recorder(Pruner):
    """A pruner whose network fits behind the epochs that are told, and which says when it was asked to trim."""

    def __init__(self, fitting) -> None:
        self.fitting, self.asked, self.trimmed, self.epoch = fitting, [], [], 0

    def shrink(self, moments, cut) -> None:
        pass

    def fits(self, moments) -> bool:
        self.asked.append(self.epoch)
        return self.epoch in self.fitting

    def trim(self, moments) -> None:
        self.trimmed.append(self.epoch)


def conduct(few, fitting):
    """Return the pruner and the figures of the last epoch, and the bias and mask that it ends with."""
    config = make_config(parse_sections({"model": {"hidden": [4]}}, "test"))
    model = compressed(build_mlp(config), 8, "codebook")
    model.build((None, 784))
    pruner = Recorder(fitting)
    conductor = Conductor(model, Line(config, few, SILENT), pruner, EPOCHS, MARKS)
    first = model.layers[0]
    for epoch in range(EPOCHS):
        pruner.epoch = epoch
        first.layer.bias.assign([float(epoch)] * 4)
        first.mask.assign(np.full(first.mask.shape, epoch, np.float32))
        figures = {"val_accuracy": epoch / 10}
        conductor.after(epoch, figures)
    return pruner, figures, (float(first.layer.bias.numpy()[0]), float(first.mask.numpy()[0, 0]))


@pytest.mark.parametrize(
    ("fitting", "ends_with", "at_the_end"),
    [
        ({6, 7, 8, 9}, 9, []),
        ({6, 8}, 8, []),  # cut behind epoch 9, it could not heal
        ({6}, 6, []),
        (set(), 9, [9]),
    ],
)
def test_a_training_ends_with_the_last_network_that_fitted(few, fitting, ends_with, at_the_end) -> None:
    pruner, figures, (bias, mask) = conduct(few, fitting)
    assert pruner.trimmed == [2, 3, 4, 5, *at_the_end]
    assert pruner.asked == [6, 7, 8, 9]
    assert (bias, mask) == (ends_with, ends_with)
    assert figures == {"val_accuracy": ends_with / 10}


def test_a_byte_too_many_costs_a_weight_or_two(few) -> None:
    config = make_config(parse_sections({"model": {"hidden": [24]}, "levels": {"weight_bits": 3}}, "test"))
    model = compressed(build_mlp(config), 3, "codebook")
    model.build((None, 784))
    random = np.random.default_rng(1)
    masks = [random.random(layer.mask.shape) < share for layer, share in zip(model.layers, (0.02, 0.5), strict=True)]
    for layer, mask in zip(model.layers, masks, strict=True):
        layer.mask.assign(mask)
        layer.start_levels()
    ranking = rank([random.random(mask.shape) for mask in masks], masks, normalise=False)
    goal = Bytes(0, model, "weights", Least(10, 10))
    codes = [(layer.codes()[0] * mask).T for layer, mask in zip(model.layers, masks, strict=True)]
    nbytes = packed_bytes(codes, [biases for biases, _ in bias_codes(model)])
    goal.limit = nbytes
    assert goal.is_met(ranking)
    goal.limit = nbytes - 1
    assert not goal.is_met(ranking)
    assert len(ranking) - 2 <= goal.fewer(ranking).sum() < len(ranking)
