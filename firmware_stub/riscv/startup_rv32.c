/*
 * Start-up for a 32-bit RISC-V core in machine mode: stack, memory, and a trap handler. No interrupt is ever enabled.
 */
#include <stdint.h>

extern uint32_t __data_load, __data_start, __data_end;
extern uint32_t __bss_start, __bss_end;

int main(void);
void Reset_Handler(void);
void Trap_Handler(void);
void start_in_c(void);

/* Stays here after main() and after a trap; a harness replaces it by one that ends the emulator. */
__attribute__((weak, noreturn)) void stop(int status);
void stop(int status) {
    (void)status;
    for (;;) {
    }
}

/* mtvec wants an address that is a multiple of 4. */
__attribute__((aligned(4), used)) void Trap_Handler(void) {
    stop(139);
}

/* The first instructions of the program, at the start of its memory. */
__attribute__((naked, used, section(".init"))) void Reset_Handler(void) {
    __asm volatile(
        ".option push\n"
        ".option arch, +zicsr\n"
        "la sp, __stack_top\n"
        "la t0, Trap_Handler\n"
        "csrw mtvec, t0\n"
        ".option pop\n"
        "j start_in_c\n");
}

/* Volatile, or compilers turn the loops into calls of memcpy and memset. */
__attribute__((used)) void start_in_c(void) {
    const volatile uint32_t *from = &__data_load;
    for (volatile uint32_t *to = &__data_start; to < &__data_end;) {
        *to++ = *from++;
    }
    for (volatile uint32_t *to = &__bss_start; to < &__bss_end;) {
        *to++ = 0;
    }
    stop(main());
}
