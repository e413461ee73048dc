/*
 * Ticks from SysTick at the processor's clock: cycles. The board says how fast that is.
 */
#include "platform.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)

void platform_ticks_init(void) {
    SYST_RVR = PLATFORM_TICK_MASK;
    SYST_CVR = 0;
    SYST_CSR = 5; /* on, no interrupt, the processor's clock */
}

uint32_t platform_ticks(void) {
    return PLATFORM_TICK_MASK - SYST_CVR; /* it counts down */
}

uint32_t platform_tick_hz(void) {
    return CLOCK_HZ;
}
