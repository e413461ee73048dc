/*
 * USART1 of the STM32F1 on PA9 and PA10. The processor stays on the 8 MHz oscillator that it starts with.
 * Source: ST, RM0008.
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_APB2ENR REGISTER(0x40021018u)
#define GPIOA_CRH REGISTER(0x40010804u)
#define USART1_SR REGISTER(0x40013800u)
#define USART1_DR REGISTER(0x40013804u)
#define USART1_BRR REGISTER(0x40013808u)
#define USART1_CR1 REGISTER(0x4001380Cu)

enum { RXNE = 1 << 5, TXE = 1 << 7, UE = 1 << 13, TE = 1 << 3, RE = 1 << 2, BAUD = 115200 };

void platform_console_init(void) {
    RCC_APB2ENR |= 1u << 14 | 1u << 2; /* USART1, GPIOA */
    GPIOA_CRH = (GPIOA_CRH & ~0xFF0u) | 0x4B0u; /* PA9: the USART's, push-pull; PA10: input */
    USART1_BRR = (CLOCK_HZ + BAUD / 2) / BAUD;
    USART1_CR1 = UE | TE | RE;
}

int platform_get(void) {
    while ((USART1_SR & RXNE) == 0) {
    }
    return (int)(USART1_DR & 0xFFu);
}

void platform_put(char character) {
    while ((USART1_SR & TXE) == 0) {
    }
    USART1_DR = (uint8_t)character;
}
