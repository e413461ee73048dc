"""The process of one trial: it removes no folder but its own, and one figure that is none costs one answer only."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from edgedigits.cli.study import _show_summary
from edgedigits.errors import EXIT_USAGE, DataError
from edgedigits.study.run import build_trial, child, launch
from edgedigits.study.run.child import ANSWERS, EXIT_NO_DIGITS, TASK_PREFIX
from edgedigits.study.run.runner import Summary

TASK = {"kind": "published", "trials": [], "data": {"source": "x", "label_column": "", "invert": False, "digest": "d"}}


def run_child(folder):
    """Start the process as `launch` does, and close its stdin at once."""
    command = [sys.executable, "-P", "-m", "edgedigits.study.run.child", *folder]
    return subprocess.run(command, input=json.dumps(TASK) + "\n", text=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        pytest.param("pictures", ANSWERS, id="another name"),
        pytest.param(f"{TASK_PREFIX}x", "letter.txt", id="no file for answers"),
    ],
)
def test_a_folder_that_is_not_a_tasks_own_is_refused_and_left_alone(name, holds, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    (folder / holds).touch()
    ended = run_child([str(folder)])
    assert ended.returncode == EXIT_USAGE
    assert "not for use by hand" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (folder / holds).exists()


def test_without_a_folder_it_ends_with_a_sentence():
    ended = run_child([])
    assert ended.returncode == EXIT_USAGE
    assert "Traceback" not in ended.stderr


def test_the_folder_of_a_task_goes_with_who_started_it(tmp_path, monkeypatch):
    folder = tmp_path / f"{TASK_PREFIX}x"
    folder.mkdir()
    (folder / ANSWERS).touch()
    with Path(os.devnull).open() as closed:
        monkeypatch.setattr(sys, "stdin", closed)
        monkeypatch.setattr(os, "_exit", lambda code: None)
        child._end_with_parent(tmp_path)
        assert folder.exists()
        child._end_with_parent(folder)
    assert not folder.exists()


def test_an_answer_with_a_figure_that_is_no_number_becomes_an_error_of_that_trial():
    good = {"key": "a", "result": {"accuracy": 0.5, "name": "x", "none": None}, "seconds": 1.0}
    assert json.loads(child.answer_line(good)) == good
    bad = {"key": "b", "seconds": 2.0, "result": {"loss": float("nan"), "curves": {"dev": [[1, float("inf")]]}, "x": 1}}
    assert json.loads(child.answer_line(bad)) == {
        "key": "b",
        "error": "Its figures are no finite numbers: loss, curves.",
        "seconds": 2.0,
    }


def test_the_seconds_of_trials_add_up_to_those_of_their_process(monkeypatch):
    now = itertools.count(100.0, 2.0)
    monkeypatch.setattr(child.time, "perf_counter", lambda: next(now))
    kind = SimpleNamespace(run=lambda kind, trials, contents: iter([{"key": "a"}, {"key": "b"}]))
    monkeypatch.setattr(child, "kinds", lambda: {"published": kind})
    assert [answer["seconds"] for answer in child.run_task(TASK, None)] == [2.0, 2.0]


class Ending:
    """A process that ends once it is told."""

    def __init__(self):
        self.ended = threading.Event()

    def wait(self, seconds):
        if not self.ended.wait(seconds):
            raise subprocess.TimeoutExpired("child", seconds)

    def poll(self):
        return 0 if self.ended.is_set() else None


def test_an_answer_that_is_written_in_parts_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "POLL_S", 0.02)
    path, process, sent = tmp_path / ANSWERS, Ending(), []
    path.touch()

    def write():
        for part in ('{"key": "a"', ', "x": 1}\n{"key"', ': "b"}\n', '{"torn'):
            with path.open("a") as answers:
                answers.write(part)
            time.sleep(0.1)
        process.ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    answers = launch._wait(process, path, sent.append, lambda: False)
    writer.join()
    assert answers == [{"key": "a", "x": 1}, {"key": "b"}]
    assert sent == answers


def test_digits_that_are_nowhere_are_an_error_in_plain_words(tmp_path, monkeypatch):
    """A label column of what is no CSV, which only the worker's host finds out."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = {"source": "mnist-5k", "label_column": "digit", "invert": False, "digest": "0" * 64}
    answers, code, chatter = launch.run_child({**TASK, "data": data}, (), lambda answer: None, lambda: False)
    assert (answers, code) == ([], EXIT_NO_DIGITS)
    assert "Traceback" not in chatter
    assert "is not a CSV, so it has no label column 'digit'" in chatter


def test_what_cannot_be_fetched_is_told_without_a_traceback(monkeypatch):
    class Worker:
        name = "tcp://somewhere"

        def get_current_task(self):
            return "task"

        def log_event(self, *_):
            pass

    def fetch(need, why):
        raise DataError(f"{why}, and the scheduler does not have them.", hint="Put them back.")

    monkeypatch.setattr("distributed.get_worker", Worker)
    monkeypatch.setattr(launch, "run_child", lambda *_: ([], EXIT_NO_DIGITS, "x is gone"))
    monkeypatch.setattr(launch, "fetch_digits", fetch)
    error, process = launch.run_on_worker({**TASK, "run": "r"}, 1)
    assert error == {"error": "x is gone, and the scheduler does not have them. Put them back."}
    assert process["process"] >= 0


NO_ROOM = (
    "Temporary files cannot be written: No space left on device. "
    "Make room for them, or set TMPDIR to a place that has some."
)


@pytest.mark.parametrize(
    ("code", "chatter", "said"),
    [
        (child.EXIT_NO_ROOM, "", NO_ROOM),
        (1, "Traceback\nOSError: [Errno 28] No space left on device\n", NO_ROOM),
        (1, "", "The process ended with exit code 1."),
        (3, "a\nb\n", "The process ended with exit code 3: b."),
    ],
)
def test_a_full_disk_is_told_as_the_cause_of_a_death(code, chatter, said):
    assert launch._death(code, chatter) == said


def test_a_process_without_room_says_so_by_its_exit_code(tmp_path, monkeypatch):
    folder = tmp_path / f"{TASK_PREFIX}x"
    folder.mkdir()
    (folder / ANSWERS).touch()

    def run_task(task, contents):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(child, "find_digits", lambda need: None)
    monkeypatch.setattr(child, "run_task", run_task)
    monkeypatch.setattr(child, "_end_with_parent", lambda folder: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(TASK) + "\n"))
    assert child.main([str(folder)]) == child.EXIT_NO_ROOM


def test_a_trial_that_is_not_kept_has_no_room_among_temporary_files(monkeypatch):
    def assemble(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setitem(sys.modules, "edgedigits.assemble", SimpleNamespace(assemble=assemble))
    monkeypatch.setattr(build_trial, "divide", lambda *_, **__: None)
    monkeypatch.setattr(build_trial, "findings_on_splits", lambda *_: ())
    with pytest.raises(DataError) as raised:
        build_trial.run_build({"config": {}, "scored": "int8"}, None)
    assert str(raised.value) == NO_ROOM


@pytest.mark.parametrize("done", [0, 1])
def test_a_report_is_the_next_step_only_where_a_trial_is_done(done):
    console = Console(file=io.StringIO())
    _show_summary(console, Summary(total=2, done=done, failed=1), Path("st"))
    assert ("next: edgedigits study report st" in console.file.getvalue()) == bool(done)
