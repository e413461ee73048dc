"""What a training leaves in memory when it is done: a notebook or a study may train hundreds in one process."""

from __future__ import annotations

import gc
import weakref

import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT
from edgedigits.training.keras_env import keras, tf

TABLES = {
    "in turn": {"prune": {"enabled": True, "epochs": 2}, "qat": {"enabled": True, "epochs": 1}},
    "cut here": {"prune": {"enabled": True, "epochs": 2, "criterion": "lamp"}, "loss": {"name": "one-hot"}},
    "joint": {"budget": {"constants": 1000}, "joint": {"epochs": 3}},
}


@pytest.mark.slow
@pytest.mark.parametrize("tables", TABLES.values(), ids=TABLES)
def test_no_network_and_no_graph_outlives_its_training(few, tables, monkeypatch):
    networks, graphs = weakref.WeakSet(), weakref.WeakSet()
    for kind, made in ((keras.Sequential, networks), (tf.Graph, graphs)):
        monkeypatch.setattr(kind, "__init__", _noting(kind.__init__, made))
    config = make_config(parse_sections({"training": {"epochs": 2}, "model": {"hidden": [12, 8]}, **tables}, "test"))
    done = train_and_compress(config, few, SILENT)
    assert networks and graphs
    del done
    gc.collect()
    assert not list(networks)
    # Keras has graphs of its own, which it replaces at the next seed.
    assert {getattr(graph, "name", "") for graph in graphs} <= {"", "keras_graph"}


def _noting(start, made):
    def init(self, *args, **kwargs):
        made.add(self)
        start(self, *args, **kwargs)

    return init
