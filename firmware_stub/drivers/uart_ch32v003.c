/*
 * USART1 of the CH32V003 on PD5 (TX) and PD6 (RX). The processor starts at a third of its oscillator and is set to all of it, 24 MHz,
 * which flash follows without waiting. Source: WCH, CH32V003 Reference Manual.
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_CFGR0 REGISTER(0x40021004u)
#define RCC_APB2PCENR REGISTER(0x40021018u)
#define GPIOD_CFGLR REGISTER(0x40011400u)
#define USART1_STATR REGISTER(0x40013800u)
#define USART1_DATAR REGISTER(0x40013804u)
#define USART1_BRR REGISTER(0x40013808u)
#define USART1_CTLR1 REGISTER(0x4001380Cu)

enum { RXNE = 1 << 5, TXE = 1 << 7, UE = 1 << 13, TE = 1 << 3, RE = 1 << 2, BAUD = 115200 };

void platform_console_init(void) {
    RCC_CFGR0 &= ~0xF0u;
    RCC_APB2PCENR |= 1u << 14 | 1u << 5; /* USART1, GPIOD */
    GPIOD_CFGLR = (GPIOD_CFGLR & ~0x0FF00000u) | 0x04B00000u;
    USART1_BRR = (CLOCK_HZ + BAUD / 2) / BAUD;
    USART1_CTLR1 = UE | TE | RE;
}

int platform_get(void) {
    while ((USART1_STATR & RXNE) == 0) {
    }
    return (int)(USART1_DATAR & 0xFFu);
}

void platform_put(char character) {
    while ((USART1_STATR & TXE) == 0) {
    }
    USART1_DATAR = (uint8_t)character;
}
