"""Programs and threads end with the work that they were started for, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edgedigits.programs import Stopped, check_wanted, owned, run_program, side_by_side

# Starts a program of its own, tells both numbers, and waits.
PARENT = "import os, subprocess, sys, time; p = subprocess.Popen(['sleep', '60']); open(sys.argv[1], 'w').write(f'{os.getpid()} {p.pid}'); time.sleep(60)"


def runs(number: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def numbers_in(file: Path) -> list[int]:
    """Wait until PARENT has told its numbers."""
    end = time.monotonic() + 20
    while not file.is_file() or len(file.read_text().split()) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    return [int(number) for number in file.read_text().split()]


def wait_until_gone(numbers: list[int]) -> None:
    end = time.monotonic() + 5
    while any(map(runs, numbers)):
        assert time.monotonic() < end, "a program outlived its work"
        time.sleep(0.01)


def test_a_program_runs_to_its_end() -> None:
    code = "import os, sys; print(os.environ['WORD'], os.getcwd()); sys.stderr.buffer.write(b'\\xff'); sys.exit(3)"

    done = run_program([sys.executable, "-c", code], 20, folder=Path("/"), environment={"WORD": "here"})

    assert (done.returncode, done.stdout, done.stderr) == (3, "here /\n", "\ufffd")


def test_a_program_that_runs_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_program([sys.executable, "-c", PARENT, str(tmp_path / "n")], 2)

    wait_until_gone(numbers_in(tmp_path / "n"))


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["/no/such/program"], 1)


def test_threads_give_back_what_their_functions_return() -> None:
    with side_by_side(3) as threads:
        jobs = [threads.start(pow, 2, exponent) for exponent in range(5)]

    assert [job.result() for job in jobs] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_ends_the_work_ends_programs_in_all_its_threads(tmp_path: Path, error: type[BaseException]) -> None:
    """Those of threads within threads too; nobody waits for the sixty seconds that they would take."""
    start = time.monotonic()

    def inner(name: str) -> None:
        with side_by_side(1) as threads:
            threads.start(run_program, [sys.executable, "-c", PARENT, str(tmp_path / name)], 60).result()

    with pytest.raises(error), side_by_side(2) as threads:
        threads.start(run_program, [sys.executable, "-c", PARENT, str(tmp_path / "a")], 60)
        threads.start(inner, "b")
        threads.start(inner, "never begun")
        found = numbers_in(tmp_path / "a") + numbers_in(tmp_path / "b")
        raise error

    wait_until_gone(found)
    assert time.monotonic() - start < 25 and not (tmp_path / "never begun").exists()


def test_what_a_thread_starts_after_its_work_was_ended_ends_at_once() -> None:
    start, ended = time.monotonic(), threading.Event()

    def late() -> int:
        ended.wait(20)
        return run_program(["sleep", "60"], 60).returncode

    threading.Timer(0.3, ended.set).start()
    with pytest.raises(ValueError), side_by_side(1) as threads:
        job = threads.start(late)
        time.sleep(0.05)  # It runs, so that it is not taken from the queue.
        raise ValueError

    assert job.result() != 0 and time.monotonic() - start < 20


def test_programs_of_other_work_go_on(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        with owned(other), pytest.raises(ValueError), side_by_side(1) as threads:
            threads.start(time.sleep, 0.01)
            raise ValueError
        assert other.poll() is None
        other.kill()


def test_a_loop_in_a_thread_ends_when_nobody_wants_it() -> None:
    check_wanted()

    def loop() -> None:
        while True:
            check_wanted()
            time.sleep(0.001)

    with pytest.raises(ValueError), side_by_side(1) as threads:
        job = threads.start(loop)
        raise ValueError
    assert isinstance(job.exception(), Stopped)
    check_wanted()


def test_an_owner_that_is_interrupted_ends_what_it_owns() -> None:
    program = subprocess.Popen(["sleep", "60"], start_new_session=True)

    with pytest.raises(KeyboardInterrupt), owned(program):
        raise KeyboardInterrupt

    assert program.wait(5) != 0 and not runs(program.pid) and os.getpgid(0) != program.pid
