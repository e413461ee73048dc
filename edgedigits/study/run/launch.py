"""What a Dask worker does with a task: start a fresh process for it, on cores of its own, and pass its answers on."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from edgedigits.devices.toolchain import zig_cache
from edgedigits.errors import DataError, EdgedigitsError
from edgedigits.files.scratch import no_room, scratch, tells_of_no_room
from edgedigits.posix import KILLED, pinned, signal_of, usable_cores
from edgedigits.study.kinds import Answer
from edgedigits.study.run.child import ANSWERS, EXIT_NO_DIGITS, EXIT_NO_ROOM, TASK
from edgedigits.study.run.data_source import DataNeed, keep

TOPIC = "edgedigits-study"
BEGAN = "began"
POLL_S = 0.2
LONGEST_ERROR = 600


def run_on_worker(task: dict[str, Any], cores: int) -> list[Answer]:
    """Run a task in a process of its own; called by Dask on a worker.

    Args:
        task: "data", "kind" and "trials"; see `child.run_task`.
        cores: that the process may use, on this machine's own cluster; 0 for any.

    Returns:
        An answer for each trial that was finished, at most one {"error"} for those that were not, and last {"process":
        seconds}. Those of trials are also sent at once as events of the topic `TOPIC`, and {BEGAN: the task's key in
        Dask} before them: a cluster's scheduler may start a task again whose worker died, without a word.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def cancelled() -> bool:
        state = worker.state.tasks.get(key)
        return state is None or state.state in ("cancelled", "released", "forgotten")

    def send(answer: Answer) -> None:
        worker.log_event(f"{TOPIC}-{task['run']}", answer)

    send({BEGAN: key})
    start, run = time.perf_counter(), partial(run_child, task, _cores(worker.name, cores), send, cancelled)
    try:
        answers, code, chatter = run()
        if code == EXIT_NO_DIGITS:
            fetch_digits(DataNeed(**task["data"]), chatter)
            answers, code, chatter = run()
        if code != 0 and not any("error" in answer and "key" not in answer for answer in answers):
            answers.append({"error": _death(code, chatter)})
    except EdgedigitsError as error:
        answers = [{"error": str(error)}]
    return [*answers, {"process": time.perf_counter() - start}]


def fetch_digits(need: DataNeed, why: str) -> None:
    """Take the digits from the scheduler into the cache of this host.

    Args:
        need: which digits.
        why: a sentence on why they are not here.

    Raises:
        DataError: the scheduler does not have them either.
    """
    from distributed import get_client

    try:
        content = get_client().get_dataset(need.digest)
    except KeyError:
        raise DataError(
            f"{why.strip()}, and the scheduler does not have them.", hint="Put them where the study found them."
        ) from None
    keep(content, need.digest)


def run_child(
    task: dict[str, Any],
    cores: tuple[int, ...],
    send: Callable[[Answer], None],
    cancelled: Callable[[], bool],
) -> tuple[list[Answer], int, str]:
    """Start the process and wait for it.

    Args:
        task: as `run_on_worker`.
        cores: the only ones it may use; () for any.
        send: called with each answer as it comes.
        cancelled: asked now and then; the process is killed once it is true.

    Returns:
        Answers, exit code (negative: a signal), and the last it wrote to stderr.
    """
    with scratch(TASK) as place:
        path, chatter = place / ANSWERS, place / "chatter.txt"
        path.touch()
        with chatter.open("wb") as said:
            process = _start(str(place), said, cores)
            assert process.stdin is not None
            try:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(json.dumps(task).encode() + b"\n")
                    process.stdin.flush()
                answers = _wait(process, path, send, cancelled)
            finally:
                if process.poll() is None:
                    process.kill()
                code = process.wait()
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
        return answers, code, chatter.read_text(encoding="utf-8", errors="replace")[-4000:]


def _start(folder: str, said: BinaryIO, cores: tuple[int, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: the working directory may not shadow a library.
        [sys.executable, "-P", "-m", "edgedigits.study.run.child", folder],
        stdin=subprocess.PIPE,
        stdout=said,
        stderr=said,
        env=_environment(folder),
        preexec_fn=pinned(cores),
    )


def _wait(
    process: subprocess.Popen[bytes], path: Path, send: Callable[[Answer], None], cancelled: Callable[[], bool]
) -> list[Answer]:
    answers: list[Answer] = []
    rest = b""
    with path.open("rb") as written:
        ended = False
        while not ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
            # Asked before the file is read for the last time, so that no answer is missed.
            ended = process.poll() is not None
            # A long line may come in parts: what has no end yet is kept for the next look.
            *lines, rest = (rest + written.read()).split(b"\n")
            for line in lines:
                answers.append(json.loads(line))
                if not ended:
                    send(answers[-1])
            if cancelled():
                break
    return answers


def _environment(folder: str) -> dict[str, str]:
    # A fixed number, since a trial's figures may not depend on how many run beside it; TensorFlow's is fixed as well.
    threaded = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTEROP_THREADS")
    # A process that is killed cannot tidy up: what it makes goes with the task's folder. zig's cache is to stay.
    temporary = {**dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder), "ZIG_GLOBAL_CACHE_DIR": str(zig_cache())}
    return {**os.environ, **dict.fromkeys(threaded, "1"), **temporary}


def _cores(worker: Any, count: int) -> tuple[int, ...]:
    """Return the cores of a worker of this machine's own cluster, which are numbered from 0; () for others."""
    start = int(worker) * count if str(worker).isdecimal() else None
    return () if start is None else usable_cores()[start : start + count]


def _death(code: int, chatter: str) -> str:
    lines = [line.strip() for line in chatter.splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    if code == EXIT_NO_ROOM or tells_of_no_room(last):
        return str(no_room())
    if code == KILLED:
        return "The process was killed, which is what the system does to one that runs out of memory."
    if code < 0:
        return f"The process was ended by {signal_of(code)}{last}."[:LONGEST_ERROR]
    return f"The process ended with exit code {code}{last}."[:LONGEST_ERROR]
