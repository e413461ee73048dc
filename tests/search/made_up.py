"""Searches that take seconds: the study's workers stand in the same process, and make figures up from the choices."""

from __future__ import annotations

import math
from contextlib import contextmanager

from edgedigits.devices.gates import Limits
from edgedigits.progress import SILENT
from edgedigits.search import run
from edgedigits.search.run import SearchChoices, search
from edgedigits.search.space import CODE_BYTES
from edgedigits.study.run.cluster import Cluster
from tests.study.stand_ins import Client

LIMITS = Limits(flash=8192, instructions=60_000)
CHOICES = SearchChoices(LIMITS, "cortex-m4", {"data": {"source": "mnist-5k"}, "training": {"seed": 1}}, trials=8)


def figures(config):
    """Return what a build of that config comes to: better the more it may cost, and with three bits of a weight."""
    constants, instructions = config["budget"]["constants"], config["budget"]["instructions"]
    wide, bits = sum(config["model"]["hidden"]), config["levels"]["weight_bits"]
    accuracy = 1.0 - 4.0 / math.sqrt(constants) - 1.0 / wide - 10.0 / math.sqrt(instructions) - 0.002 * abs(bits - 3)
    return {
        "val_accuracy": accuracy,
        "accuracy": accuracy - 0.001,
        "flash": constants + CODE_BYTES - 50,
        "instructions": 0.99 * instructions,
        "curves": {"joint_val_accuracy": [[1, accuracy / 2], [1000, accuracy]]},
    }


def answered(trials):
    """Answer trials with made-up figures."""
    return [{"key": one["key"], "seconds": 1.0, "result": figures(one["spec"]["config"])} for one in trials]


def on(monkeypatch, work, after=0.0, slots=1):
    """Have searches run on a stand-in that calls `work`; return it."""
    client = Client(work, after)

    @contextmanager
    def opened(*_):
        yield Cluster(client, slots, 1, "a stand-in")

    monkeypatch.setattr(run, "open_cluster", opened)
    return client


def searched(folder, choices=CHOICES):
    """Search; return number, status and values of every trial."""
    _, trials = search(choices, folder, SILENT)
    return [(trial.number, trial.status, trial.spec["values"]) for trial in trials]
