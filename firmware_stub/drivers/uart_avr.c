/*
 * USART0 of an ATmega; on Arduino boards the USB serial port. Source: Microchip, data sheets of ATmega328P, 1284P and 2560, whose
 * registers lie at the same addresses.
 */
#include "platform.h"

#define UCSR0A (*(volatile uint8_t *)0xC0u)
#define UCSR0B (*(volatile uint8_t *)0xC1u)
#define UCSR0C (*(volatile uint8_t *)0xC2u)
#define UBRR0L (*(volatile uint8_t *)0xC4u)
#define UBRR0H (*(volatile uint8_t *)0xC5u)
#define UDR0 (*(volatile uint8_t *)0xC6u)

enum { RXC = 1 << 7, UDRE = 1 << 5, U2X = 1 << 1, RXEN = 1 << 4, TXEN = 1 << 3, EIGHT_BITS = 3 << 1 };

#define BAUD 115200u
#define DIVISOR ((CLOCK_HZ + 4u * BAUD) / (8u * BAUD) - 1u)

void platform_console_init(void) {
    UCSR0A = U2X;
    UBRR0H = (uint8_t)(DIVISOR >> 8);
    UBRR0L = (uint8_t)DIVISOR;
    UCSR0C = EIGHT_BITS;
    UCSR0B = RXEN | TXEN;
}

int platform_get(void) {
    while ((UCSR0A & RXC) == 0) {
    }
    return UDR0;
}

void platform_put(char character) {
    while ((UCSR0A & UDRE) == 0) {
    }
    UDR0 = (uint8_t)character;
}
