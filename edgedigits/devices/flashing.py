"""Puts firmware onto a board, by a debug probe with pyOCD or as UF2 onto a boot drive, or into a file."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from edgedigits.data.writing import refuse_existing, replacing
from edgedigits.devices.boards import Board, load_boards
from edgedigits.devices.elf import Image
from edgedigits.devices.intel_hex import to_hex
from edgedigits.devices.uf2 import UF2_CHIPS, Uf2Chip, check_program, to_uf2
from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from edgedigits.programs import run_program
from edgedigits.progress import SILENT, Progress

_FORMATS = {".elf": "e", ".bin": "r", ".hex": "i", ".uf2": ""}
"""Of files with firmware, by their ending: as linked, as it lies in flash, the same as text, for a boot drive; and what
avrdude calls each."""
PROGRAM_TIMEOUT_S = 120.0
MOST_FLASH = 1 << 26
"""Bytes: no microcontroller has more."""
# Where operating systems mount drives; a boot drive holds INFO_UF2.TXT.
_MOUNTS = ("/media/*/*", "/run/media/*/*", "/mnt/*", "/Volumes/*")
_DRIVE_MARK = "INFO_UF2.TXT"


def uf2_of(board: Board, image: Image) -> bytes:
    """Return firmware as UF2.

    Raises:
        ConfigError: the board takes none.
        DataError: the board would not start it.
    """
    chip = _uf2_chip(board)
    segments = [(load, content) for load, _, content in image.segments]
    check_program(chip, segments)
    return to_uf2(segments, chip.family)


def _uf2_chip(board: Board) -> Uf2Chip:
    if not board.uf2:
        names = ", ".join(name for name, other in load_boards().items() if other.uf2)
        raise ConfigError(f"{board.name} takes no UF2 file.", hint=f"UF2 is for {names}.")
    return UF2_CHIPS[board.uf2]


def flat_of(image: Image) -> bytes:
    """Return the bytes of flash from the first to the last that are used; gaps are filled as erased flash is.

    Raises:
        DataError: there is nothing to load, or its parts lie further apart than any flash is large.
    """
    start = min((load for load, _, _ in image.segments), default=0)
    end = max((load + len(content) for load, _, content in image.segments), default=0)
    if not 0 < end - start <= MOST_FLASH:
        raise DataError(
            f"The program takes {end - start:,} bytes from its first to its last, expected 1 to {MOST_FLASH:,}.",
            hint="Link the firmware with the linker script of its board.",
        )
    flat = bytearray(b"\xff" * (end - start))
    for load, _, content in image.segments:
        flat[load - start : load - start + len(content)] = content
    return bytes(flat)


def check_file(path: Path, board: Board, *, force: bool) -> None:
    """Check, before anything is compiled, that firmware for `board` can be written to `path`.

    Raises:
        ConfigError: firmware is not written under such a name, or the board takes no UF2.
        DataError: the file exists and `force` is not set, or there is no folder for it.
    """
    ending = path.suffix.lower()
    if ending not in _FORMATS:
        raise ConfigError(f"{path} ends in '{path.suffix}'.", hint="Firmware is written as .elf, .bin, .hex or .uf2.")
    if ending == ".uf2":
        _uf2_chip(board)
    refuse_existing(path, force=force)


def write_firmware(path: Path, board: Board, image: Image, *, force: bool = False) -> str:
    """Write firmware to a file, whole or not at all, in the form that the name's ending says.

    Returns:
        What was done, as a sentence.

    Raises:
        ConfigError, DataError: as `check_file` and `uf2_of`, or the disk is full.
    """
    check_file(path, board, force=force)
    ending = path.suffix.lower()
    if ending == ".uf2":
        content = uf2_of(board, image)
    elif ending == ".hex":
        content = to_hex([(load, part) for load, _, part in image.segments]).encode()
    else:
        content = image.path.read_bytes() if ending == ".elf" else flat_of(image)
    with replacing(path, force=force) as partial:
        partial.write_bytes(content)
    return f"Wrote {path}, {len(content):,} bytes; nothing was programmed.{_by_hand(board, path)}"


def _by_hand(board: Board, path: Path) -> str:
    """Return how a file gets onto a board that another program than pyOCD writes, as a sentence with a blank before."""
    form = _FORMATS[path.suffix.lower()]
    if board.avrdude and form:
        return f" By hand: {shlex.join(['avrdude', *board.avrdude, '-P', 'PORT', '-U', f'flash:w:{path}:{form}'])}"
    return f" {board.tool}" if board.tool else ""


def find_boot_drive(chip: Uf2Chip) -> Path | None:
    """Return the mounted boot drive of a chip, or None."""
    folders = [found for pattern in _MOUNTS for found in sorted(Path("/").glob(pattern.lstrip("/")))]
    folders += [Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"] if sys.platform == "win32" else []
    for folder in folders:
        try:
            mark = folder / _DRIVE_MARK
            if mark.is_file() and f"Board-ID: {chip.drive}" in mark.read_text(encoding="utf-8", errors="replace"):
                return folder
        except OSError:
            continue
    return None


def flash(board: Board, image: Image, *, probe: str = "", port: str = "", progress: Progress = SILENT) -> str:
    """Program a board.

    Args:
        board: the board.
        image: its firmware.
        probe: the debug probe's unique id, or the start of it; by default the only one there is.
        port: serial port of a board that avrdude or esptool programs.
        progress: gets one bar without steps.

    Returns:
        What was done, as a sentence.

    Raises:
        ToolMissingError: pyOCD, avrdude, esptool, the probe or the boot drive is missing, or pyOCD does not know the
            target yet.
        ConfigError: pyOCD has no such target at all; a port that is missing or too much.
        CheckFailedError: programming failed.
    """
    drive = find_boot_drive(UF2_CHIPS[board.uf2]) if board.uf2 and not probe else None
    if drive is not None:
        return _copy_uf2(board, image, drive)
    if board.avrdude:
        with progress.stage(f"Programming {board.name}"):
            return _run_avrdude(board, image, port)
    if board.esptool:
        with progress.stage(f"Programming {board.name}"):
            return _run_esptool(board, image, port)
    if port:
        raise ConfigError(f"{board.name} is programmed through no port.", hint="Leave out --port.")
    if not board.pyocd:
        own = board.tool or "Its own tool takes it then."
        raise ConfigError(f"pyOCD has no target for {board.name}.", hint=f"Write a file with --out. {own}")
    if find_spec("pyocd") is None:
        raise _no_way(board, probe)
    with progress.stage(f"Programming {board.name}"):
        _run_pyocd(board, image, probe)
    return f"Programmed {board.name} through pyOCD and reset it."


def _no_way(board: Board, probe: str) -> ToolMissingError:
    """Without pyOCD; a board that also starts as a drive needs none."""
    install = "pip install 'edgedigits[flash]'"
    if not board.uf2 or probe:
        return ToolMissingError("pyOCD is not installed.", hint=f"Install it: {install}")
    drive = UF2_CHIPS[board.uf2].drive
    return ToolMissingError(
        f"No {drive} drive is mounted, and pyOCD is not installed, so there is no way onto {board.name}.",
        hint=f"Hold BOOTSEL while plugging the board in, install pyOCD ({install}), or write a file: --out FILE.uf2",
    )


def _copy_uf2(board: Board, image: Image, drive: Path) -> str:
    content = uf2_of(board, image)
    try:
        (drive / "edgedigits.uf2").write_bytes(content)
    except OSError as error:
        raise DataError(f"{drive} cannot be written: {error.strerror}.", hint="Plug the board in again.") from error
    return f"Copied {len(content):,} bytes of UF2 to {drive}; the board starts by itself."


def _run_pyocd(board: Board, image: Image, probe: str) -> None:
    # Without --no-wait pyOCD would wait for a probe for ever. It resets the board when it is done.
    command = [sys.executable, "-m", "pyocd", "load", "--no-wait", "--target", board.pyocd]
    command += [f"--uid={probe}"] if probe else []
    try:
        done = run_program([*command, "--format", "elf", str(image.path)], PROGRAM_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise CheckFailedError(
            f"pyOCD did not finish within {PROGRAM_TIMEOUT_S:g} s.",
            hint="Reset the board and the probe, and try again.",
        ) from None
    text = done.stdout + done.stderr
    if done.returncode != 0 or _says_no_probe(text):
        raise _pyocd_error(board, text)


def _says_no_probe(text: str) -> bool:
    lower = text.lower()
    return any(
        words in lower for words in ("no connected debug probes", "no available debug probe", "no target device")
    )


def _pyocd_error(board: Board, text: str) -> Exception:
    if _says_no_probe(text):
        drive = " Or hold BOOTSEL while plugging it in, for its boot drive." if board.uf2 else ""
        return ToolMissingError(
            "There is no debug probe.", hint=f"Plug in {board.name}, or its probe, and check the cable.{drive}"
        )
    if "not recognized" in text or "unknown target" in text.lower():
        return ToolMissingError(
            f"pyOCD does not know the target {board.pyocd} yet.",
            hint=f"Let it fetch the vendor's pack: pyocd pack install {board.pyocd}",
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if " E " in line or "error" in line.lower()), (lines or ["?"])[-1])
    return CheckFailedError(f"pyOCD cannot program {board.name}: {last[:200].rstrip('.')}.", hint="Try again with -v.")


def _require_port(board: Board, port: str) -> None:
    if not port:
        raise ConfigError(
            f"{board.name} is programmed through its serial port.", hint="Name it, such as --port /dev/ttyACM0."
        )


def _run_esptool(board: Board, image: Image, port: str) -> str:
    _require_port(board, port)
    if find_spec("esptool") is None:
        raise ToolMissingError("esptool is not installed.", hint="Install it: pip install 'edgedigits[flash]'")
    command = [sys.executable, "-m", "esptool", "--chip", board.esptool, "--port", port, "write-flash", "0x0"]
    with tempfile.TemporaryDirectory() as folder:
        flat = Path(folder) / "firmware.bin"
        flat.write_bytes(flat_of(image))
        try:
            done = run_program([*command, str(flat)], PROGRAM_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise CheckFailedError(
                f"esptool did not finish within {PROGRAM_TIMEOUT_S:g} s.", hint="Reset the board, and try again."
            ) from None
    if done.returncode != 0:
        said = (done.stdout + done.stderr).splitlines()
        lines = [re.sub(r"^.*fatal error occurred: ", "", line.strip()) for line in said if "error" in line.lower()]
        raise CheckFailedError(
            f"esptool cannot program {board.name} at {port}: {(lines or ['?'])[-1][:200].rstrip('.')}.",
            hint="Is it plugged in, and nothing else using the port? Else hold BOOT while pressing RESET.",
        )
    return f"Programmed {board.name} through esptool."


def _run_avrdude(board: Board, image: Image, port: str) -> str:
    _require_port(board, port)
    if shutil.which("avrdude") is None:
        raise ToolMissingError(
            "avrdude is not installed.", hint="Install it (Debian, Ubuntu: apt-get install avrdude)."
        )
    command = ["avrdude", *board.avrdude, "-q", "-P", port, "-U", f"flash:w:{image.path}:e"]
    try:
        done = run_program(command, PROGRAM_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise CheckFailedError(
            f"avrdude did not finish within {PROGRAM_TIMEOUT_S:g} s.", hint="Reset the board, and try again."
        ) from None
    if done.returncode != 0:
        lines = [re.sub(r"^avrdude[\w ]*: ", "", line.strip()) for line in done.stderr.splitlines() if line.strip()]
        raise CheckFailedError(
            f"avrdude cannot program {board.name} at {port}: {(lines or ['?'])[0][:200].rstrip('.')}.",
            hint="Is it plugged in, and nothing else using the port?",
        )
    return f"Programmed {board.name} through avrdude."
