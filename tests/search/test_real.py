"""A real search, small: interrupted by Ctrl-C, killed, and taken up again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest

from edgedigits.errors import DataError
from edgedigits.search.report.write import JSON
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.store import Store

SMALL = [
    "--data",
    "mnist-5k",
    "--max-flash",
    "4K",
    "--max-instructions",
    "20k",
    "--epochs",
    "1",
    "--joint-epochs",
    "2",
    "--trials",
    "2",
    "--jobs",
    "1",
    "--json",
]


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-m", "edgedigits", "search", *SMALL, "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def statuses(folder):
    if not (folder / DATABASE).is_file():
        return []
    try:
        with Store(folder, create=False) as store:
            return [trial.status for trial in store.trials()]
    except DataError:  # It is being made.
        return []


def stop_while_it_trains(folder, number):
    """Start a search, and end it by a signal once a trial runs; return its exit code and its processes that are left."""
    process = start(folder)
    while "running" not in statuses(folder) or len(children := psutil.Process(process.pid).children()) < 1:
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(number)
    code = process.wait(60)
    _, left = psutil.wait_procs(children, timeout=30)
    return code, left


@pytest.mark.slow(seconds=60)
def test_a_search_survives_ctrl_c_and_a_kill_and_ends_with_a_front(tmp_path):
    folder = tmp_path / "s"
    assert stop_while_it_trains(folder, signal.SIGINT) == (130, [])
    assert statuses(folder) == ["waiting"]
    assert stop_while_it_trains(folder, signal.SIGKILL) == (-signal.SIGKILL, [])
    process = start(folder)
    facts = json.loads(process.communicate()[0])
    assert process.returncode == 0
    assert statuses(folder) == ["done", "done"]
    assert json.loads((folder / JSON).read_text())["front"] == facts["front"]
    for one in facts["front"]:
        assert one["flash"] <= 4096
        assert 1000 < one["instructions"] <= 20_000
        assert 0.1 < one["val_accuracy"] <= 1
        assert one["command"].startswith("edgedigits build --data mnist-5k")
