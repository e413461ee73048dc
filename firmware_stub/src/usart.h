/*
 * The USART that STM32F1, STM32F4 and CH32V003 have in common. Each has one driver, which says where its registers begin,
 * USART_BASE, includes this, and gives it clock and pins before usart_start.
 */
#ifndef USART_H
#define USART_H

#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define USART_SR REGISTER(USART_BASE + 0x00u)
#define USART_DR REGISTER(USART_BASE + 0x04u)
#define USART_BRR REGISTER(USART_BASE + 0x08u)
#define USART_CR1 REGISTER(USART_BASE + 0x0Cu)

enum { RXNE = 1 << 5, TXE = 1 << 7, UE = 1 << 13, TE = 1 << 3, RE = 1 << 2, BAUD = 115200 };

static void usart_start(void) {
    USART_BRR = (CLOCK_HZ + BAUD / 2) / BAUD;
    USART_CR1 = UE | TE | RE;
}

int platform_get(void) {
    while ((USART_SR & RXNE) == 0) {
    }
    return (int)(USART_DR & 0xFFu);
}

void platform_put(char character) {
    while ((USART_SR & TXE) == 0) {
    }
    USART_DR = (uint8_t)character;
}

#endif
