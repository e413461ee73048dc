/*
 * The UART without DMA of Nordic's nRF51 and nRF52. The board names the pins. Source: nRF52840 product
 * specification, "UART", "CLOCK" and "GPIO".
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define TASKS_HFCLKSTART REGISTER(0x40000000u)
#define EVENTS_HFCLKSTARTED REGISTER(0x40000100u)
#define TASKS_STARTRX REGISTER(0x40002000u)
#define TASKS_STARTTX REGISTER(0x40002008u)
#define EVENTS_RXDRDY REGISTER(0x40002108u)
#define EVENTS_TXDRDY REGISTER(0x4000211Cu)
#define ENABLE REGISTER(0x40002500u)
#define PSEL_TXD REGISTER(0x4000250Cu)
#define PSEL_RXD REGISTER(0x40002514u)
#define RXD REGISTER(0x40002518u)
#define TXD REGISTER(0x4000251Cu)
#define BAUDRATE REGISTER(0x40002524u)
/* Pins are counted on through the ports, of 32 each. */
#define GPIO(pin, offset) REGISTER(0x50000500u + 0x300u * ((pin) / 32u) + (offset))
#define GPIO_OUTSET(pin) GPIO(pin, 0x008u)
#define GPIO_DIRSET(pin) GPIO(pin, 0x018u)
#define GPIO_PIN_CNF(pin) GPIO(pin, 0x200u + 4u * ((pin) % 32u))

#define BAUD_115200 0x01D7E000u

void platform_console_init(void) {
    /* The crystal: the internal oscillator is too far off for a UART. Emulators have none, so the wait ends. */
    TASKS_HFCLKSTART = 1;
    for (uint32_t waited = 0; EVENTS_HFCLKSTARTED == 0 && waited < 100000u; waited++) {
    }
    GPIO_OUTSET(PIN_TXD) = 1u << PIN_TXD % 32u;
    GPIO_DIRSET(PIN_TXD) = 1u << PIN_TXD % 32u;
    GPIO_PIN_CNF(PIN_RXD) = 0; /* input, connected, no pull */
    PSEL_TXD = PIN_TXD;
    PSEL_RXD = PIN_RXD;
    BAUDRATE = BAUD_115200;
    ENABLE = 4;
    TASKS_STARTTX = 1;
    TASKS_STARTRX = 1;
}

int platform_get(void) {
    while (EVENTS_RXDRDY == 0) {
    }
    EVENTS_RXDRDY = 0;
    return (int)(RXD & 0xFFu);
}

void platform_put(char character) {
    EVENTS_TXDRDY = 0;
    TXD = (uint8_t)character;
    while (EVENTS_TXDRDY == 0) {
    }
}
