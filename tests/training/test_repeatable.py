"""The same choices give the same bytes, whatever cores a training may use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

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
def test_a_build_on_one_core_has_the_bytes_of_one_on_two(tmp_path):
    cores = sorted(os.sched_getaffinity(0))[:2]
    found = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        command = [sys.executable, "-m", "edgedigits", "build", "--data", "mnist-5k", *BIG_BATCHES.split()]
        subprocess.run(
            [*command, "--out", str(folder), "--quiet"],
            check=True,
            timeout=600,
            preexec_fn=lambda count=count: os.sched_setaffinity(0, cores[:count]),
        )
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("model*")})
    assert "model.tflite" in found[0]
    assert found[0] == found[1]
