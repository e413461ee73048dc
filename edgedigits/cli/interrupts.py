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
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a hang-up into KeyboardInterrupt, and remember them, for as long as the body runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked.clear()
    # A signal that whoever started this wants ignored, as nohup does, stays so.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
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
