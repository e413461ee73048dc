"""Counts the instructions that an emulated core executes, exactly: in C where zig is present, else in Python.

The emulator reports stretches of code without a branch ("blocks"). How many instructions a stretch has follows from the
lengths of the instructions in the ELF, so that counting by stretch equals counting one by one.
"""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.elf import Image
from edgedigits.files.scratch import partial_folder
from edgedigits.programs import run_program

NATIVE_SOURCE = Path(__file__).parent / "native" / "block_counter.c"
_COMPILE_TIMEOUT_S = 120.0
KEEP = 255


class CodeMap:
    """Where instructions start in an image.

    Args:
        image: the program.
        architecture: "arm" (Thumb) or "riscv".
        steps: address → step of the program that the code there begins or goes on with, 0…254; see `step_by_address`.

    Attributes:
        base: address of the first halfword of code.
        is_start: bool (halfwords,): an instruction starts here.
        starts: uint32 (halfwords + 1,): how many instructions start before this halfword.
        steps: uint8 (halfwords,): step by halfword; KEEP where code belongs to whatever step runs.
        step_count: how many steps there are.
    """

    def __init__(self, image: Image, architecture: str, steps: Mapping[int, int] | None = None) -> None:
        self.base = min((start for start, _ in image.code), default=0)
        end = max((stop for _, stop in image.code), default=0)
        self.is_start = np.zeros((end - self.base) // 2, dtype=np.bool_)
        for start, stop in image.code:
            for address in _instructions(_bytes_at(image, start, stop), start, architecture):
                self.is_start[(address - self.base) // 2] = True
        self.starts = np.concatenate([[0], np.cumsum(self.is_start)]).astype(np.uint32)
        self.steps = np.full(len(self.is_start), KEEP, dtype=np.uint8)
        for address, step in (steps or {}).items():
            # The debug information counts literals behind a function as its code.
            if address < end:
                self.steps[(address - self.base) // 2] = step
        self.step_count = 1 + max((steps or {0: 0}).values())


def _bytes_at(image: Image, start: int, stop: int) -> bytes:
    for _, run, content in image.segments:
        if run <= start and stop <= run + len(content):
            return content[start - run : stop - run]
    return b""


def _instructions(code: bytes, address: int, architecture: str) -> Iterator[int]:
    """Yield the address of each instruction; the first halfword tells whether a second one follows."""
    position = 0
    while position + 2 <= len(code):
        half = int.from_bytes(code[position : position + 2], "little")
        yield address + position
        long = half >> 11 in (0b11101, 0b11110, 0b11111) if architecture == "arm" else half & 3 == 3
        position += 4 if long else 2


class Counter(Protocol):
    """Counts for one emulator; one image at a time."""

    @property
    def instructions(self) -> int:
        """Instructions executed since `reset`."""

    @property
    def astray(self) -> int | None:
        """Address of something executed that is not code of the program; None while all is well."""

    def reset(self) -> None:
        """Start counting an image."""

    def by_step(self) -> NDArray[np.int64]:
        """Instructions since `reset` by step, (steps,)."""

    def executions(self) -> NDArray[np.int64]:
        """How often the instruction at each halfword was executed, (halfwords,); 0 where none starts."""


class _State(ctypes.Structure):
    _fields_ = (
        ("instructions", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("base", ctypes.c_uint64),
        ("halfwords", ctypes.c_uint64),
        ("starts", ctypes.c_void_p),
        ("difference", ctypes.c_void_p),
        ("steps", ctypes.c_void_p),
        ("by_step", ctypes.c_void_p),
        ("step", ctypes.c_uint64),
        ("stop", ctypes.c_void_p),
        ("astray", ctypes.c_uint64),
    )


class NativeCounter:
    """The counter of `native/block_counter.c`.

    Args:
        emulator: a `unicorn.Uc` that has not run yet: code that is translated already is not counted.
        code: where instructions start.
        limit: instructions of one image after which the emulation is stopped.
        library: the compiled source.
    """

    def __init__(self, emulator: Any, code: CodeMap, limit: int, library: ctypes.CDLL) -> None:
        unicorn = _unicorn_library()
        self._code = code
        self._difference = np.zeros(len(code.starts), dtype=np.int64)
        self._by_step = np.zeros(KEEP, dtype=np.int64)
        self._state = _State(
            limit=limit,
            base=code.base,
            halfwords=len(code.is_start),
            starts=code.starts.ctypes.data,
            difference=self._difference.ctypes.data,
            steps=code.steps.ctypes.data,
            by_step=self._by_step.ctypes.data,
            stop=ctypes.cast(unicorn.uc_emu_stop, ctypes.c_void_p).value,
        )
        self._hook = ctypes.c_size_t()
        status = unicorn.uc_hook_add(
            emulator._uch,
            ctypes.byref(self._hook),
            _block_hook_kind(),
            ctypes.cast(library.edgedigits_count_block, ctypes.c_void_p),
            ctypes.byref(self._state),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if status != 0:
            raise RuntimeError(f"Unicorn refuses the block hook: status {status}")

    @property
    def instructions(self) -> int:
        """Instructions executed since `reset`."""
        return int(self._state.instructions)

    @property
    def astray(self) -> int | None:
        """Address of something executed that is not code of the program."""
        return int(self._state.astray) - 1 if self._state.astray else None

    def reset(self) -> None:
        """Start counting an image."""
        self._state.instructions = 0
        self._state.astray = 0
        self._state.step = 0
        self._by_step[: self._code.step_count] = 0

    def by_step(self) -> NDArray[np.int64]:
        """Instructions since `reset` by step."""
        return self._by_step[: self._code.step_count].copy()

    def executions(self) -> NDArray[np.int64]:
        """How often the instruction at each halfword was executed."""
        return np.where(self._code.is_start, np.cumsum(self._difference[:-1]), 0)


class PythonCounter:
    """The same in Python, for hosts without zig; arguments as for `NativeCounter`."""

    def __init__(self, emulator: Any, code: CodeMap, limit: int) -> None:
        self._code, self._limit = code, limit
        self._starts, self._steps = code.starts.tolist(), code.steps.tolist()
        self._step, self._by_step = 0, [0] * code.step_count
        self._difference = [0] * len(self._starts)
        self._instructions = 0
        self._astray: int | None = None
        emulator.hook_add(_block_hook_kind(), self._on_block)

    def _on_block(self, emulator: Any, address: int, size: int, _user: Any) -> None:
        first = (address - self._code.base) // 2
        last = first + size // 2
        starts = self._starts
        if first < 0 or last >= len(starts) or last <= first or starts[first + 1] == starts[first]:
            self._astray = address
            emulator.emu_stop()
            return
        self._instructions += starts[last] - starts[first]
        self._step = self._step if self._steps[last - 1] == KEEP else self._steps[last - 1]
        self._by_step[self._step] += starts[last] - starts[first]
        self._difference[first] += 1
        self._difference[last] -= 1
        if self._instructions > self._limit:
            emulator.emu_stop()

    @property
    def instructions(self) -> int:
        """Instructions executed since `reset`."""
        return self._instructions

    @property
    def astray(self) -> int | None:
        """Address of something executed that is not code of the program."""
        return self._astray

    def reset(self) -> None:
        """Start counting an image."""
        self._instructions, self._astray = 0, None
        self._step, self._by_step = 0, [0] * self._code.step_count

    def by_step(self) -> NDArray[np.int64]:
        """Instructions since `reset` by step."""
        return np.array(self._by_step, dtype=np.int64)

    def executions(self) -> NDArray[np.int64]:
        """How often the instruction at each halfword was executed."""
        return np.where(self._code.is_start, np.cumsum(self._difference[:-1]), 0)


CounterFactory = Callable[[Any, CodeMap, int], Counter]


def counter_factory() -> CounterFactory:
    """Return the fastest counter that works on this host."""
    library = native_library()
    if library is None:
        return PythonCounter
    return lambda emulator, code, limit: NativeCounter(emulator, code, limit, library)


@lru_cache
def native_library() -> ctypes.CDLL | None:
    """Return `block_counter.c` compiled for this host, or None where zig or the private parts of Unicorn differ."""
    if find_spec("ziglang") is None:
        return None
    from edgedigits.devices.toolchain import zig_cache

    digest = hashlib.sha256(NATIVE_SOURCE.read_bytes()).hexdigest()[:12]
    cache = zig_cache()
    ready = cache / f"block-counter-{digest}{'.dll' if sys.platform == 'win32' else '.so'}"
    try:
        if not ready.is_file():
            _compile(ready, {"ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache)})
        _unicorn_library()
        return ctypes.CDLL(str(ready))
    except (OSError, subprocess.SubprocessError, ImportError, AttributeError):
        return None


def _compile(library: Path, environment: dict[str, str]) -> None:
    # Compiled beside and renamed: two processes may come here at the same time.
    with partial_folder(library.parent, library.name) as folder:
        fresh = folder / library.name
        command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-O2", "-fPIC", str(NATIVE_SOURCE), "-o"]
        run_program([*command, str(fresh)], _COMPILE_TIMEOUT_S, environment=environment).check_returncode()
        fresh.replace(library)


def _unicorn_library() -> Any:
    from unicorn.unicorn_py3.unicorn import uclib

    return uclib


def _block_hook_kind() -> int:
    from unicorn import UC_HOOK_BLOCK

    return int(UC_HOOK_BLOCK)
