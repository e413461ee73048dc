/*
 * Ticks from mtime, the clock that every RISC-V core has beside it. The board says where it is and how fast.
 */
#include "platform.h"

void platform_ticks_init(void) {
}

uint32_t platform_ticks(void) {
    return *(volatile uint32_t *)MTIME_BASE & PLATFORM_TICK_MASK;
}

uint32_t platform_tick_hz(void) {
    return MTIME_HZ;
}
