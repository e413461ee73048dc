/*
 * The UART of Arm's MPS2 and MPS3 boards. Source: Arm, Cortex-M System Design Kit, "APB UART".
 */
#include "platform.h"

#define UART(offset) (*(volatile uint32_t *)(UART_BASE + (offset)))
#define DATA UART(0x00)
#define STATE UART(0x04)
#define CTRL UART(0x08)
#define BAUDDIV UART(0x10)

enum { TX_FULL = 1, RX_FULL = 2, TX_ENABLE = 1, RX_ENABLE = 2, BAUD = 115200 };

void platform_console_init(void) {
    BAUDDIV = UART_CLOCK_HZ / BAUD;
    CTRL = TX_ENABLE | RX_ENABLE;
}

int platform_get(void) {
    while ((STATE & RX_FULL) == 0) {
    }
    return (int)(DATA & 0xFFu);
}

void platform_put(char character) {
    while ((STATE & TX_FULL) != 0) {
    }
    DATA = (uint8_t)character;
}
