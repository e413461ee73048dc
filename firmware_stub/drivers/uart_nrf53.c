/*
 * UARTE0 of the nRF5340's application core in secure state, a byte at a time. The board names two pins of port 0. Source: nRF5340
 * product specification, "UARTE", "CLOCK" and "GPIO".
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define TASKS_HFCLKSTART REGISTER(0x50005000u)
#define EVENTS_HFCLKSTARTED REGISTER(0x50005100u)
#define UARTE(offset) REGISTER(0x50008000u + (offset))
#define TASKS_STARTRX UARTE(0x000u)
#define TASKS_STARTTX UARTE(0x008u)
#define EVENTS_ENDRX UARTE(0x110u)
#define EVENTS_ENDTX UARTE(0x120u)
#define SHORTS UARTE(0x200u)
#define ENABLE UARTE(0x500u)
#define PSEL_TXD UARTE(0x50Cu)
#define PSEL_RXD UARTE(0x514u)
#define BAUDRATE UARTE(0x524u)
#define RXD_PTR UARTE(0x534u)
#define RXD_MAXCNT UARTE(0x538u)
#define TXD_PTR UARTE(0x544u)
#define TXD_MAXCNT UARTE(0x548u)
#define GPIO(offset) REGISTER(0x50842500u + (offset))
#define GPIO_OUTSET GPIO(0x008u)
#define GPIO_DIRSET GPIO(0x018u)
#define GPIO_PIN_CNF(pin) GPIO(0x200u + 4u * (pin))

#define BAUD_115200 0x01D60000u
#define ENDRX_STARTRX (1u << 5)

/* In RAM, where the UARTE reads and writes by itself. */
static volatile uint8_t received, sent;

static uint32_t place_of(volatile uint8_t *byte) {
    return (uint32_t)(uintptr_t)byte;
}

void platform_console_init(void) {
    /* The crystal: the internal oscillator is too far off for a UART. Emulators have none, so the wait ends. */
    TASKS_HFCLKSTART = 1;
    for (uint32_t waited = 0; EVENTS_HFCLKSTARTED == 0 && waited < 100000u; waited++) {
    }
    GPIO_OUTSET = 1u << PIN_TXD;
    GPIO_DIRSET = 1u << PIN_TXD;
    GPIO_PIN_CNF(PIN_RXD) = 0; /* input, connected, no pull */
    PSEL_TXD = PIN_TXD;
    PSEL_RXD = PIN_RXD;
    BAUDRATE = BAUD_115200;
    RXD_PTR = place_of(&received);
    RXD_MAXCNT = 1;
    TXD_PTR = place_of(&sent);
    TXD_MAXCNT = 1;
    SHORTS = ENDRX_STARTRX;
    ENABLE = 8;
    TASKS_STARTRX = 1;
}

int platform_get(void) {
    while (EVENTS_ENDRX == 0) {
    }
    EVENTS_ENDRX = 0;
    return (int)received;
}

void platform_put(char character) {
    sent = (uint8_t)character;
    EVENTS_ENDTX = 0;
    TASKS_STARTTX = 1;
    while (EVENTS_ENDTX == 0) {
    }
}
