"""Choices that make a build small enough for a test."""

from __future__ import annotations

from edgedigits.losses.catalogue import LOSSES
from edgedigits.losses.hinge import KINDS

SHORT = {
    "training": {"epochs": 6, "batch_size": 64},
    "prune": {"enabled": False, "epochs": 4, "frequency": 4},
    "levels": {"weight_bits": 8},
    "cluster": {"epochs": 2},
    "qat": {"enabled": False, "epochs": 2},
    "model": {"hidden": [12, 8]},
}
COMPRESSIONS = {
    "post-training": {},
    "qat": {"qat": {"enabled": True}},
    "prune": {"prune": {"enabled": True}},
    "qat+prune": {"qat": {"enabled": True}, "prune": {"enabled": True}},
    "cluster": {"levels": {"weight_bits": 4}},
    "qat+cluster+prune": {"qat": {"enabled": True}, "prune": {"enabled": True}, "levels": {"weight_bits": 4}},
}
ALL_LOSSES = [{"name": name} for name in LOSSES if name != "hinge"]
ALL_LOSSES += [{"name": "hinge", "hinge": kind} for kind in KINDS]


def merged(*tables: dict) -> dict:
    """Merge config tables; later ones win."""
    names = {name for table in tables for name in table}
    return {name: {key: value for table in tables for key, value in table.get(name, {}).items()} for name in names}
