/*
 * Firmware around an emitted engine: tests itself, then answers the line protocol of protocol.h for ever.
 */
#include "platform.h"
#include "protocol.h"

int main(void) {
    platform_console_init();
    platform_ticks_init();
    int failed = protocol_begin();
    while (protocol_serve()) {
    }
    return failed;
}
