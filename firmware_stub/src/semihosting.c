#include "semihosting.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITEC = 0x03,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_READC = 0x07,
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
    ADP_STOPPED_RUN_TIME_ERROR = 0x20023,
    ADP_STOPPED_APPLICATION_EXIT = 0x20026,
};

#if defined(__riscv)
/* A breakpoint between two instructions that do nothing; the three must not lie across the end of a page. */
static uint32_t call(uint32_t operation, uintptr_t argument) {
    register uint32_t a0 __asm("a0") = operation;
    register uintptr_t a1 __asm("a1") = argument;
    __asm volatile(
        ".option push\n"
        ".option norvc\n"
        ".balign 16\n"
        "slli zero, zero, 0x1f\n"
        "ebreak\n"
        "srai zero, zero, 7\n"
        ".option pop\n"
        : "+r"(a0)
        : "r"(a1)
        : "memory");
    return a0;
}
#else
static uint32_t call(uint32_t operation, uintptr_t argument) {
    register uint32_t r0 __asm("r0") = operation;
    register uintptr_t r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0), "+r"(r1) : : "memory", "r2", "r3", "r12", "lr", "cc");
    return r0;
}
#endif

static uint32_t call_block(uint32_t operation, uint32_t first, uintptr_t second, uint32_t third) {
    volatile uint32_t block[3] = {first, (uint32_t)second, third};
    return call(operation, (uintptr_t)block);
}

int32_t semihosting_open(const char *name, size_t length, int mode) {
    volatile uint32_t block[3] = {(uint32_t)(uintptr_t)name, (uint32_t)mode, (uint32_t)length};
    return (int32_t)call(SYS_OPEN, (uintptr_t)block);
}

size_t semihosting_read(int32_t file, void *to, size_t count) {
    return call_block(SYS_READ, (uint32_t)file, (uintptr_t)to, (uint32_t)count);
}

size_t semihosting_write(int32_t file, const void *from, size_t count) {
    return call_block(SYS_WRITE, (uint32_t)file, (uintptr_t)from, (uint32_t)count);
}

void semihosting_close(int32_t file) {
    volatile uint32_t block[1] = {(uint32_t)file};
    (void)call(SYS_CLOSE, (uintptr_t)block);
}

void semihosting_put(char character) {
    volatile char one = character;
    (void)call(SYS_WRITEC, (uintptr_t)&one);
}

int semihosting_get(void) {
    return (int)call(SYS_READC, 0);
}

void semihosting_exit(int status) {
    volatile uint32_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)status};
    (void)call(SYS_EXIT_EXTENDED, (uintptr_t)block);
    /* A debugger that does not know the extended exit comes back. */
    for (;;) {
        (void)call(SYS_EXIT, status == 0 ? ADP_STOPPED_APPLICATION_EXIT : ADP_STOPPED_RUN_TIME_ERROR);
    }
}
