"""Programming: what pyOCD is asked for, what its complaints become, and UF2 onto a boot drive.

A stand-in for the package pyocd says what pyOCD 0.46 says; where pyOCD itself is installed it is asked too.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgedigits.devices import flashing as room
from edgedigits.devices.boards import find_board
from edgedigits.devices.elf import Footprint, Image
from edgedigits.devices.firmware import build_firmware
from edgedigits.devices.flashing import find_boot_drive, flash, flat_of, uf2_of
from edgedigits.devices.stub import Engine
from edgedigits.devices.uf2 import UF2_CHIPS
from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from tests.devices.conftest import toolchain_or_skip
from tests.devices.test_uf2 import read_uf2

NO_PROBE = "No connected debug probes\n0000586 E No target device available [load_cmd]"
NO_TARGET = (
    "0000672 C Target type stm32f401retx not recognized. Use 'pyocd list --targets' to see currently available target "
    "types. See <https://pyocd.io/docs/target_support.html> for how to install additional target support. [__main__]"
)
NO_FLASH = "0001234 I Loading x.elf [load_cmd]\n0001300 E flash program page failure (address 0x00000000; result code 0x1) [cmd]"


@pytest.fixture(scope="module")
def firmware(tiny: Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Image]:
    def build(name: str) -> Image:
        board = find_board(name)
        output = tmp_path_factory.mktemp(name) / "firmware.elf"
        return build_firmware(tiny, board, toolchain_or_skip("zig", board.core), output)

    return build


@pytest.fixture
def pyocd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Path]:
    """Put a package pyocd in place that writes down how it was called, says a text, and ends with a code."""

    def put(text: str, code: int) -> Path:
        (tmp_path / "pyocd").mkdir()
        (tmp_path / "pyocd" / "__init__.py").write_text("")
        (tmp_path / "pyocd" / "__main__.py").write_text(
            f"import json, pathlib, sys\npathlib.Path({str(tmp_path / 'called')!r}).write_text(json.dumps(sys.argv[1:]))\n"
            f"print({text!r}, file=sys.stderr)\nsys.exit({code})"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return tmp_path / "called"

    return put


def test_pyocd_is_given_target_and_probe(pyocd: Callable[[str, int], Path], firmware: Callable[[str], Image]) -> None:
    called, image = pyocd("0001300 I Erased 8192 bytes", 0), firmware("nrf52840dk")

    assert "Programmed nrf52840dk" in flash(find_board("nrf52840dk"), image, probe="0685")

    words = json.loads(called.read_text())
    assert words == ["load", "--no-wait", "--target", "nrf52840", "--uid=0685", "--format", "elf", str(image.path)]


@pytest.mark.parametrize(
    ("text", "code", "error", "words"),
    [
        (NO_PROBE, 1, ToolMissingError, "There is no debug probe. Plug in nrf52840dk"),
        (NO_PROBE, 0, ToolMissingError, "There is no debug probe"),
        (NO_TARGET, 1, ToolMissingError, "does not know the target nrf52840 yet.*pyocd pack install nrf52840"),
        (NO_FLASH, 1, CheckFailedError, "cannot program nrf52840dk: .*flash program page failure"),
        ("", 3, CheckFailedError, "cannot program nrf52840dk"),
    ],
)
def test_what_goes_wrong_is_told(
    pyocd: Callable[[str, int], Path],
    firmware: Callable[[str], Image],
    text: str,
    code: int,
    error: type[Exception],
    words: str,
) -> None:
    pyocd(text, code)

    with pytest.raises(error, match=words):
        flash(find_board("nrf52840dk"), firmware("nrf52840dk"))


def test_a_pyocd_that_hangs(
    pyocd: Callable[[str, int], Path], firmware: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    main = pyocd("", 0).parent / "pyocd" / "__main__.py"
    main.write_text("import time; time.sleep(30)")
    monkeypatch.setattr(room, "PROGRAM_TIMEOUT_S", 0.3)

    with pytest.raises(CheckFailedError, match=r"pyOCD did not finish within 0\.3 s"):
        flash(find_board("nrf52840dk"), firmware("nrf52840dk"))


def test_a_missing_pyocd_names_the_extra(firmware: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda name: None)

    with pytest.raises(ToolMissingError, match=r"pip install 'edgedigits\[flash\]'"):
        flash(find_board("nrf52840dk"), firmware("nrf52840dk"))


def test_without_boot_drive_and_pyocd_every_way_onto_an_rp2040_is_told(
    firmware: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_MOUNTS", ())
    monkeypatch.setattr(room, "find_spec", lambda name: None)

    with pytest.raises(
        ToolMissingError, match=r"No RPI-RP2 drive is mounted.*BOOTSEL.*edgedigits\[flash\].*--out FILE"
    ):
        flash(find_board("rp2040"), firmware("rp2040"))


def test_a_board_without_a_target(firmware: Callable[[str], Image]) -> None:
    with pytest.raises(ConfigError, match="pyOCD has no target for mps2-an386"):
        flash(find_board("mps2-an386"), firmware("mps2-an386"))


@pytest.mark.skipif(find_spec("pyocd") is None, reason="pyOCD is not installed")
def test_pyocd_itself_finds_no_probe(firmware: Callable[[str], Image]) -> None:
    with pytest.raises(ToolMissingError, match="There is no debug probe"):
        flash(find_board("nrf52840dk"), firmware("nrf52840dk"), probe="no-such-probe")


def test_an_rp2040_takes_uf2_on_its_boot_drive(
    firmware: Callable[[str], Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = tmp_path / "media" / "user" / "RPI-RP2"
    drive.mkdir(parents=True)
    monkeypatch.setattr(room, "_MOUNTS", (f"{tmp_path}/media/*/*",))
    image = firmware("rp2040")
    assert find_boot_drive(UF2_CHIPS["rp2040"]) is None

    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")

    assert find_boot_drive(UF2_CHIPS["rp2350"]) is None
    assert "the board starts by itself" in flash(find_board("rp2040"), image)
    pages = read_uf2((drive / "edgedigits.uf2").read_bytes())
    assert min(pages) == 0x10000000
    for load, _, content in image.segments:
        flat = b"".join(pages[address] for address in sorted(pages))
        assert flat[load - 0x10000000 : load - 0x10000000 + len(content)] == content


def test_without_drive_and_probe_both_ways_are_told(
    pyocd: Callable[[str, int], Path], firmware: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_MOUNTS", ())
    pyocd(NO_PROBE, 1)

    with pytest.raises(ToolMissingError, match="Plug in rp2040, or its probe.*hold BOOTSEL"):
        flash(find_board("rp2040"), firmware("rp2040"))


def test_other_boards_take_no_uf2(firmware: Callable[[str], Image]) -> None:
    with pytest.raises(ConfigError, match="takes no UF2 file"):
        uf2_of(find_board("nrf52840dk"), firmware("nrf52840dk"))


def test_a_drive_that_is_full(
    firmware: Callable[[str], Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "RPI-RP2" / "edgedigits.uf2").mkdir(parents=True)
    (tmp_path / "RPI-RP2" / "INFO_UF2.TXT").write_text("Board-ID: RPI-RP2")
    monkeypatch.setattr(room, "_MOUNTS", (f"{tmp_path}/*",))

    with pytest.raises(DataError, match="cannot be written"):
        flash(find_board("rp2040"), firmware("rp2040"))


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([], "takes 0 bytes"),
        ([0x10000000, 0xF0000000], "takes 3,758,096,388 bytes from its first to its last, expected 1 to"),
    ],
)
def test_a_program_of_no_size_is_refused(places: list[int], words: str) -> None:
    image = Image(Path("x.elf"), (), tuple((place, place, b"code") for place in places), (), Footprint(0, 0, 0, 0), 0)

    with pytest.raises(DataError, match=words):
        flat_of(image)


@pytest.mark.skipif(find_spec("esptool") is None, reason="esptool is not installed")
def test_esptool_itself_finds_no_port(firmware: Callable[[str], Image]) -> None:
    with pytest.raises(CheckFailedError, match="esptool cannot program esp32-c3 at /dev/no-such-port: Could not open"):
        flash(find_board("esp32-c3"), firmware("esp32-c3"), port="/dev/no-such-port")


def test_an_esp32_is_programmed_from_the_start_of_its_flash_through_its_port(
    firmware: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    image, called = firmware("esp32-c3"), []
    assert flat_of(image)[:8] == bytes.fromhex("1d04dbae1d04dbae"), "what the ROM looks for"

    def run(command: list[str], _timeout: float) -> subprocess.CompletedProcess[str]:
        called.extend([command[2:-1], Path(command[-1]).read_bytes()])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(room, "run_program", run)
    monkeypatch.setattr(room, "find_spec", lambda name: name)
    assert "through esptool" in flash(find_board("esp32-c3"), image, port="COM3")
    assert called == [["esptool", "--chip", "esp32c3", "--port", "COM3", "write-flash", "0x0"], flat_of(image)]

    monkeypatch.setattr(room, "find_spec", lambda name: None)
    with pytest.raises(
        ToolMissingError, match=r"esptool is not installed. Install it: pip install 'edgedigits\[flash\]'"
    ):
        flash(find_board("esp32-c3"), image, port="COM3")
    with pytest.raises(ConfigError, match="programmed through its serial port. Name it, such as --port"):
        flash(find_board("esp32-c3"), image)
