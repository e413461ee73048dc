"""Ctrl-C that cannot get lost, and that always ends with the same exit code.

The KeyboardInterrupt that a signal raises vanishes when it happens to hit a callback from a C library, of which
TensorFlow makes many. So the wish is also remembered, and raised again at the next step of the progress. Some libraries
written in C also lose an exception that comes while they are loaded, and crash later for the part that they lack, and
Python itself loses one that hits the callbacks of its import locks: until these are done, a signal waits. What hits a
finalizer, or a generator that is thrown away, is lost as well, and sent again. So is what comes when the main thread is
just about to wait, as another thread runs: Python notes it, and heeds it when the waiting is over, which may be never.
And where a library that it hits fails as it tidies up, over a stack of its own say, it is that failure that arrives.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any, NoReturn

from edgedigits.posix import HANG_UP, pipe_of_signals, send_again

_asked = threading.Event()
_SIGNALS = [number for number in (signal.SIGINT, signal.SIGTERM, HANG_UP) if number is not None]
_EXIT_INTERRUPTED = 130
"""As `edgedigits.errors` has it, which this does not wait for."""
_WAIT_S = 0.05
"""Between two looks whether an exception may be raised, and until a signal counts as unheard."""
_unheard: list[int] = []
"""What a pipe of signals is read from: the number of each that comes. Our handler takes it out again."""


class Interrupted(KeyboardInterrupt):
    """A signal came.

    Of a class of its own: where a KeyboardInterrupt itself goes through an exec(), of which every dataclass is made,
    Python kills its own process by SIGINT in the end, whatever the exit code is to be.
    """


def run_to_exit(main: Callable[[], int], interrupted: Callable[[], int]) -> NoReturn:
    """Run a program and end the process with the exit code it returns, whenever signals come.

    Args:
        main: the program.
        interrupted: called where a signal got past it; tells so and returns the exit code.
    """
    codes = [0]
    # The first that is registered is the last to run: others have tidied up by then.
    atexit.register(_exit_if_interrupted, codes)
    sys.unraisablehook = partial(_send_lost_again, before=sys.unraisablehook)
    _watch_for_unheard()
    try:
        try:
            _handle(_interrupt)
            codes[0] = main()
        finally:
            _handle(_exit_now)
    except KeyboardInterrupt:
        _handle(_exit_now)
        codes[0] = interrupted()
    sys.exit(codes[0])


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a hang-up into KeyboardInterrupt, and remember them, for as long as the body runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked.clear()
    before = _handle(_interrupt)
    try:
        yield
    except Exception as error:
        if _asked.is_set():
            raise Interrupted from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_interrupt() -> None:
    """Raise Interrupted if a signal came since `interruptible` began."""
    if _asked.is_set():
        raise Interrupted


def _handle(handler: Callable[..., Any]) -> dict[signal.Signals, Any]:
    """Have signals handled; return what handled them before."""
    # A hang-up that is to be ignored, as nohup has it, stays so; Ctrl-C is heeded in the background too.
    heeded = [number for number in _SIGNALS if number != HANG_UP or signal.getsignal(number) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heeded}


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    for arrived in _unheard:
        _take_out(arrived)
    if not _would_be_lost(frame):
        raise Interrupted
    _send_later(number)


def _send_lost_again(lost: Any, before: Callable[[Any], Any]) -> None:
    """Do not tell an Interrupted that nothing can catch, where others are told, but send the signal again."""
    if isinstance(lost.exc_value, Interrupted):
        _send_later(signal.SIGINT)
    else:
        before(lost)


def _watch_for_unheard() -> None:
    arrived = pipe_of_signals()
    if arrived is not None:
        _unheard.append(arrived)
        threading.Thread(target=_send_unheard_again, args=(arrived,), daemon=True).start()


def _send_unheard_again(arrived: int) -> NoReturn:
    while True:
        select.select([arrived], [], [])
        time.sleep(_WAIT_S)
        for number in set(_take_out(arrived)).intersection(_SIGNALS):
            if signal.getsignal(number) in (_interrupt, _exit_now):
                send_again(number)


def _take_out(arrived: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(arrived, 1024)
    return b""


def _send_later(number: int) -> None:
    again = threading.Timer(_WAIT_S, send_again, (number,))
    again.daemon = True
    again.start()


def _would_be_lost(frame: FrameType | None) -> bool:
    """Tell whether a frame has come of loading a library written in C, or of an import lock that is let go."""
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), ExtensionFileLoader) or _is_lock_callback(frame):
            return True
        frame = frame.f_back
    return False


def _is_lock_callback(frame: FrameType) -> bool:
    return frame.f_code.co_filename == "<frozen importlib._bootstrap>" and frame.f_code.co_name == "cb"


def _exit_now(*_: Any) -> NoReturn:
    os._exit(_EXIT_INTERRUPTED)


def _exit_if_interrupted(codes: list[int]) -> None:
    if codes[0] == _EXIT_INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):
                stream.flush()
        _exit_now()
