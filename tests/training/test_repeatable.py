"""The same choices give the same bytes, whatever cores a training may use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgedigits.training.keras_env import THREADS, THREADS_ARE_FIXED, tf

BIG_BATCHES = "--hidden 300,100 --batch-size 2000 --epochs 2"
"""Sums over so many images are divided among threads, and round as they are divided."""


def test_tensorflow_keeps_to_a_number_of_threads():
    assert THREADS_ARE_FIXED
    assert tf.config.threading.get_intra_op_parallelism_threads() == THREADS == 2


@pytest.mark.slow
def test_a_process_that_used_tensorflow_before_is_told_that_it_may_not_repeat():
    program = (
        "import os; os.environ['TF_USE_LEGACY_KERAS'] = '1'; import tensorflow as tf; tf.zeros(1);"
        "from edgedigits.training.keras_env import THREADS_ARE_FIXED; print(THREADS_ARE_FIXED)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert answer.stdout.split() == ["False"], answer.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="there is but one core"
)
@pytest.mark.parametrize(
    "commands",
    [
        [f"build {BIG_BATCHES} --out made"],
        ["teacher --epochs 1 --out made", "build --hidden 12 --epochs 2 --distill made --out student"],
    ],
    ids=["build", "teacher and student"],
)
def test_on_one_core_the_bytes_are_those_on_two(tmp_path, commands):
    cores = sorted(os.sched_getaffinity(0))[:2]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    found = []
    for count in (1, 2):
        place = tmp_path / str(count)
        place.mkdir()
        for command in commands:
            subprocess.run(
                [sys.executable, "-m", "edgedigits", *command.split(), "--data", "mnist-5k", "--quiet"],
                check=True,
                timeout=600,
                cwd=place,
                env=environment,
                preexec_fn=lambda count=count: os.sched_setaffinity(0, cores[:count]),
            )
        models = [*place.rglob("model*.tflite"), *place.rglob("*.keras")]
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in models})
    assert "model.tflite" in found[0]
    assert found[0] == found[1]
