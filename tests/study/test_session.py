"""Studies run in processes of their own: resumed, shared, interrupted, and with trials that die."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from edgedigits.data.load import read_source
from edgedigits.errors import DataError
from edgedigits.files.scratch import scratch
from edgedigits.progress import SilentProgress
from edgedigits.reproduction.plan import plan_table
from edgedigits.study.kinds import Plan
from edgedigits.study.plan.grid import read_grid
from edgedigits.study.run import keys
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.session import Options, estimate_seconds, read_sources, run_plan
from edgedigits.study.run.store import Store, owner_name
from edgedigits.study.trial_kind import plan_builds
from tests.study.plans import small_plan

TWO = Options(jobs=2)


class Heard(SilentProgress):
    """Remembers what was said, and who listened then."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.open: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)
        self.open += open_addresses()


def open_addresses():
    """Return the addresses that this process and those it started wait at, of any kind."""
    me = psutil.Process()
    found = []
    for process in (me, *me.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # It has just ended.
            for connection in process.net_connections("inet"):
                if not connection.raddr and connection.laddr:
                    found.append(connection.laddr.ip)
    return found


def trials(folder):
    with Store(folder, create=False) as store:
        return store.trials()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder, heard = tmp_path_factory.mktemp("study") / "small", Heard()
    return folder, run_plan(small_plan(3), folder, TWO, heard), heard


def test_whatever_a_study_of_this_machine_opens_is_open_to_this_machine_only(finished):
    """The dashboard and two workers' pages; all else is in one process."""
    _, _, heard = finished
    assert len(heard.open) >= 3
    assert set(heard.open) == {"127.0.0.1"}


def test_every_trial_runs_and_its_figures_are_stored(finished):
    folder, summary, _ = finished
    assert (summary.total, summary.done, summary.ran, summary.failed) == (3, 3, 3, 0)
    for trial in trials(folder):
        assert 0 <= trial.result["dev_accuracy"] <= 1
        assert np.sum(trial.result["dev_confusion"]) == 60
        assert [pair[0] for pair in trial.result["curves"]["dev"]] == [1, 2, 3, 4, 5]
    assert "best" in repr(summary)


def test_finished_trials_never_run_twice(finished):
    folder, *_ = finished
    before = trials(folder)
    again = run_plan(small_plan(4), folder, TWO)
    assert (again.total, again.done, again.ran) == (4, 4, 1)
    assert trials(folder)[:3] == before


def test_only_what_a_run_would_pass_over_counts_as_done(finished):
    """Trials of the same labels, but of another length or on other digits, are other trials."""
    folder, *_ = finished
    assert estimate_seconds(weighed(small_plan(3)), folder, 1)[0] == 0.0
    assert estimate_seconds(weighed(small_plan(4)), folder, 1)[1].startswith("estimated: from finished trials")
    for other in (small_plan(3, iterations=6), small_plan(3, source="mnist")):
        assert estimate_seconds(weighed(other), folder, 1)[0] == 30.0


def weighed(plan):
    return replace(plan, entries=tuple(replace(entry, estimate=10.0) for entry in plan.entries))


def test_the_folder_knows_the_trials_of_the_latest_plan(finished, tmp_path):
    folder, *_ = finished
    shutil.copy(folder / DATABASE, tmp_path)
    run_plan(small_plan(2), tmp_path, TWO)
    with Store(tmp_path, create=False) as store:
        assert [trial.spec["label"] for trial in store.planned_trials()] == ["small 0", "small 1"]
        assert len(store.trials()) >= 3


def test_failed_trials_of_another_plan_are_not_tried_again(finished, tmp_path):
    folder, *_ = finished
    shutil.copy(folder / DATABASE, tmp_path)
    with Store(tmp_path, create=False) as store:
        store.add([("other", "published", {"label": "other"})])
        for _ in range(2):
            store.claim(owner_name(), ["other"])
            store.fail(owner_name(), "other", "boom", 1.0)
    run_plan(small_plan(2), tmp_path, replace(TWO, retry_failed=True))
    with Store(tmp_path, create=False) as store:
        assert store.trials_of(["other"])[0].status == "failed"


def test_a_study_of_other_code_or_another_plan_is_refused(finished, monkeypatch):
    folder, *_ = finished
    with pytest.raises(DataError, match="is of the study small, and this is other"):
        run_plan(replace(small_plan(1), name="other"), folder, TWO)
    monkeypatch.setattr("edgedigits.study.run.session.code_version", lambda: "0.0.1+00000000")
    with pytest.raises(DataError, match=r"made by edgedigits .* and this is 0\.0\.1"):
        run_plan(small_plan(1), folder, TWO)


@pytest.mark.slow
def test_a_trial_that_dies_is_tried_twice_recorded_and_stops_nobody(tmp_path):
    """A rate that is no number ends the process with a traceback."""
    bad = small_plan(1, rate="much").entries
    summary = run_plan(Plan("small", bad + small_plan(2).entries), tmp_path / "s", TWO, heard := Heard())
    assert (summary.done, summary.failed) == (2, 1)
    failed = trials(tmp_path / "s")[0]
    assert (failed.status, failed.attempts) == ("failed", 2)
    assert "exit code 1" in failed.error
    assert any("tried once more" in line for line in heard.lines)
    assert list(summary.errors.values()) == [failed.error]
    again = run_plan(Plan("small", bad + small_plan(2).entries), tmp_path / "s", replace(TWO, retry_failed=True))
    assert (again.failed, again.ran) == (1, 0)


def test_another_data_set_of_the_same_name_is_refused(tmp_path):
    pool = read_source("mnist-5k").train
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=pool.images[:600], y_train=pool.labels[:600])
    run_plan(small_plan(1, source=str(path)), tmp_path / "s", TWO)
    np.savez(path, x_train=pool.images[600:1200], y_train=pool.labels[600:1200])
    with pytest.raises(DataError, match="holds other digits than when"):
        run_plan(small_plan(1, source=str(path)), tmp_path / "s", TWO)


def test_the_key_depends_on_choices_data_and_code(monkeypatch):
    one = keys.trial_key({"a": 1}, "d")
    assert one == keys.trial_key({"a": 1}, "d")
    assert len({one, keys.trial_key({"a": 2}, "d"), keys.trial_key({"a": 1}, "e")}) == 3
    monkeypatch.setattr(keys, "code_version", lambda: "other")
    assert keys.trial_key({"a": 1}, "d") != one


@pytest.mark.slow
def test_no_scheduler_at_that_address_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("edgedigits.study.run.cluster.CONNECT_S", 2)
    with pytest.raises(DataError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9"):
        run_plan(small_plan(1), tmp_path / "s", Options(scheduler="tcp://127.0.0.1:9"))
    assert not (tmp_path / "s").exists()


LONG = """
import sys
from pathlib import Path
from edgedigits.cli.interrupts import interruptible
from edgedigits.study.run.session import Options, run_plan
from tests.study.plans import small_plan
with interruptible():
    try:
        run_plan(small_plan(4, iterations=200_000), Path(sys.argv[1]), Options(**eval(sys.argv[2])))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def start_long(folder, count=2, parent=None, **options):
    """Start a run whose trials take minutes; return it once `count` of them are training, under `parent` or under it.

    Its temporary files are in `folder`/tmp.
    """
    (folder / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, str(folder), repr(options or {"jobs": count})],
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if len(children := training(parent or process)) == count:
            return process, children
        time.sleep(0.2)
    process.kill()
    raise AssertionError("no trials came to run")


def left_behind(folder):
    """Return what is in the temporary folder, but for what is kept there for later runs."""
    return [path.name for path in (folder / "tmp").iterdir() if not path.name.startswith("edgedigits-zig-")]


def training(process):
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "edgedigits.study.run.child" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_kill_9_loses_the_running_trials_only_and_leaves_no_process_and_no_folder(tmp_path, monkeypatch):
    process, children = start_long(tmp_path)
    places = [Path(child.cmdline()[-1]) for child in children]
    assert all(place.is_dir() for place in places)
    everything = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(everything, timeout=20)
    assert not alive
    assert [place for place in places if place.exists()] == []
    # What Dask had there, the next to make a temporary folder sweeps up.
    assert {name.rpartition("-")[0] for name in left_behind(tmp_path)} == {"edgedigits-dask", "edgedigits-task"}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with scratch("later"):
        pass
    assert left_behind(tmp_path) == []
    with Store(tmp_path, create=False) as store:
        names = [trial.key for trial in store.trials()]
        assert store.counts() == {"waiting": 2, "running": 2, "done": 0, "failed": 0}
        assert store.waiting(names) == names


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_ctrl_c_ends_cleanly_and_gives_trials_back(number, tmp_path):
    """A terminal sends it to every process of the study; none answers with a traceback."""
    process, _ = start_long(tmp_path)
    everything = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert said == ""
    assert left_behind(tmp_path) == []
    _, alive = psutil.wait_procs(everything, timeout=20)
    assert not alive
    with Store(tmp_path, create=False) as store:
        assert store.counts() == {"waiting": 4, "running": 0, "done": 0, "failed": 0}
        assert {trial.attempts for trial in store.trials()} == {0}


def interrupted_after_a_failure(process, folder):
    """Wait until a trial has failed, end the run, and return that trial."""
    deadline = time.monotonic() + 60
    failed = []
    while not failed and time.monotonic() < deadline:
        with Store(folder, create=False) as store:
            failed = [trial for trial in store.trials() if trial.error]
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    return failed[0]


@pytest.mark.slow
def test_a_trial_that_is_killed_from_outside_is_recorded_and_tried_again(tmp_path):
    process, children = start_long(tmp_path)
    children[0].send_signal(signal.SIGKILL)
    failed = interrupted_after_a_failure(process, tmp_path)
    assert "runs out of memory" in failed.error
    assert failed.status in ("waiting", "running")


GRID = """
[base]
data = { source = "mnist-5k" }
model = { hidden = [300, 100] }
training = { epochs = 1, batch_size = 2000 }
[axes]
seed = [1, 2]
"""
"""Sums over so many images round as the threads divide them."""
MEASURED = ("train_seconds", "latency_us")


@pytest.mark.slow
def test_figures_do_not_depend_on_how_many_trials_run_at_a_time(tmp_path):
    """One after the other with every core, and side by side with one each."""
    (tmp_path / "grid.toml").write_text(GRID)
    table = plan_table(source="mnist-5k", rows=3000, scale=0.02, settings="0.5/500,0.1/500", columns="edgedigits")
    for plan in (plan_builds("grid", read_grid(tmp_path / "grid.toml")), replace(table, entries=table.entries[::9])):
        found = []
        for jobs in (1, 2):
            folder = tmp_path / f"{plan.name} {jobs}"
            assert run_plan(plan, folder, Options(jobs=jobs)).done == len(plan.entries)
            results = {trial.key: trial.result for trial in trials(folder)}
            for result in results.values():
                for name in MEASURED:
                    result.pop(name, None)
            found.append(results)
        assert found[0] == found[1]


@pytest.mark.slow
def test_two_runs_on_one_folder_share_the_work(tmp_path):
    code = (
        "import sys; from pathlib import Path; from edgedigits.study.run.session import Options, run_plan\n"
        "from tests.study.plans import small_plan\n"
        "print(run_plan(small_plan(6, iterations=300), Path(sys.argv[1]), Options(jobs=1)).ran)"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    counts = [int(run.communicate(timeout=120)[0]) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum(counts) == 6
    assert {(trial.status, trial.attempts) for trial in trials(tmp_path)} == {("done", 1)}


@pytest.fixture
def remote(tmp_path):
    """A scheduler and a worker as a user starts them, the worker without the digits."""
    environment = {**os.environ, "EDGEDIGITS_DATA": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    file = tmp_path / "scheduler.json"
    scheduler = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "distributed.cli.dask_scheduler",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(file),
        ],
        stderr=subprocess.DEVNULL,
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard",
         "--local-directory", str(tmp_path)],
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environment,
    )  # fmt: skip
    from distributed import Client

    client = Client(scheduler_file=str(file), timeout=60)
    client.wait_for_workers(1, timeout=60)
    yield client.scheduler.address, tmp_path, worker
    client.close()
    for process in (worker, scheduler):
        process.terminate()
        process.wait(20)


@pytest.mark.slow
def test_a_cluster_gets_its_digits_by_digest_from_the_scheduler(remote):
    address, folder, _ = remote
    pool = read_source("mnist-5k").train
    path = folder / "digits.npz"
    np.savez(path, x_train=pool.images[:600], y_train=pool.labels[:600])
    plan = small_plan(2, source=str(path))

    class Hidden(Heard):
        """Takes the file away once the study has read it: the worker's host never had it."""

        def say(self, message):
            path.unlink(missing_ok=True)

    summary = run_plan(plan, folder / "s", Options(scheduler=address), Hidden())
    assert (summary.done, summary.failed) == (2, 0)
    cached = list((folder / "cache" / "edgedigits" / "study").iterdir())
    assert [file.suffix for file in cached] == [".npz"]


@pytest.mark.slow
def test_a_worker_of_a_cluster_that_is_killed_is_recorded_and_its_trial_tried_again(remote):
    """Here, workers live in the study's own process."""
    address, folder, worker = remote
    process, (child,) = start_long(folder, 1, worker, scheduler=address)
    child.parent().send_signal(signal.SIGKILL)
    failed = interrupted_after_a_failure(process, folder)
    assert failed.error == "The worker that ran it died."
    assert failed.status in ("waiting", "running")
    _, alive = psutil.wait_procs([child], timeout=20)
    assert not alive


def test_what_is_unusual_about_a_source_is_said_once_a_study(tmp_path):
    pool = read_source("mnist-5k").train
    path = tmp_path / "dark.npz"
    np.savez(path, x_train=255 - pool.images[::10], y_train=pool.labels[::10])
    heard = Heard()
    with Store(tmp_path, create=True) as store:
        read_sources(small_plan(3, source=str(path)).entries, store, tmp_path, heard)
    seen = "data: The digits are black on white, models expect white on black: read them with --invert."
    assert heard.lines == [seen]
