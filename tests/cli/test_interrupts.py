"""A signal that a library swallows is raised again at the next step."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from importlib.machinery import ExtensionFileLoader
from pathlib import Path

import pytest

from edgedigits.cli.interrupts import check_interrupt, interruptible
from edgedigits.cli.terminal import TerminalProgress
from tests.cases import THOROUGH


@pytest.fixture(autouse=True)
def hang_ups_count():
    """Take back what nohup does, under which tests may run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_swallowed_interrupt_comes_back_at_the_next_step(number):
    with interruptible(), TerminalProgress().stage("Work", 2) as stage:
        stage.advance()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            stage.advance()
        with pytest.raises(KeyboardInterrupt):
            TerminalProgress().stage("More work")


def test_a_failure_that_an_interrupt_caused_in_a_library_is_told_as_the_interrupt():
    with pytest.raises(KeyboardInterrupt), interruptible():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            raise AssertionError("nesting violated")
    with pytest.raises(AssertionError), interruptible():
        raise AssertionError("one's own")


def test_a_signal_that_is_to_be_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
            check_interrupt()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def raise_in_loader():
    class Loader(ExtensionFileLoader):
        def load(self):
            signal.raise_signal(signal.SIGINT)

    Loader("name", "path").load()


def raise_in_lock():
    sent = []

    def watch(frame, event, _):
        if event == "call" and frame.f_code.co_name == "cb" and not sent:
            sent.append(frame)
            signal.raise_signal(signal.SIGINT)

    sys.setprofile(watch)
    try:
        importlib._bootstrap._get_module_lock("edgedigits_of_no_name")
        assert sent
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("raised", [raise_in_loader, raise_in_lock])
def test_a_signal_waits_where_python_or_a_library_would_lose_it(raised, capsys):
    """msgspec's module without one of its imports kills the process; a lock's callback swallows everything."""
    with interruptible():
        raised()
        with pytest.raises(KeyboardInterrupt):
            time.sleep(5)
    assert capsys.readouterr().err == ""


def test_afterwards_everything_is_as_before():
    handler = signal.getsignal(signal.SIGINT)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) is not handler
    assert signal.getsignal(signal.SIGINT) is handler
    with interruptible():
        check_interrupt()


ROOT = Path(__file__).parents[2]
MOMENTS = 60 if THOROUGH else 20
TOLD = "edgedigits: interrupted; nothing half-made was left behind.\n"


def python(*words: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=timeout_s, env=environment)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs Linux")
@pytest.mark.parametrize("where", ["any", "exec"])
@pytest.mark.parametrize(
    ("number", "count"),
    [
        (signal.SIGINT, 3),
        *(pytest.param(one, MOMENTS, marks=pytest.mark.slow) for one in (signal.SIGINT, signal.SIGTERM)),
    ],
)
def test_a_signal_ends_with_130_wherever_it_hits(number, count, where):
    done = python(str(Path(__file__).with_name("signal_points.py")), str(int(number)), where, str(count), "boards")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == count, done.stderr
    assert {(one["code"], one["said"]) for one in found} == {(130, TOLD)}


LOST = """
import signal, time
from edgedigits.cli.interrupts import run_to_exit
def closing():
    try: yield
    finally: signal.raise_signal(signal.SIGINT)
def main():
    thrown_away = closing()
    next(thrown_away)
    del thrown_away
    time.sleep(20)
    return 0
run_to_exit(main, lambda: 130)
"""


def test_a_signal_that_hits_a_generator_which_is_thrown_away_is_not_lost():
    done = python("-c", LOST)
    assert (done.returncode, done.stderr) == (130, "")


UNHEARD = """
import atexit, signal, threading, time
from edgedigits.cli.interrupts import run_to_exit
def hear():
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), signal.{name})
def wait():
    # What another thread hears, Python handles in the main thread, once that one wakes up.
    threading.Thread(target=hear, daemon=True).start()
    never = threading.Lock()
    never.acquire()
    {wait}
    return 0
run_to_exit({main}, lambda: 130)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX")
@pytest.mark.parametrize("wait", ["never.acquire()", "time.sleep(60)"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("main", ["wait", "lambda: atexit.register(wait) and 0"])
def test_a_signal_that_comes_as_the_main_thread_begins_to_wait_is_not_lost(wait, name, main):
    done = python("-c", UNHEARD.format(wait=wait, name=name, main=main), timeout_s=40)
    assert (done.returncode, done.stderr) == (130, "")


OTHERS = """
import os, signal, time
from edgedigits.cli.interrupts import run_to_exit
def main():
    signal.signal(signal.SIGUSR1, lambda *_: None)
    for _ in range(3):
        signal.raise_signal(signal.SIGUSR1)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.raise_signal(signal.SIGINT)
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.5)
    return 7
run_to_exit(main, lambda: 130)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
def test_other_signals_and_those_of_a_child_are_left_alone():
    done = python("-c", OTHERS)
    assert (done.returncode, done.stderr) == (7, "")


ENDING = """
import atexit, signal, sys
from edgedigits.cli.interrupts import interruptible, run_to_exit
def main():
    atexit.register(print, "tidied up")
    {body}
run_to_exit(main, lambda: 130)
"""


@pytest.mark.parametrize(
    "body",
    [
        """exec("raise KeyboardInterrupt")""",
        """exec("signal.raise_signal(signal.SIGINT)")""",
        """
    try: exec("raise KeyboardInterrupt")
    except KeyboardInterrupt: return 130""",
        """
    try: signal.raise_signal(signal.SIGTERM)
    finally: signal.raise_signal(signal.SIGINT)""",
        """
    with interruptible(): signal.raise_signal(signal.SIGHUP)""",
    ],
)
def test_neither_an_exec_nor_a_second_signal_changes_the_exit_code(body):
    """Python alone would end by SIGINT after the first."""
    done = python("-c", ENDING.format(body=body))
    assert (done.returncode, done.stdout, done.stderr) == (130, "tidied up\n", "")


def test_a_signal_that_comes_while_the_program_ends_ends_it_at_once():
    code = "atexit.register(signal.raise_signal, signal.SIGINT); return 0"
    done = python("-c", ENDING.format(body=code))
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("code", [0, 1, 5])
def test_other_exit_codes_pass(code):
    done = python("-c", ENDING.format(body=f"return {code}"))
    assert (done.returncode, done.stdout) == (code, "tidied up\n")
