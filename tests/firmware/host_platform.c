/* A host as a board: the console is stdin and stdout, the clock counts its own readings. */
#include <stdio.h>

#include "platform.h"

void platform_console_init(void) {
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
}

int platform_get(void) {
    return getchar();
}

void platform_put(char character) {
    putchar(character);
    if (character == '\n') {
        fflush(stdout);
    }
}

void platform_ticks_init(void) {
}

#ifndef TICKS_A_READING
#define TICKS_A_READING 7u
#endif

/* So many ticks each inference takes; the clock wraps in the middle of a test. */
uint32_t platform_ticks(void) {
    static uint32_t now = PLATFORM_TICK_MASK - 100u;
    now = (now + TICKS_A_READING) & PLATFORM_TICK_MASK;
    return now;
}

uint32_t platform_tick_hz(void) {
    return 1000u;
}
