/*
 * A 16550 UART as QEMU's RISC-V machines have it; the emulator does not care for the speed.
 */
#include "platform.h"

#define UART(offset) (*(volatile uint8_t *)(UART_BASE + (offset)))
#define DATA UART(0)
#define LINE_CONTROL UART(3)
#define LINE_STATUS UART(5)

enum { RX_READY = 1, TX_EMPTY = 1 << 5, EIGHT_BITS = 3 };

void platform_console_init(void) {
    LINE_CONTROL = EIGHT_BITS;
}

int platform_get(void) {
    while ((LINE_STATUS & RX_READY) == 0) {
    }
    return DATA;
}

void platform_put(char character) {
    while ((LINE_STATUS & TX_EMPTY) == 0) {
    }
    DATA = (uint8_t)character;
}
