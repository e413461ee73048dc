"""Ctrl-C that cannot get lost.

The KeyboardInterrupt that a signal raises vanishes when it happens to hit a callback from a C library, of which
TensorFlow makes many. So the wish is also remembered, and raised again at the next step of the progress.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

_asked = threading.Event()
_HANG_UP = getattr(signal, "SIGHUP", None)
_SIGNALS = [one for one in (signal.SIGINT, signal.SIGTERM, _HANG_UP) if one is not None]


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a hang-up into KeyboardInterrupt, and remember them, for as long as the body runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked.clear()
    # A hang-up that is to be ignored, as nohup has it, stays so; Ctrl-C is heeded in the background too.
    heeded = [number for number in _SIGNALS if number != _HANG_UP or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_interrupt() -> None:
    """Raise KeyboardInterrupt if a signal came since `interruptible` began."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _interrupt(*_: Any) -> NoReturn:
    _asked.set()
    raise KeyboardInterrupt
