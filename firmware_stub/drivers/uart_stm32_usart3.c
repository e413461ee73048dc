/*
 * USART3 of the STM32F7 and STM32H7 on PD8 and PD9, which on Nucleo-144 boards is the debugger's serial port. The processor
 * stays on the oscillator that it starts with. Source: ST, RM0385 and RM0433.
 */
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#if defined(STM32H7)
#define RCC_GPIO_ENABLE REGISTER(0x580244E0u)
#define RCC_USART_ENABLE REGISTER(0x580244E8u)
#define GPIOD(offset) REGISTER(0x58020C00u + (offset))
#define PWR_CR3 REGISTER(0x5802480Cu)
#elif defined(STM32F7)
#define RCC_GPIO_ENABLE REGISTER(0x40023830u)
#define RCC_USART_ENABLE REGISTER(0x40023840u)
#define GPIOD(offset) REGISTER(0x40020C00u + (offset))
#else
#error "The board names no family of which this file knows the registers."
#endif
#define GPIOD_MODER GPIOD(0x00u)
#define GPIOD_AFRH GPIOD(0x24u)
#define USART3_CR1 REGISTER(0x40004800u)
#define USART3_BRR REGISTER(0x4000480Cu)
#define USART3_ISR REGISTER(0x4000481Cu)
#define USART3_RDR REGISTER(0x40004824u)
#define USART3_TDR REGISTER(0x40004828u)

enum { RXNE = 1 << 5, TXE = 1 << 7, UE = 1 << 0, RE = 1 << 2, TE = 1 << 3, BAUD = 115200 };

void platform_console_init(void) {
#if defined(STM32H7)
    PWR_CR3 = 1u << 1; /* the regulator alone, once and for all: until then the supply is not settled */
#endif
    RCC_GPIO_ENABLE |= 1u << 3;   /* GPIOD */
    RCC_USART_ENABLE |= 1u << 18; /* USART3 */
    GPIOD_MODER = (GPIOD_MODER & ~0xF0000u) | 0xA0000u;
    GPIOD_AFRH = (GPIOD_AFRH & ~0xFFu) | 0x77u;
    USART3_BRR = (CLOCK_HZ + BAUD / 2) / BAUD;
    USART3_CR1 = UE | TE | RE;
}

int platform_get(void) {
    while ((USART3_ISR & RXNE) == 0) {
    }
    return (int)(USART3_RDR & 0xFFu);
}

void platform_put(char character) {
    while ((USART3_ISR & TXE) == 0) {
    }
    USART3_TDR = (uint8_t)character;
}
