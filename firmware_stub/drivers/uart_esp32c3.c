/*
 * UART0 of the ESP32-C3 on GPIO 20 and 21 as its boot ROM leaves it: 115,200 baud, from the crystal. The watchdogs that guard the boot
 * are switched off, or they would reset the chip. Source: Espressif, ESP32-C3 Technical Reference Manual, "UART Controller" and
 * "Watchdog Timers".
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_FIFO REGISTER(0x60000000u)
#define UART_STATUS REGISTER(0x6000001Cu)
#define RTC_WDTCONFIG0 REGISTER(0x60008090u)
#define RTC_WDTWPROTECT REGISTER(0x600080A8u)
#define RTC_SWD_CONF REGISTER(0x600080ACu)
#define RTC_SWD_WPROTECT REGISTER(0x600080B0u)
#define TIMG_WDTCONFIG0(group) REGISTER(0x6001F048u + 0x1000u * (group))
#define TIMG_WDTWPROTECT(group) REGISTER(0x6001F064u + 0x1000u * (group))

#define WDT_KEY 0x50D83AA1u
#define SWD_KEY 0x8F1D312Au
#define SWD_AUTO_FEED (1u << 31)
#define RECEIVED(status) ((status) & 0x3FFu)
#define TO_SEND(status) ((status) >> 16 & 0x3FFu)

enum { TX_FIFO_BYTES = 128 };

void platform_console_init(void) {
    for (uint32_t group = 0; group < 2; group++) {
        TIMG_WDTWPROTECT(group) = WDT_KEY;
        TIMG_WDTCONFIG0(group) = 0;
        TIMG_WDTWPROTECT(group) = 0;
    }
    RTC_WDTWPROTECT = WDT_KEY;
    RTC_WDTCONFIG0 = 0;
    RTC_WDTWPROTECT = 0;
    RTC_SWD_WPROTECT = SWD_KEY;
    RTC_SWD_CONF |= SWD_AUTO_FEED;
    RTC_SWD_WPROTECT = 0;
}

int platform_get(void) {
    while (RECEIVED(UART_STATUS) == 0) {
    }
    return (int)(UART_FIFO & 0xFFu);
}

void platform_put(char character) {
    while (TO_SEND(UART_STATUS) >= TX_FIFO_BYTES) {
    }
    UART_FIFO = (uint8_t)character;
}
