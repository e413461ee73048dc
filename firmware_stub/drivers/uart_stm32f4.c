/*
 * USART2 of the STM32F4 on PA2 and PA3, which on Nucleo boards is the debugger's serial port. The processor stays on the
 * 16 MHz oscillator that it starts with. Source: ST, RM0090 and RM0383.
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define GPIOA_MODER REGISTER(0x40020000u)
#define GPIOA_AFRL REGISTER(0x40020020u)
#define USART2_SR REGISTER(0x40004400u)
#define USART2_DR REGISTER(0x40004404u)
#define USART2_BRR REGISTER(0x40004408u)
#define USART2_CR1 REGISTER(0x4000440Cu)

enum { RXNE = 1 << 5, TXE = 1 << 7, UE = 1 << 13, TE = 1 << 3, RE = 1 << 2, BAUD = 115200 };

void platform_console_init(void) {
    RCC_AHB1ENR |= 1u;       /* GPIOA */
    RCC_APB1ENR |= 1u << 17; /* USART2 */
    GPIOA_MODER = (GPIOA_MODER & ~0xF0u) | 0xA0u;
    GPIOA_AFRL = (GPIOA_AFRL & ~0xFF00u) | 0x7700u;
    USART2_BRR = (CLOCK_HZ + BAUD / 2) / BAUD;
    USART2_CR1 = UE | TE | RE;
}

int platform_get(void) {
    while ((USART2_SR & RXNE) == 0) {
    }
    return (int)(USART2_DR & 0xFFu);
}

void platform_put(char character) {
    while ((USART2_SR & TXE) == 0) {
    }
    USART2_DR = (uint8_t)character;
}
