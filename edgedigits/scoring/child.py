"""The caller's side of `worker.py`: starts it on a temporary folder and turns its death into a sentence."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import DataError, EdgedigitsError, ToolMissingError, UnsupportedModelError
from edgedigits.extras import LITERT, install_command, pip_command
from edgedigits.files.scratch import scratch
from edgedigits.posix import signal_of
from edgedigits.programs import owned

# An MLP of a million weights takes 3 ms an image with the slowest kernels; start-up takes 0.2 s.
TIMEOUT_S = 60.0
TIMEOUT_S_PER_IMAGE = 0.01
LONGEST_REASON = 200

INSTALL_HINTS = {
    "litert": f"Install it: {pip_command(LITERT)}",
    "latency": f"Install it: {pip_command(LITERT)}",
    "tflm": f"Install it: {install_command('tflm')}",
    "arena": f"Install it: {install_command('tflm')}",
    "quantize": f"Install it: {install_command('quantize')}",
}
_NAMES = {"litert": "LiteRT", "latency": "LiteRT", "tflm": "TFLM", "arena": "TFLM", "quantize": "litert-quantizer"}
_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Answer:
    """What a child handed back.

    Attributes:
        facts: JSON values, by name; always holds "version" of the interpreter.
        arrays: results, by name.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


class Workspace:
    """A temporary folder with a model and images, on which any number of children may be started.

    Use as a context manager: leaving it kills children that still run and removes the folder.

    Args:
        name: the model's name in error messages.
        model: the bytes of the .tflite.
        images: what the model sees, uint8 (n, inputs).
        table: (256,) in the model's input type: the model input for each pixel value.
    """

    def __init__(self, name: str, model: bytes, images: NDArray[np.uint8], table: NDArray[np.generic]) -> None:
        self.name = name
        self.count = len(images)
        self._children: list[Child] = []
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(scratch("evaluate"))
            (self.folder / "model.tflite").write_bytes(model)
            (self.folder / "images.npy").write_bytes(_npy(images))
            (self.folder / "table.npy").write_bytes(_npy(table))
            self._temporary = stack.pop_all()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.kill()
        self._temporary.close()

    def start(self, task: str, *, timeout_s: float | None = None, **request: Any) -> Child:
        """Start a child on `task` ("litert", "latency", "tflm", "arena", "quantize") without waiting for it.

        Args:
            task: what `worker.py` is to do.
            timeout_s: seconds after which the child counts as hung; by default 60 s and 10 ms an image.
            **request: what the task needs to know, as JSON values.
        """
        limit = TIMEOUT_S + TIMEOUT_S_PER_IMAGE * self.count if timeout_s is None else timeout_s
        child = Child(self, task, limit, request)
        self._children.append(child)
        return child


def _npy(array: NDArray[np.generic]) -> memoryview:
    """Return what `np.save` writes, which does not say why where it cannot write."""
    content = io.BytesIO()
    np.save(content, array)
    return content.getbuffer()


class Child:
    """One running worker; made by `Workspace.start`."""

    def __init__(self, workspace: Workspace, task: str, timeout_s: float, request: Mapping[str, Any]) -> None:
        self._task, self._model, self._timeout_s = task, workspace.name, timeout_s
        self._folder = Path(tempfile.mkdtemp(prefix=f"{task}-", dir=workspace.folder))
        shared = {name: f"../{name}.npy" for name in ("images", "table")}
        whole = {"task": task, "model": "../model.tflite", **shared, **request}
        (self._folder / "request.json").write_text(json.dumps(whole), encoding="utf-8", newline="\n")
        with (self._folder / "chatter.txt").open("wb") as chatter:
            # -P: neither this folder nor the working directory may shadow a library.
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_WORKER), str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=chatter,
                stderr=chatter,
            )

    def kill(self) -> None:
        """End the child if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def result(self) -> Answer:
        """Wait for the answer.

        Raises:
            DataError: the child died or hung, or the interpreter calls the file damaged.
            UnsupportedModelError: the interpreter refuses the model.
            ToolMissingError: the interpreter is not installed.
        """
        try:
            with owned(self._process):
                code = self._process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._broken(f"did not answer within {self._timeout_s:g} s") from None
        path = self._folder / "answer.json"
        if code != 0 or not path.is_file():
            raise self._broken(f"{_death(code)} while running it")
        answer = json.loads(path.read_text(encoding="utf-8"))
        if answer["failure"]:
            raise self._failure(answer["failure"], answer["message"])
        arrays = {name: np.load(self._folder / f"{name}.npy") for name in answer["arrays"]}
        return Answer(facts=answer["facts"], arrays=arrays)

    def _broken(self, what: str) -> DataError:
        last = self._chatter()
        said = f"; its last words: {last}" if last else ""
        return DataError(
            f"{self._model}: the {_NAMES[self._task]} interpreter {what}{said}.",
            hint="The file is probably damaged; make it again, or compare its digest with the manifest.",
        )

    def _failure(self, failure: str, message: str) -> EdgedigitsError:
        name = _NAMES[self._task]
        if failure == "missing":
            return ToolMissingError(f"{name} cannot be imported: {message}.", hint=INSTALL_HINTS[self._task])
        reason = _one_line(message)
        if failure == "damaged":
            return DataError(
                f"{self._model}: {name} cannot read it: {reason}.", hint="The file is damaged; make it again."
            )
        said = self._chatter()
        if said and said not in reason:
            reason = f"{reason} ({said})"
        return UnsupportedModelError(
            f"{self._model}: {name} refuses the model: {reason}.",
            hint="edgedigits inspect lists its operators; an MLP of FULLY_CONNECTED and SOFTMAX works.",
        )

    def _chatter(self) -> str:
        """The last line the child printed that is not a mere notice."""
        text = (self._folder / "chatter.txt").read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in text.splitlines()]
        spoken = [line for line in lines if line and not line.startswith(("INFO:", "[RecordingMicroAllocator]"))]
        return spoken[-1].rstrip(".") if spoken else ""


def _one_line(message: str) -> str:
    """An interpreter's own words as part of a sentence: one line, no address to read up, no full stop."""
    line = re.sub(r"See instructions: \S+", "", " ".join(message.split()))
    line = re.sub(r"[.\s]*Node number", "; node number", line).rstrip(" .") or "no reason given"
    return line if len(line) <= LONGEST_REASON else line[:LONGEST_REASON] + "…"


def _death(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {signal_of(code)}"
