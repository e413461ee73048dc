/*
 * UART0 of the RP2040 and the RP2350 on GPIO 0 and 1, and their 12 MHz crystal as the clock of everything. Source: Raspberry Pi,
 * RP2040 datasheet, chapters 2.14 to 2.16, 2.19 and 4.2; RP2350 datasheet, chapters 7.5, 8.1, 8.2, 9.11 and 12.1.
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#if defined(RP2040)
#define CLOCKS(offset) REGISTER(0x40008000u + (offset))
#define RESETS(offset) REGISTER(0x4000C000u + (offset))
#define IO_BANK0(offset) REGISTER(0x40014000u + (offset))
#define XOSC(offset) REGISTER(0x40024000u + (offset))
#define UART(offset) REGISTER(0x40034000u + (offset))
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_UART0 (1u << 22)
#elif defined(RP2350)
#define CLOCKS(offset) REGISTER(0x40010000u + (offset))
#define RESETS(offset) REGISTER(0x40020000u + (offset))
#define IO_BANK0(offset) REGISTER(0x40028000u + (offset))
#define PADS_BANK0(offset) REGISTER(0x40038000u + (offset))
#define XOSC(offset) REGISTER(0x40048000u + (offset))
#define UART(offset) REGISTER(0x40070000u + (offset))
#define RESET_IO_BANK0 (1u << 6)
#define RESET_PADS_BANK0 (1u << 9)
#define RESET_UART0 (1u << 26)
#else
#error "The board names no chip of which this file knows the registers."
#endif
#define CLK_REF_CTRL CLOCKS(0x30u)
#define CLK_REF_SELECTED CLOCKS(0x38u)
#define CLK_SYS_CTRL CLOCKS(0x3Cu)
#define CLK_SYS_SELECTED CLOCKS(0x44u)
#define CLK_PERI_CTRL CLOCKS(0x48u)
#define RESETS_RESET RESETS(0x0u)
#define RESETS_DONE RESETS(0x8u)
#define GPIO0_CTRL IO_BANK0(0x04u)
#define GPIO1_CTRL IO_BANK0(0x0Cu)
#define XOSC_CTRL XOSC(0x0u)
#define XOSC_STATUS XOSC(0x4u)
#define XOSC_STARTUP XOSC(0xCu)
#define UART_DR UART(0x00u)
#define UART_FR UART(0x18u)
#define UART_IBRD UART(0x24u)
#define UART_FBRD UART(0x28u)
#define UART_LCR_H UART(0x2Cu)
#define UART_CR UART(0x30u)

#define FUNCTION_UART 2u

enum { TX_FULL = 1 << 5, RX_EMPTY = 1 << 4 };

static void clock_from_crystal(void) {
    XOSC_STARTUP = 47;       /* about 1 ms, in units of 256 periods */
    XOSC_CTRL = 0x00FABAA0u; /* on; 1 to 15 MHz */
    while ((XOSC_STATUS >> 31) == 0) {
    }
    CLK_REF_CTRL = 2; /* the crystal */
    while ((CLK_REF_SELECTED & (1u << 2)) == 0) {
    }
    CLK_SYS_CTRL = 0; /* the reference */
    while ((CLK_SYS_SELECTED & 1u) == 0) {
    }
    CLK_PERI_CTRL = 1u << 11; /* on, from the system's clock */
}

void platform_console_init(void) {
    const uint32_t needed = RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_UART0;
    clock_from_crystal();
    RESETS_RESET &= ~needed;
    while ((RESETS_DONE & needed) != needed) {
    }
#if defined(RP2350)
    /* Pads are cut off and read nothing until they are told otherwise: input on, 4 mA, Schmitt trigger; RX pulled up. */
    PADS_BANK0(0x4u) = 0x52;
    PADS_BANK0(0x8u) = 0x5A;
#endif
    GPIO0_CTRL = FUNCTION_UART;
    GPIO1_CTRL = FUNCTION_UART;
    /* 12 MHz / (16 × 115,200) = 6 + 33/64 */
    UART_IBRD = 6;
    UART_FBRD = 33;
    UART_LCR_H = 0x70; /* 8 bits, FIFOs */
    UART_CR = 0x301;   /* on, both directions */
}

int platform_get(void) {
    while ((UART_FR & RX_EMPTY) != 0) {
    }
    return (int)(UART_DR & 0xFFu);
}

void platform_put(char character) {
    while ((UART_FR & TX_FULL) != 0) {
    }
    UART_DR = (uint8_t)character;
}
