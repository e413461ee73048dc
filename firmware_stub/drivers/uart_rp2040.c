/*
 * UART0 of the RP2040 on GPIO 0 and 1, and its 12 MHz crystal as the clock of everything. Source: Raspberry Pi, RP2040
 * datasheet, chapters 2.14 to 2.16, 2.19 and 4.2.
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CLK_REF_CTRL REGISTER(0x40008030u)
#define CLK_REF_SELECTED REGISTER(0x40008038u)
#define CLK_SYS_CTRL REGISTER(0x4000803Cu)
#define CLK_SYS_SELECTED REGISTER(0x40008044u)
#define CLK_PERI_CTRL REGISTER(0x40008048u)
#define RESETS_RESET REGISTER(0x4000C000u)
#define RESETS_DONE REGISTER(0x4000C008u)
#define GPIO0_CTRL REGISTER(0x40014004u)
#define GPIO1_CTRL REGISTER(0x4001400Cu)
#define XOSC_CTRL REGISTER(0x40024000u)
#define XOSC_STATUS REGISTER(0x40024004u)
#define XOSC_STARTUP REGISTER(0x4002400Cu)
#define UART_DR REGISTER(0x40034000u)
#define UART_FR REGISTER(0x40034018u)
#define UART_IBRD REGISTER(0x40034024u)
#define UART_FBRD REGISTER(0x40034028u)
#define UART_LCR_H REGISTER(0x4003402Cu)
#define UART_CR REGISTER(0x40034030u)

#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_UART0 (1u << 22)
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
