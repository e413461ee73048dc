/*
 * USART2 of the STM32F4 on PA2 and PA3, which on Nucleo boards is the debugger's serial port. The processor stays on the
 * 16 MHz oscillator that it starts with. Source: ST, RM0090 and RM0383.
 */
#define USART_BASE 0x40004400u
#include "usart.h"

#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define GPIOA_MODER REGISTER(0x40020000u)
#define GPIOA_AFRL REGISTER(0x40020020u)

void platform_console_init(void) {
    RCC_AHB1ENR |= 1u;       /* GPIOA */
    RCC_APB1ENR |= 1u << 17; /* USART2 */
    GPIOA_MODER = (GPIOA_MODER & ~0xF0u) | 0xA0u;
    GPIOA_AFRL = (GPIOA_AFRL & ~0xFF00u) | 0x7700u;
    usart_start();
}
