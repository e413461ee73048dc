/*
 * The console through the debugger or the emulator instead of a UART.
 */
#include "platform.h"
#include "semihosting.h"

__attribute__((noreturn)) void stop(int status);

void stop(int status) {
    semihosting_exit(status);
}

void platform_console_init(void) {
}

int platform_get(void) {
    return semihosting_get();
}

void platform_put(char character) {
    semihosting_put(character);
}
