/*
 * Ticks from the ESP32-C3's system timer: 16 MHz from the crystal, whatever the processor's clock is. Source: Espressif, ESP32-C3
 * Technical Reference Manual, "System Timer".
 */
#include "platform.h"

#define SYSTIMER(offset) (*(volatile uint32_t *)(0x60023000u + (offset)))
#define CONF SYSTIMER(0x00u)
#define UNIT0_OP SYSTIMER(0x04u)
#define UNIT0_VALUE_LO SYSTIMER(0x44u)

#define UNIT0_WORKS (1u << 30)
#define UPDATE (1u << 30)
#define VALID (1u << 29)

void platform_ticks_init(void) {
    CONF |= UNIT0_WORKS;
}

uint32_t platform_ticks(void) {
    UNIT0_OP = UPDATE;
    while ((UNIT0_OP & VALID) == 0) {
    }
    return UNIT0_VALUE_LO & PLATFORM_TICK_MASK;
}

uint32_t platform_tick_hz(void) {
    return 16000000u;
}
