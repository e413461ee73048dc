"""Boards at hand: debug probes, serial ports, and an RP2040 that waits for firmware."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edgedigits.doctor.finding import Finding, State, fine

_USB = Path("/sys/bus/usb/devices")
_DEVICES = Path("/dev")
_PORTS = ("ttyACM*", "ttyUSB*", "cu.usb*")
_PROBES = {
    "0d28": "DAPLink",
    "0483": "ST-LINK",
    "1366": "J-Link",
    "2e8a": "Raspberry Pi",
    "1fc9": "NXP",
    "03eb": "Microchip EDBG",
    "c251": "Keil ULINK",
}
"""Makers of what pyOCD programs boards through, by their USB number."""


def examine_boards() -> Iterator[Finding]:
    """Say which boards are at hand and whether this user may talk to them; without any, nothing is wrong."""
    from edgedigits.devices.flashing import find_boot_drive
    from edgedigits.devices.uf2 import UF2_CHIPS

    yield from list(_probes()) or [Finding("boards", "debug probe", State.ABSENT, "none is plugged in")]
    yield from list(_ports()) or [Finding("boards", "serial port", State.ABSENT, "none of a board is there")]
    for chip in UF2_CHIPS.values():
        drive = find_boot_drive(chip)
        if drive is not None:
            yield fine("boards", f"{chip.name} boot drive", str(drive))


def _probes() -> Iterator[Finding]:
    for device in sorted(_USB.glob("*")):
        with suppress(OSError, ValueError):
            maker = _PROBES.get(_told(device, "idVendor"))
            if maker:
                node = (
                    _DEVICES / "bus/usb" / "/".join(f"{int(_told(device, name)):03}" for name in ("busnum", "devnum"))
                )
                yield _usable(
                    "debug probe", f"{maker}: {_told(device, 'product')}", node, "Install pyOCD's udev rules."
                )


def _told(device: Path, name: str) -> str:
    return (device / name).read_text(encoding="utf-8", errors="replace").strip()


def _ports() -> Iterator[Finding]:
    for path in sorted(found for pattern in _PORTS for found in _DEVICES.glob(pattern)):
        yield _usable("serial port", str(path), path, "sudo usermod -aG dialout $USER, then log in again")


def _usable(name: str, what: str, node: Path, remedy: str) -> Finding:
    if os.access(node, os.R_OK | os.W_OK):
        return fine("boards", name, what)
    return Finding("boards", name, State.WRONG, f"{what}: this user may not open {node}", remedy)
