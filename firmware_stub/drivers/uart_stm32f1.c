/*
 * USART1 of the STM32F1 on PA9 and PA10. The processor stays on the 8 MHz oscillator that it starts with.
 * Source: ST, RM0008.
 */
#define USART_BASE 0x40013800u
#include "usart.h"

#define RCC_APB2ENR REGISTER(0x40021018u)
#define GPIOA_CRH REGISTER(0x40010804u)

void platform_console_init(void) {
    RCC_APB2ENR |= 1u << 14 | 1u << 2; /* USART1, GPIOA */
    GPIOA_CRH = (GPIOA_CRH & ~0xFF0u) | 0x4B0u; /* PA9: the USART's, push-pull; PA10: input */
    usart_start();
}
