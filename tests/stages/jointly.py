"""Choices of joint training on few digits, and networks that it might leave, without a training."""

from __future__ import annotations

import numpy as np

from edgedigits.config_file import make_config, parse_sections
from edgedigits.training.compressed_dense import compressed
from edgedigits.training.keras_env import set_seed
from edgedigits.training.model import build_mlp

BASE = {
    "model": {"hidden": [24]},
    "training": {"epochs": 2, "batch_size": 60, "augment": "none"},
    "levels": {"weight_bits": 3},
    "prune": {"begin": 0.1, "end": 0.7, "scope": "global"},
    "joint": {"enabled": True, "epochs": 10, "tries": 1},
}


def config(**sections):
    """BASE with other choices; one try, also where a recipe has several."""
    tables = {name: {**BASE.get(name, {}), **sections.get(name, {})} for name in {**BASE, **sections}}
    return make_config(parse_sections(tables, "test"))


def untrained():
    """784-20-12-10 of 3 bits, a third of the weights left, activations in 8 bits; and a plain one of its shape."""
    set_seed(1)
    like = build_mlp(config(model={"hidden": [20, 12]}))
    wrapped = compressed(like, 3, "codebook")
    wrapped.build((None, 784))
    random = np.random.default_rng(2)
    for layer in wrapped.layers:
        layer.layer.bias.assign(random.normal(0, 0.3, layer.layer.units))
        layer.mask.assign(random.random(layer.mask.shape) < 0.3)
        layer.start_levels()
        layer.range.assign(1.5)
        layer.has_range.assign(1.0)
    return wrapped, like
