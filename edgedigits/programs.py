"""Other programs that this one runs, and threads that wait for them: none outlives the work that it was started for.

A KeyboardInterrupt reaches the main thread alone, which then would wait for its threads, and they for their programs.
Within `side_by_side`, whatever ends the work early ends all that was started for it, programs of programs included.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from edgedigits.posix import HAS_GROUPS, kill_group

P = ParamSpec("P")
T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 - it is no error, and nobody is told
    """Work that nobody waits for any more."""


class _Work:
    """Programs that were started for one piece of work, and for the pieces within it."""

    def __init__(self, around: _Work | None) -> None:
        self.around, self.ended = around, threading.Event()
        self._lock = threading.Lock()
        self._programs: set[subprocess.Popen[Any]] = set()

    def add(self, program: subprocess.Popen[Any]) -> None:
        with self._lock:
            self._programs.add(program)
        if self.around is not None:
            self.around.add(program)
        if self.ended.is_set():
            end_program(program)

    def remove(self, program: subprocess.Popen[Any]) -> None:
        with self._lock:
            self._programs.discard(program)
        if self.around is not None:
            self.around.remove(program)

    def end(self) -> None:
        self.ended.set()
        with self._lock:
            for program in self._programs:
                end_program(program)


_work: ContextVar[_Work | None] = ContextVar("work", default=None)


class Threads:
    """Threads of one piece of work; made by `side_by_side`."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def start(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in one of the threads, as soon as one is free."""
        context = copy_context()
        return self._pool.submit(lambda: context.run(function, *args, **kwargs))


@contextmanager
def side_by_side(count: int) -> Iterator[Threads]:
    """Yield `count` threads. Where the body ends with an exception, all that it started ends at once."""
    work = _Work(_work.get())
    token = _work.set(work)
    try:
        with ThreadPoolExecutor(count) as pool:
            try:
                yield Threads(pool)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                work.end()
                raise
    finally:
        _work.reset(token)


def check_wanted() -> None:
    """Raise Stopped where the work around was ended: for loops in threads that start no program."""
    work = _work.get()
    while work is not None:
        if work.ended.is_set():
            raise Stopped
        work = work.around


@contextmanager
def owned(program: subprocess.Popen[Any]) -> Iterator[None]:
    """Let the work around end a program, for as long as the body waits for it."""
    work = _work.get()
    if work is not None:
        work.add(program)
    try:
        yield
    except BaseException:
        end_program(program)
        raise
    finally:
        if work is not None:
            work.remove(program)


def run_program(
    command: Sequence[str],
    timeout_s: float,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program without input to its end, whatever it returns.

    Args:
        command: its path and its arguments.
        timeout_s: seconds after which it is ended.
        folder: where it runs; by default here.
        environment: variables beside those of this program.

    Returns:
        Exit code, output and error output; what is no UTF-8 is replaced.

    Raises:
        subprocess.TimeoutExpired: it ran too long.
        OSError: it cannot be started.
    """
    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=folder,
        env=None if environment is None else {**os.environ, **environment},
        start_new_session=HAS_GROUPS,
    )
    with program, owned(program):
        output, errors = program.communicate(timeout=timeout_s)
    return subprocess.CompletedProcess(list(command), program.returncode, output, errors)


def end_program(program: subprocess.Popen[Any]) -> None:
    """Kill a program and, where it has a group of its own, all that it started."""
    if program.poll() is None:
        kill_group(program)
