"""What only POSIX systems have, each with what is done without it, as on Windows.

No other file of the package names such a thing; `tests/test_posix.py` hides them all and does the same work. Little is
imported from here on: signals are handled no sooner than this is.
"""

from __future__ import annotations

import _thread
import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
HANG_UP: signal.Signals | None = getattr(signal, "SIGHUP", None)
KILLED: int | None = -signal.SIGKILL if hasattr(signal, "SIGKILL") else None
"""Exit code of a process that the system killed, or whoever else did; elsewhere it is like any other."""

_fork = getattr(os, "fork", None)
_getuid = getattr(os, "getuid", None)
_killpg = getattr(os, "killpg", None)
_mask = getattr(signal, "pthread_sigmask", None)
_kill_thread = getattr(signal, "pthread_kill", None)
_affinity = getattr(os, "sched_getaffinity", None)
_MOUNTS, _PROCESSORS = "/proc/self/mountinfo", "/proc/cpuinfo"

HAS_GROUPS = _killpg is not None
"""A program that starts a session of its own can be ended with all that it starts, by `kill_group`."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # Linux, linux/fs.h
_RENAME_SWAP = 2  # macOS, sys/stdio.h
# What the system, or a file system such as NFS, says where it cannot.
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def lock(handle: int, *, wait: bool) -> bool | None:
    """Hold the lock on an open file, which ends with the process.

    Returns:
        Whether it is held, if `wait` is not set: another may hold it. None without locks, also of a file system.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def open_plain(path: Path) -> int:
    """Open a file to read and write, and neither follow a link nor wait at a pipe; raises OSError."""
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))
    return os.open(path, os.O_RDWR | sum(flags))


def close_and_remove(handle: int, path: Path) -> None:
    """Remove an open file, while its lock is held where there are locks; elsewhere what is open cannot be removed."""
    if not HAS_LOCKS:
        os.close(handle)
    try:
        path.unlink(missing_ok=True)
    finally:
        if HAS_LOCKS:
            os.close(handle)


def user_name() -> str:
    """Return the user's number, for names of files in a place that users share; elsewhere each has one."""
    return "user" if _getuid is None else str(_getuid())


def is_own(status: os.stat_result) -> bool:
    """Tell whether a file is this user's own; all are where they do not say whose."""
    return _getuid is None or status.st_uid == _getuid()


def swap(one: Path, other: Path) -> bool:
    """Give each of two folders the name of the other, in one step; False where that cannot be done.

    Raises:
        OSError: the system refuses; nothing was changed.
    """
    library, names = _library(), (os.fsencode(one), os.fsencode(other))
    if hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(*names, _RENAME_SWAP)
    else:
        return False
    if not failed:
        return True
    import ctypes

    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))


@cache
def _library() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True) if _fork is not None else None


def mounted() -> set[str]:
    """Return where disks and folders are mounted, as far as Linux tells."""
    import re
    from pathlib import Path

    with suppress(OSError):
        lines = Path(_MOUNTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        return {re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4]) for line in lines}
    return set()


def processor_flags() -> set[str]:
    """Return what the processor can, as Linux names it ("avx"); nothing where that is not told."""
    from pathlib import Path

    with suppress(OSError):
        lines = Path(_PROCESSORS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        return {flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split()}
    return set()


def usable_cores() -> tuple[int, ...]:
    """Return the numbers of the cores that this process may use: of all, where the system does not tell."""
    return tuple(range(os.cpu_count() or 1)) if _affinity is None else tuple(sorted(_affinity(0)))


def pinned(cores: tuple[int, ...]) -> Callable[[], None] | None:
    """Return a `preexec_fn` that keeps a process to these cores; None for none, or where that cannot be done."""
    return (lambda: os.sched_setaffinity(0, cores)) if cores and _affinity is not None else None


def kill_group(program: subprocess.Popen[Any]) -> None:
    """Kill what a program of a group of its own has started, and the program; elsewhere the program alone."""
    with suppress(OSError):
        if _killpg is not None and os.getpgid(program.pid) == program.pid:
            _killpg(program.pid, signal.SIGKILL)
    program.kill()


def pipe_of_signals() -> int | None:
    """Return the end of a pipe to read from, without waiting, into which Python writes the number of each signal.

    None where no waiting thread could be woken. Children that are forked write nothing.
    """
    if _kill_thread is None:
        return None
    arrived, noted = os.pipe()
    for end in (arrived, noted):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(noted, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    return arrived


def send_again(number: int) -> None:
    """Have the main thread handle a signal once more; where the system can, also if it waits for something."""
    import threading

    if _kill_thread is None:
        _thread.interrupt_main(signal.Signals(number))
    else:
        _kill_thread(threading.main_thread().ident, number)


def signal_of(code: int) -> str:
    """Return the signal that ended a process, by its negative exit code."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def survives(function: Callable[..., object], *arguments: Any, timeout_s: int) -> bool:
    """Tell whether a function comes to its end, in a process of its own, which it may crash.

    Args:
        function: of a module; what it returns is not looked at.
        arguments: to call it with.
        timeout_s: seconds after which it counts as hung.
    """
    if _fork is None:
        import multiprocessing

        process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
        process.start()
        process.join(timeout_s)
        process.kill()
        process.join()
        return process.exitcode == 0
    trial = _fork()
    if trial == 0:
        signal.alarm(timeout_s)
        try:
            function(*arguments)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(trial, 0)[1] == 0


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM from the threads and processes that start meanwhile, and from this one until the end.

    A terminal sends them to every process that came of this one; elsewhere all hear them.
    """
    if _mask is None:
        yield
        return
    from multiprocessing import resource_tracker

    # It lets them through again in the thread that first starts it, which shall be this one.
    resource_tracker.ensure_running()
    before = _mask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        _mask(signal.SIG_SETMASK, before)
