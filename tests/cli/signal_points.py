"""Sends the program a signal at one call of a function after another: forks, and hits each child at another.

    python signal_points.py NUMBER WHERE COUNT VERB...

COUNT children, evenly spaced over all calls that the verb makes once the program has its handlers, are sent the signal
NUMBER. WHERE is "exec" for calls of code that a text was made of, as every dataclass is, or "any". Printed is a line of JSON
for each child: its exit code, negative for a signal, and what it said on stderr.
"""

from __future__ import annotations

import _signal
import json
import os
import signal
import sys
import tempfile
from types import FrameType
from typing import Any

calls = 0


def hit_at(number: int, sent: int, where: str) -> None:
    """Have this process send itself a signal at call `number`, counted from 1; 0 for never."""
    awaited = [signal.SIGTERM]

    def watch(frame: FrameType, event: str, _: Any) -> None:
        global calls
        if awaited and getattr(_signal.getsignal(awaited[0]), "__module__", "") == "edgedigits.cli.interrupts":
            awaited.clear()
        if awaited or event != "call" or (where == "exec" and frame.f_code.co_filename != "<string>"):
            return
        calls += 1
        if calls == number:
            signal.raise_signal(sent)

    sys.setprofile(watch)


def run(number: int, sent: int, where: str, said: int) -> None:
    """Be the program, whose end is that of this process."""
    os.dup2(said, 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from edgedigits.__main__ import start

    hit_at(number, sent, where)
    try:
        start()
    finally:
        sys.setprofile(None)
        os.write(report, str(calls).encode())


def child(number: int, sent: int, where: str) -> tuple[int, str, int]:
    """Return exit code, stderr and number of calls of a child."""
    with tempfile.TemporaryFile() as said:
        if (pid := os.fork()) == 0:
            run(number, sent, where, said.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said.seek(0)
        told = said.read().decode()
    return code, told, int(os.pread(report, 20, 0) or 0)


if __name__ == "__main__":
    sent, where, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    sys.argv[1:] = sys.argv[4:]
    report = os.memfd_create("calls")
    _, _, total = child(0, sent, where)
    os.lseek(report, 0, os.SEEK_SET)
    for point in range(count):
        # The last few come when the work is done and told.
        code, told, _ = child(1 + point * max(1, total - 20) // count, sent, where)
        os.lseek(report, 0, os.SEEK_SET)
        print(json.dumps({"code": code, "said": told}), flush=True)
