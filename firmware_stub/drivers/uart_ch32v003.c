/*
 * USART1 of the CH32V003 on PD5 (TX) and PD6 (RX). The processor starts at a third of its oscillator and is set to all of it, 24 MHz,
 * which flash follows without waiting. Source: WCH, CH32V003 Reference Manual.
 */
#define USART_BASE 0x40013800u
#include "usart.h"

#define RCC_CFGR0 REGISTER(0x40021004u)
#define RCC_APB2PCENR REGISTER(0x40021018u)
#define GPIOD_CFGLR REGISTER(0x40011400u)

void platform_console_init(void) {
    RCC_CFGR0 &= ~0xF0u;
    RCC_APB2PCENR |= 1u << 14 | 1u << 5; /* USART1, GPIOD */
    GPIOD_CFGLR = (GPIOD_CFGLR & ~0x0FF00000u) | 0x04B00000u;
    usart_start();
}
