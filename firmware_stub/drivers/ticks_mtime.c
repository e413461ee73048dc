/*
 * Ticks from mtime, the clock that every RISC-V core has beside it. The board's header says where it is and how fast.
 */
#include "board.h"
#include "platform.h"

void platform_ticks_init(void) {
}

uint32_t platform_ticks(void) {
    return *(volatile uint32_t *)MTIME_BASE & PLATFORM_TICK_MASK;
}

uint32_t platform_tick_hz(void) {
    return MTIME_HZ;
}
