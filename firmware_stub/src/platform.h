/*
 * What a board must offer: a console and a clock. One file of drivers/ implements each half.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stdint.h>

/* Sets up clocks, pins and the serial port: 115,200 baud, 8 data bits, no parity, 1 stop bit. */
void platform_console_init(void);

/* Waits for one character, 0 to 255; below 0 when there will never be one again. */
int platform_get(void);

/* Sends one character, waiting until there is room for it. */
void platform_put(char character);

/* Starts the clock below. */
void platform_ticks_init(void);

/* A clock that counts up and wraps around after PLATFORM_TICK_MASK. */
uint32_t platform_ticks(void);

/* Ticks per second of that clock. */
uint32_t platform_tick_hz(void);

#ifndef PLATFORM_TICK_MASK
#define PLATFORM_TICK_MASK 0x00FFFFFFu
#endif

#endif
