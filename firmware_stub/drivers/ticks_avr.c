/*
 * Ticks from timer 1 of an ATmega, a 64th of its clock: 16 bits last for a quarter of a second at 16 MHz. Source as for uart_avr.c.
 */
#include "platform.h"

#define TCCR1B (*(volatile uint8_t *)0x81u)
#define TCNT1 (*(volatile uint16_t *)0x84u)

enum { A_64TH = 3 };

void platform_ticks_init(void) {
    TCCR1B = A_64TH;
}

uint32_t platform_ticks(void) {
    return TCNT1;
}

uint32_t platform_tick_hz(void) {
    return CLOCK_HZ / 64u;
}
