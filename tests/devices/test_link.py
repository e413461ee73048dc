"""The wire: serial ports, sockets and pipes, and what is said where there is none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices import link as room
from edgedigits.devices.boards import find_board
from edgedigits.devices.device import Device
from edgedigits.devices.link import LineReader, ProcessLink, open_link, qemu_arguments
from edgedigits.errors import ConfigError, DataError, ToolMissingError
from tests.devices.tiny_engine import expected, random_inputs
from tests.firmware.host_firmware import build_for_host


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    return build_for_host(tmp_path_factory.mktemp("host"), inputs=12, outputs=3)


@contextmanager
def socket_of(program: Path) -> Iterator[str]:
    """Serve a program's standard input and output on a socket, as QEMU does with a serial port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        process: list[subprocess.Popen[bytes]] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                process.append(subprocess.Popen([program], stdin=connection, stdout=connection))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)
        process[0].kill()
        process[0].wait()


def test_a_socket(firmware: tuple[Path, np.ndarray]) -> None:
    inputs = random_inputs(20, 12)

    with socket_of(firmware[0]) as port:
        link = open_link(port)
        device = Device(link)
        run = device.run(inputs, device.identify())
        link.close()

    assert np.array_equal(run.outputs, expected(firmware[1], inputs)) and run.resent == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_serial_port(firmware: tuple[Path, np.ndarray]) -> None:
    """A pseudo-terminal is a serial port as far as pyserial can tell."""
    import tty

    board, port = os.openpty()
    tty.setraw(board)
    inputs = random_inputs(20, 12)
    with subprocess.Popen([firmware[0]], stdin=board, stdout=board) as process:
        link = open_link(os.ttyname(port))
        device = Device(link)
        run = device.run(inputs, device.identify())
        link.close()
        process.kill()
    os.close(board)
    os.close(port)

    assert np.array_equal(run.outputs, expected(firmware[1], inputs)) and run.resent == 0


def test_no_such_port_lists_those_there_are() -> None:
    with pytest.raises(ToolMissingError, match=r"/dev/ttyNOWHERE cannot be opened.*(Known ports|no serial port)"):
        open_link("/dev/ttyNOWHERE")


def test_nobody_at_a_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    with pytest.raises(
        ToolMissingError, match=rf"Nobody answers at socket://127.0.0.1:{number}.*-serial tcp:127.0.0.1"
    ):
        open_link(f"socket://127.0.0.1:{number}")


@pytest.mark.parametrize("host", ["x" * 300, "a..b", "\udcff", "no\0body"])
def test_names_that_no_host_can_have(host: str) -> None:
    with pytest.raises(ToolMissingError, match="Nobody answers at socket://"):
        open_link(f"socket://{host}:4444")


@pytest.mark.parametrize(
    "port",
    ["socket://", "socket://here", "socket://here:x", "socket://here:0", "socket://:80", "socket://here:" + "9" * 5000],
)
def test_what_is_no_address(port: str) -> None:
    with pytest.raises(ConfigError, match="Write it like socket://localhost:4444"):
        open_link(port)


def test_a_missing_pyserial_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['serial'] = None\n"
        "from edgedigits.errors import ToolMissingError\nfrom edgedigits.devices.link import open_link\n"
        "try:\n    open_link('/dev/ttyACM0')\nexcept ToolMissingError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout

    assert "pip install 'edgedigits[flash]'" in said


def test_lines_are_cut_where_they_end() -> None:
    code = "import sys, time; sys.stdout.write('one\\r\\ntw'); sys.stdout.flush(); time.sleep(.2); print('o\\nrest', end='')"
    link = ProcessLink("text", subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1))
    reader = LineReader(link)

    assert (reader.line(10), reader.line(10)) == ("one", "two")
    with pytest.raises(DataError, match="The connection to text was closed"):
        reader.line(10)
    link.close()


def test_a_program_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "WRITE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(room, "BAUD", 10**9)
    link = ProcessLink("a wall", subprocess.Popen(["sleep", "60"], stdin=-1, stdout=-1))

    with pytest.raises(DataError, match="a wall takes nothing of what it is sent"):
        link.write(bytes(1 << 20))
    link.close()


def test_a_socket_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "WRITE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(room, "BAUD", 10**9)
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_link(f"socket://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(DataError, match="takes nothing of what it is sent"):
            link.write(bytes(1 << 25))
        link.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_serial_port_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import tty

    monkeypatch.setattr(room, "WRITE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(room, "BAUD", 115200)
    board, port = os.openpty()
    tty.setraw(board)
    link = open_link(os.ttyname(port))
    with pytest.raises(DataError, match="takes nothing of what it is sent"):
        for _ in range(20):
            link.write(bytes(1 << 12))
    link.close()
    os.close(board)
    os.close(port)


def test_qemu_is_only_asked_for_what_it_emulates(qemu: None) -> None:
    with pytest.raises(ConfigError, match="QEMU does not emulate nrf52840dk"):
        qemu_arguments(find_board("nrf52840dk"), Path("x.elf"), "stdio")
    assert qemu_arguments(find_board("netduinoplus2"), Path("x.elf"), "stdio")[-4:] == ["-serial", "null", "-serial", "stdio"]  # fmt: skip
