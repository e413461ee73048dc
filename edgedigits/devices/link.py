"""The wire to a board: a serial port, a TCP socket, or the pipes of an emulator."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from edgedigits.devices.boards import Board
from edgedigits.errors import ConfigError, DataError, ToolMissingError

BAUD = 115200
CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0
LONGEST_LINE = 65536
SILENCE_S = 0.05
LONGEST_CHATTER_S, MOST_CHATTER = 10.0, 1 << 20
"""How long, and for how many bytes, the end of what a link was saying is awaited: more than its longest line takes."""


class BoardLink(Protocol):
    """Bytes to and from a board.

    Attributes:
        name: what to call the other end.
        emulated: it is no board but an emulator, whose time is not a board's.
    """

    name: str
    emulated: bool

    def write(self, content: bytes) -> None:
        """Send all of it; raise DataError when the other side is gone."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, at least one byte; nothing when none came in time. Raise DataError when closed."""

    def close(self) -> None:
        """Let go of it."""


class LineReader:
    """Cuts what a link brings into lines.

    Args:
        link: what to read from.
        clock: seconds, for the ends of waits.
    """

    def __init__(self, link: BoardLink, clock: Callable[[], float] = time.monotonic) -> None:
        self._link, self._clock, self._kept = link, clock, b""

    def line(self, timeout_s: float) -> str | None:
        """Return the next line without its end, or None when none was complete in time.

        Bytes that are no ASCII become "\\ufffd": garbage is for the caller to judge.

        Raises:
            DataError: the link is closed, or a line has no end.
        """
        deadline = self._clock() + timeout_s
        while b"\n" not in self._kept:
            rest = deadline - self._clock()
            fresh = self._link.read(rest) if rest > 0 else b""
            if not fresh:
                return None
            self._kept += fresh
            if len(self._kept) > LONGEST_LINE:
                raise DataError(
                    f"{self._link.name} sends {LONGEST_LINE:,} bytes without a line's end.",
                    hint=f"Is it the firmware of firmware_stub, at {BAUD:,} baud?",
                )
        line, self._kept = self._kept.split(b"\n", 1)
        return line.decode("ascii", errors="replace").strip("\r\0 ")

    def drop(self) -> None:
        """Forget what has come so far, and wait until nothing comes for a moment.

        Raises:
            DataError: the link is closed, or never silent.
        """
        self._kept = b""
        deadline, dropped = self._clock() + LONGEST_CHATTER_S, 0
        while fresh := self._link.read(SILENCE_S):
            dropped += len(fresh)
            if self._clock() > deadline or dropped > MOST_CHATTER:
                raise DataError(
                    f"{self._link.name} talks without pause: {dropped:,} bytes that nobody asked for.",
                    hint=f"Is it the firmware of firmware_stub, at {BAUD:,} baud?",
                )


def open_link(port: str) -> BoardLink:
    """Open a port: "/dev/ttyACM0", "COM3", or "socket://host:number".

    Raises:
        ConfigError: a socket's address cannot be read.
        ToolMissingError: there is no such port, nobody listens there, or pyserial is not installed.
    """
    if port.startswith("socket://"):
        host, _, number = port.removeprefix("socket://").rpartition(":")
        if not host or not re.fullmatch(r"[0-9]{1,5}", number) or not 0 < int(number) < 65536:
            raise ConfigError(
                f"'{port}' is not the address of a socket.", hint="Write it like socket://localhost:4444."
            )
        return _SocketLink(port, host, int(number))
    return _SerialLink(port)


class _SocketLink:
    emulated = True

    def __init__(self, name: str, host: str, number: int) -> None:
        self.name = name
        try:
            self._socket = socket.create_connection((host.strip("[]"), number), timeout=CONNECT_TIMEOUT_S)
        except (OSError, ValueError) as error:  # ValueError: a name that no host can have
            raise ToolMissingError(
                f"Nobody answers at {name}: {getattr(error, 'strerror', None) or error}.",
                hint=f"Start QEMU with -serial tcp:{host}:{number},server=on,wait=off.",
            ) from error

    def write(self, content: bytes) -> None:
        try:
            self._socket.settimeout(write_timeout(content))
            self._socket.sendall(content)
        except TimeoutError as error:
            raise _stuck(self.name) from error
        except OSError as error:
            raise _closed(self.name) from error

    def read(self, timeout_s: float) -> bytes:
        try:
            self._socket.settimeout(max(timeout_s, 0.001))
            content = self._socket.recv(4096)
        except TimeoutError:
            return b""
        except OSError as error:
            raise _closed(self.name) from error
        if not content:
            raise _closed(self.name)
        return content

    def close(self) -> None:
        self._socket.close()


class _SerialLink:
    emulated = False

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            import serial
        except ImportError as error:
            raise ToolMissingError(
                "The package pyserial is not installed.", hint="Install it: pip install 'edgedigits[flash]'"
            ) from error
        self._error: Any = serial.SerialException
        self._timeout: Any = serial.SerialTimeoutException
        try:
            self._port = serial.Serial(name, BAUD, timeout=0.1, write_timeout=WRITE_TIMEOUT_S)
        except (serial.SerialException, ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ToolMissingError(f"The port {name} cannot be opened: {reason}.", hint=_known_ports()) from error

    def write(self, content: bytes) -> None:
        try:
            # No flush(): it waits without an end for a device that takes nothing.
            self._port.write_timeout = write_timeout(content)
            self._port.write(content)
        except self._timeout as error:
            raise _stuck(self.name) from error
        except (self._error, OSError) as error:
            raise _closed(self.name) from error

    def read(self, timeout_s: float) -> bytes:
        try:
            self._port.timeout = timeout_s
            return bytes(self._port.read(max(1, self._port.in_waiting)))
        except (self._error, OSError) as error:
            raise _closed(self.name) from error

    def close(self) -> None:
        self._port.close()


def _known_ports() -> str:
    from serial.tools.list_ports import comports

    names = [port.device for port in comports()]
    return f"Known ports: {', '.join(names)}." if names else "This machine has no serial port; is the board plugged in?"


def write_timeout(content: bytes) -> float:
    """Return the seconds after which a link counts as stuck: thrice what the wire takes, and time to begin."""
    return WRITE_TIMEOUT_S + 3 * 10 * len(content) / BAUD


def _stuck(name: str) -> DataError:
    return DataError(
        f"{name} takes nothing of what it is sent.", hint="Reset the board; is something else using the port?"
    )


def _closed(name: str) -> DataError:
    return DataError(
        f"The connection to {name} was closed.", hint="Is the board still plugged in, the emulator running?"
    )


class ProcessLink:
    """The pipes of an emulator, or of any program, whose serial port is its standard input and output.

    Two threads wait at the pipes: not every system can wait there for a limited time.
    """

    emulated = True

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.name, self._process = name, process
        self._in, self._out = process.stdin, process.stdout
        self._arrived: SimpleQueue[bytes] = SimpleQueue()
        self._threads = ThreadPoolExecutor(2)
        self._threads.submit(self._listen)

    def _listen(self) -> None:
        content = b"?"
        while content:
            content = os.read(self._out.fileno(), 4096)
            self._arrived.put(content)

    def _send(self, content: bytes) -> None:
        while content:
            content = content[os.write(self._in.fileno(), content) :]

    def write(self, content: bytes) -> None:
        try:
            self._threads.submit(self._send, content).result(write_timeout(content))
        except TimeoutError:
            raise _stuck(self.name) from None
        except OSError as error:
            raise _closed(self.name) from error

    def read(self, timeout_s: float) -> bytes:
        try:
            content = self._arrived.get(timeout=max(timeout_s, 0.001))
        except Empty:
            return b""
        if not content:
            self._arrived.put(b"")
            raise _closed(self.name)
        return content

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._threads.shutdown()
        # What was not sent yet has nobody to go to.
        with suppress(OSError):
            self._in.close()
        self._out.close()


def qemu_arguments(board: Board, program: Path, serial: str) -> list[str]:
    """Return how QEMU is started with firmware whose UART is connected to `serial`, such as "stdio".

    Raises:
        ConfigError: QEMU does not emulate the board.
        ToolMissingError: QEMU is not installed.
    """
    from edgedigits.devices.emulator_qemu import machine_arguments

    if not board.qemu:
        raise ConfigError(f"QEMU does not emulate {board.name}.", hint="edgedigits boards --json names those it does.")
    first = ["-serial", "null"] * board.qemu_serial
    common = [board.core.architecture.qemu_loads, str(program), "-display", "none", "-monitor", "none"]
    return [*machine_arguments(board), *common, *first, "-serial", serial]


@contextmanager
def emulated_board(board: Board, program: Path) -> Iterator[BoardLink]:
    """Run firmware in QEMU and yield the wire to it; the emulator ends with the block.

    Raises:
        ConfigError, ToolMissingError: as `qemu_arguments`.
    """
    process = subprocess.Popen(
        qemu_arguments(board, program, "stdio"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    link = ProcessLink(f"QEMU's {board.qemu}", process)
    try:
        yield link
    finally:
        link.close()
