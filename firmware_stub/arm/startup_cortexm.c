/*
 * Start-up for any Cortex-M: vector table, memory, floating point and vector unit. No interrupt is ever enabled.
 */
#include <stdint.h>

extern uint32_t __stack_top;
extern uint32_t __data_load, __data_start, __data_end;
extern uint32_t __bss_start, __bss_end;

int main(void);
void Reset_Handler(void);
void Fault_Handler(void);

/* Stays here after main() and after a fault; a harness replaces it by one that ends the emulator. */
__attribute__((weak, noreturn)) void stop(int status);
void stop(int status) {
    (void)status;
    for (;;) {
    }
}

void Fault_Handler(void) {
    stop(139);
}

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector_t;

/* Stack, reset, NMI, four faults and the system exceptions; the reserved ones trap too. */
__attribute__((section(".vectors"), used)) static const vector_t vectors[16] = {
    {.stack = &__stack_top},     {.handler = Reset_Handler}, {.handler = Fault_Handler}, {.handler = Fault_Handler},
    {.handler = Fault_Handler}, {.handler = Fault_Handler}, {.handler = Fault_Handler}, {.handler = Fault_Handler},
    {.handler = Fault_Handler}, {.handler = Fault_Handler}, {.handler = Fault_Handler}, {.handler = Fault_Handler},
    {.handler = Fault_Handler}, {.handler = Fault_Handler}, {.handler = Fault_Handler}, {.handler = Fault_Handler},
};

static void enable_coprocessors(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    /* CPACR: full access to CP10 and CP11. Without it the first float or vector instruction faults. */
    *(volatile uint32_t *)0xE000ED88u |= 0x00F00000u;
    __asm volatile("dsb\n\tisb" ::: "memory");
#endif
}

/* Volatile, or compilers turn the loops into calls and vector code before the vector unit is known to be on. */
static void initialise_memory(void) {
    const volatile uint32_t *from = &__data_load;
    for (volatile uint32_t *to = &__data_start; to < &__data_end;) {
        *to++ = *from++;
    }
    for (volatile uint32_t *to = &__bss_start; to < &__bss_end;) {
        *to++ = 0;
    }
}

void Reset_Handler(void) {
    enable_coprocessors();
    initialise_memory();
    stop(main());
}
