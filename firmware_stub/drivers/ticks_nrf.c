/*
 * Ticks from TIMER0 of Nordic's nRF51 and nRF52, at 16 MHz; the nRF51 has no SysTick.
 */
#include "platform.h"

#define TIMER(offset) (*(volatile uint32_t *)(0x40008000u + (offset)))
#define TASKS_START TIMER(0x000)
#define TASKS_CAPTURE0 TIMER(0x040)
#define MODE TIMER(0x504)
#define BITMODE TIMER(0x508)
#define PRESCALER TIMER(0x510)
#define CC0 TIMER(0x540)

void platform_ticks_init(void) {
    MODE = 0;      /* timer */
    BITMODE = 2;   /* 24 bits */
    PRESCALER = 0; /* 16 MHz */
    TASKS_START = 1;
}

uint32_t platform_ticks(void) {
    TASKS_CAPTURE0 = 1;
    return CC0 & PLATFORM_TICK_MASK;
}

uint32_t platform_tick_hz(void) {
    return 16000000u;
}
