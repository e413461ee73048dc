"""Firmware of boards that QEMU has not: it answers where its chip's registers are played as the manuals have them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.boards import find_board, load_boards
from edgedigits.devices.device import Device
from edgedigits.devices.firmware import build_firmware
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run as run_numpy
from edgedigits.model.reader import read_tflite
from tests.devices.conftest import toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import random_inputs
from tests.firmware.played_chip import Played, PlayedChip
from tests.tflite_builder import random_mlp

pytestmark = pytest.mark.slow


def usart_v1(rcc: tuple[tuple[int, int, int], ...], base: int) -> Played:
    """STM32F1, F4 (RM0008, RM0383): SR 0, DR 4, BRR 8, CR1 0x0C with UE 13, TE 3, RE 2; RXNE 5, TXE 7 of SR."""
    on = (base + 0x0C, 0x200C, 0x200C)
    return Played((*rcc, on), come=(base, 1 << 5), transmit=base + 4, receive=base + 4, ready={base: 1 << 7})


def usart_v2(rcc: tuple[tuple[int, int, int], ...]) -> Played:
    """USART3 of STM32F7, H7 (RM0385, RM0433): CR1 0 with UE 0, RE 2, TE 3; ISR 0x1C, RDR 0x24, TDR 0x28."""
    base = 0x40004800
    return Played(
        (*rcc, (base, 0xD, 0xD)),
        come=(base + 0x1C, 1 << 5),
        transmit=base + 0x28,
        receive=base + 0x24,
        ready={base + 0x1C: 1 << 7},
    )


def nrf52(txd: int, rxd: int) -> Played:
    """UART0 (nRF52 product specifications): started, on, its pins told, TXD high and an output, RXD an input."""
    gpio = [0x50000000 + 0x300 * (pin // 32) for pin in (txd, rxd)]
    require = (
        (0x40002500, 0xF, 4),
        (0x4000250C, 0xFFFFFFFF, txd),
        (0x40002514, 0xFFFFFFFF, rxd),
        (0x40002524, 0xFFFFFFFF, 0x01D7E000),
        (0x40002000, 1, 1),
        (0x40002008, 1, 1),
        (gpio[0] + 0x508, 1 << txd % 32, 1 << txd % 32),
        (gpio[0] + 0x518, 1 << txd % 32, 1 << txd % 32),
        (gpio[1] + 0x700 + 4 * (rxd % 32), 3, 0),
    )
    return Played(
        require,
        come=(0x40002108, 1),
        transmit=0x4000251C,
        receive=0x40002518,
        ready={0x40000100: 1},
        reset={gpio[1] + 0x700 + 4 * (rxd % 32): 2},
        gone=0x4000211C,
    )


def rp2(clocks: int, resets: int, bank: int, crystal: int, uart: int, needed: int, pads: int = 0) -> Played:
    """RP2040, RP2350: out of reset, GPIO 0 and 1 are the UART's (and their pads let signals through), clocks from the crystal."""
    require = (
        (resets, needed, 0),
        (bank + 4, 0x1F, 2),
        (bank + 12, 0x1F, 2),
        (crystal, 0xFFF000, 0xFAB000),
        (clocks + 0x30, 3, 2),
        (clocks + 0x48, 1 << 11, 1 << 11),
        (uart + 0x24, 0xFFFF, 6),
        (uart + 0x28, 0x3F, 33),
        (uart + 0x30, 0x301, 0x301),
        *(((pads + 4, 0x1C0, 0x40), (pads + 8, 0x1C0, 0x40)) if pads else ()),
    )
    return Played(
        require,
        come=(uart + 0x18, 0),
        empty=1 << 4,
        transmit=uart,
        receive=uart,
        ready={crystal + 4: 1 << 31, clocks + 0x38: 1 << 2, clocks + 0x44: 1, resets + 8: needed},
        reset={resets: 0xFFFFFFFF, **({pads + 4: 0x116, pads + 8: 0x116} if pads else {})},
    )


NRF53 = Played(
    require=(
        (0x50008500, 0xF, 8),
        (0x5000850C, 0xFFFFFFFF, 20),
        (0x50008514, 0xFFFFFFFF, 22),
        (0x50008524, 0xFFFFFFFF, 0x01D60000),
        (0x50008538, 0xFFFF, 1),
        (0x50008548, 0xFFFF, 1),
        (0x50008000, 1, 1),
        (0x50842508, 1 << 20, 1 << 20),
        (0x50842518, 1 << 20, 1 << 20),
        (0x50842500 + 0x200 + 4 * 22, 3, 0),
    ),
    come=(0x50008110, 1),
    transmit=0x50008008,
    ready={0x50005100: 1},
    reset={0x50842500 + 0x200 + 4 * 22: 2},
    gone=0x50008120,
    memory=(0x50008544, 0x50008534),
)
CHIPS = {
    "bluepill": usart_v1(
        ((0x40021018, 0x4004, 0x4004), (0x40010804, 0xFF0, 0x4B0), (0x40013808, 0xFFFF, round(8e6 / 115200))),
        0x40013800,
    ),
    "nucleo-f411re": usart_v1(
        (
            (0x40023830, 1, 1),
            (0x40023840, 1 << 17, 1 << 17),
            (0x40020000, 0xF0, 0xA0),
            (0x40020020, 0xFF00, 0x7700),
            (0x40004408, 0xFFFF, round(16e6 / 115200)),
        ),
        0x40004400,
    ),
    "nucleo-f746zg": usart_v2(
        (
            (0x40023830, 8, 8),
            (0x40023840, 1 << 18, 1 << 18),
            (0x40020C00, 0xF0000, 0xA0000),
            (0x40020C24, 0xFF, 0x77),
            (0x4000480C, 0xFFFF, round(16e6 / 115200)),
        )
    ),
    "nucleo-h743zi": usart_v2(
        (
            (0x5802480C, 7, 2),
            (0x580244E0, 8, 8),
            (0x580244E8, 1 << 18, 1 << 18),
            (0x58020C00, 0xF0000, 0xA0000),
            (0x58020C24, 0xFF, 0x77),
            (0x4000480C, 0xFFFF, round(64e6 / 115200)),
        )
    ),
    "microbit-v2": nrf52(6, 40),
    "nrf52840dk": nrf52(6, 8),
    "nrf5340dk": NRF53,
    "rp2040": rp2(0x40008000, 0x4000C000, 0x40014000, 0x40024000, 0x40034000, 1 << 5 | 1 << 8 | 1 << 22),
    "rp2350": rp2(0x40010000, 0x40020000, 0x40028000, 0x40048000, 0x40070000, 1 << 6 | 1 << 9 | 1 << 26, 0x40038000),
}
CHIPS["esp32-c3"] = Played(
    # Four watchdogs off and locked again; the ROM has set up the UART. FIFO 0, STATUS 0x1C: 0…9 have come, 16…25 are to go.
    require=(
        (0x6001F048, 0xFFFFFFFF, 0),
        (0x60020048, 0xFFFFFFFF, 0),
        (0x60008090, 0xFFFFFFFF, 0),
        (0x600080AC, 1 << 31, 1 << 31),
        *((lock, 0xFFFFFFFF, 0) for lock in (0x6001F064, 0x60020064, 0x600080A8, 0x600080B0)),
    ),
    come=(0x6000001C, 1),
    transmit=0x60000000,
    receive=0x60000000,
    ready={0x60023004: 1 << 29},
    reset={0x6001F048: 0xC8000, 0x60020048: 0xC8000, 0x60008090: 0x13214},
    mirror=0x3C000000,
    entry=8,
)
ALIKE = {"nucleo-f401re"}
"""The registers of another that is played."""


def test_every_board_that_qemu_has_not_is_played_or_held_elsewhere() -> None:
    boards = {name for name, board in load_boards().items() if board.firmware and not board.qemu}
    own = {"atmega1284p", "ch32v003"}
    assert boards == CHIPS.keys() | ALIKE | own


@pytest.mark.parametrize("name", CHIPS)
def test_it_answers_through_the_registers_of_its_chip(tmp_path: Path, name: str) -> None:
    pytest.importorskip("unicorn")
    board, model, inputs = find_board(name), random_mlp(8, sizes=(784, 12, 10), density=0.5), random_inputs(2)
    image = build_firmware(
        write_emitted_engine(tmp_path, model), board, toolchain_or_skip("zig", board.core), tmp_path / "f.elf"
    )
    firmware = board.support()
    chip = PlayedChip(board.core, image, int(firmware.flash_at, 16), int(firmware.ram_at, 16), CHIPS[name])

    device = Device(chip)
    identity = device.identify()
    run = device.run(inputs, identity)

    outputs = run_numpy(lower(read_tflite(model, "model.tflite")), inputs)
    assert np.array_equal(run.outputs, outputs) and run.resent == 0


def test_a_chip_that_is_not_set_up_says_nothing(tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    board = find_board("bluepill")
    image = build_firmware(
        write_emitted_engine(tmp_path, random_mlp(8, sizes=(784, 10))),
        board,
        toolchain_or_skip("zig", board.core),
        tmp_path / "f.elf",
    )
    other = replace(CHIPS["bluepill"], require=((0x40021018, 1 << 3, 1 << 3),))
    with pytest.raises(AssertionError, match="0x40021018 has 0x0 of 0x8"):
        PlayedChip(board.core, image, 0x08000000, 0x20000000, other)
