/*
 * Start-up for an AVR: zero register, stack, memory. No interrupt is ever enabled, so there is no vector but that of the reset.
 * Start values of variables are copied by LPM, out of the first 64 KiB.
 */
#include <stdint.h>

extern const __flash uint8_t __data_load[];
extern uint8_t __data_start[], __data_end[];
extern uint8_t __bss_start[], __bss_end[];

int main(void);
void Reset_Handler(void);
void start_in_c(void);

/* The stack pointer is at 0x3D, the flags at 0x3F. */
__attribute__((naked, used, section(".vectors"))) void Reset_Handler(void) {
    __asm volatile(
        "clr r1\n"
        "out 0x3F, r1\n"
        "ldi r28, lo8(__stack_top)\n"
        "ldi r29, hi8(__stack_top)\n"
        "out 0x3E, r29\n"
        "out 0x3D, r28\n"
        "jmp start_in_c\n");
}

/* Volatile, or compilers turn the loops into calls of memcpy and memset. */
__attribute__((used, noreturn)) void start_in_c(void) {
    const __flash uint8_t *from = __data_load;
    for (volatile uint8_t *to = __data_start; to < __data_end;) {
        *to++ = *from++;
    }
    for (volatile uint8_t *to = __bss_start; to < __bss_end;) {
        *to++ = 0;
    }
    (void)main();
    for (;;) {
    }
}
