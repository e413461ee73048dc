/*
 * Runs the engine on every image of a file, inside an emulator with semihosting. `edgedigits simulate --emulator qemu`
 * builds and runs it. Files, in the working directory of the emulator:
 *
 *   images.bin   n × MODEL_INPUT_SIZE bytes
 *   results.bin  n × (MODEL_OUTPUT_SIZE bytes of output, then 4 bytes of ticks, little-endian)
 *   facts.bin    three uint32: ticks of an empty call, deepest stack in bytes, images run
 *
 * The clock is SysTick on a Cortex-M, and mcycle on RISC-V. Ticks are NO_TICKS where it has wrapped around.
 *
 * It ends with 0, or with the reason below. A guard on both sides of each buffer tells what an engine writes beside it.
 */
#include "model.h"
#include "semihosting.h"

#if defined(__riscv)
#define TICK_MASK 0xFFFFFFFFu

static uint32_t ticks(void) {
    uint32_t now;
    __asm volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcycle\n.option pop" : "=r"(now) : : "memory");
    return now;
}

/* Many hours pass before it does. */
static int wrapped(void) {
    return 0;
}

static void restart_clock(void) {
}

static void start_clock(void) {
}
#else
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define SCB_CCR (*(volatile uint32_t *)0xE000ED14u)
#define TICK_MASK 0x00FFFFFFu
#define CCR_UNALIGN_TRP 8u
#define CSR_COUNTFLAG 0x10000u /* it has reached 0 since it was last looked at */

/* It counts down. */
static uint32_t ticks(void) {
    return TICK_MASK - SYST_CVR;
}

static int wrapped(void) {
    return (SYST_CSR & CSR_COUNTFLAG) != 0u;
}

static void restart_clock(void) {
    SYST_CVR = 0; /* clears the flag too, and goes on from SYST_RVR */
}

static void start_clock(void) {
#ifdef TRAP_UNALIGNED
    SCB_CCR |= CCR_UNALIGN_TRP;
#endif
    SYST_RVR = TICK_MASK;
    SYST_CVR = 0;
    SYST_CSR = 5; /* on, no interrupt, clock of the processor */
}
#endif

#define PAINT 0xA5C35A3Cu
#define PAINTED_WORDS 2048u
#define NO_TICKS 0xFFFFFFFFu
#define GUARD 16u /* bytes */

/* 139 is a fault's. */
enum { NO_FACTS = 1, NO_FILES = 2, NO_ROOM = 3, WRITES_BESIDE = 4, STACK_TOO_DEEP = 5 };

__attribute__((noreturn)) void stop(int status);

void stop(int status) {
    semihosting_exit(status);
}

typedef void invoke_t(const int8_t *input, int8_t *output, void *workspace);

/* One instruction, whatever the compiler: nothing may stand before or behind it. */
__attribute__((naked, noinline)) static void empty(const int8_t *input, int8_t *output, void *workspace) {
#if defined(__riscv)
    __asm volatile("ret");
#else
    __asm volatile("bx lr");
#endif
}

/* Each between two guards, and exactly as large as the engine says. */
static int8_t input[GUARD + MODEL_INPUT_SIZE + GUARD] __attribute__((aligned(4)));
static int8_t output[GUARD + MODEL_OUTPUT_SIZE + GUARD] __attribute__((aligned(4)));
static int8_t workspace[GUARD + MODEL_WORKSPACE_BYTES + GUARD] __attribute__((aligned(4)));

static int8_t guard_of(uint32_t place) {
    return (int8_t)(0x5Au ^ place);
}

/* Paints the guards around `size` bytes, or tells whether they are whole. */
static int guard(int8_t *buffer, uint32_t size, int paint) {
    int whole = 1;
    for (uint32_t i = 0; i < GUARD; i++) {
        int8_t *before = buffer + i;
        int8_t *behind = buffer + GUARD + size + i;
        if (paint) {
            *before = *behind = guard_of(i);
        }
        whole &= *before == guard_of(i) && *behind == guard_of(i);
    }
    return whole;
}

static int guards(int paint) {
    return guard(input, MODEL_INPUT_SIZE, paint) & guard(output, MODEL_OUTPUT_SIZE, paint) &
           guard(workspace, MODEL_WORKSPACE_BYTES, paint);
}

static volatile uint32_t *stack_pointer(void) {
    volatile uint32_t *here;
#if defined(__riscv)
    __asm volatile("mv %0, sp" : "=r"(here));
#else
    __asm volatile("mov %0, sp" : "=r"(here));
#endif
    return here;
}

typedef struct {
    uint32_t ticks;
    uint32_t stack; /* bytes */
} cost_t;

/*
 * Calls a function and measures it. Nothing lives below the stack pointer, since no interrupt is enabled, and this function
 * calls nothing else: the words there are free to be painted. Each word has a paint of its own, or a register that happens to
 * hold the paint and is saved there would not be seen. The function comes through a pointer that the compiler cannot see
 * through, so that any two are called in the same way.
 */
__attribute__((noinline)) static cost_t cost_of(invoke_t *volatile *function) {
    invoke_t *called = *function;
    volatile uint32_t *top = stack_pointer();
    for (uint32_t i = 1; i <= PAINTED_WORDS; i++) {
        *(top - i) = PAINT ^ i;
    }
    restart_clock();
    uint32_t before = ticks();
    called(input + GUARD, output + GUARD, workspace + GUARD);
    uint32_t taken = (ticks() - before) & TICK_MASK;
    taken = wrapped() ? NO_TICKS : taken;
    uint32_t words = PAINTED_WORDS;
    while (words > 0 && *(top - words) == (PAINT ^ words)) {
        words--;
    }
    return (cost_t){taken, 4u * words};
}

static void put_word(uint8_t *to, uint32_t word) {
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(word >> (8 * i));
    }
}

static int save_facts(const uint32_t facts[3]) {
    uint8_t bytes[12];
    for (int i = 0; i < 3; i++) {
        put_word(bytes + 4 * i, facts[i]);
    }
    int32_t file = semihosting_open("facts.bin", 9, SEMIHOSTING_WRITE_BINARY);
    if (file < 0 || semihosting_write(file, bytes, sizeof bytes) != 0) {
        return NO_FACTS;
    }
    semihosting_close(file);
    return 0;
}

/* Measures the engine on one image and writes down what came of it. */
static int run_image(invoke_t *volatile *model, int32_t results, uint32_t facts[3]) {
    uint8_t taken[4];
    cost_t cost = cost_of(model);
    if (!guards(0)) {
        return WRITES_BESIDE;
    }
    if (cost.stack >= 4u * PAINTED_WORDS) {
        return STACK_TOO_DEEP;
    }
    put_word(taken, cost.ticks);
    facts[1] = cost.stack > facts[1] ? cost.stack : facts[1];
    facts[2]++;
    int whole = semihosting_write(results, output + GUARD, MODEL_OUTPUT_SIZE) == 0 &&
                semihosting_write(results, taken, sizeof taken) == 0;
    return whole ? 0 : NO_ROOM;
}

int main(void) {
    static invoke_t *volatile nothing = empty;
    static invoke_t *volatile model = model_invoke;
    uint32_t facts[3] = {TICK_MASK, 0, 0};
    start_clock();
    (void)guards(1);
    int32_t images = semihosting_open("images.bin", 10, SEMIHOSTING_READ_BINARY);
    int32_t results = semihosting_open("results.bin", 11, SEMIHOSTING_WRITE_BINARY);
    if (images < 0 || results < 0) {
        return NO_FILES;
    }
    for (int i = 0; i < 4; i++) {
        cost_t cost = cost_of(&nothing);
        facts[0] = cost.ticks < facts[0] ? cost.ticks : facts[0];
    }
    while (semihosting_read(images, input + GUARD, MODEL_INPUT_SIZE) == 0) {
        int status = run_image(&model, results, facts);
        if (status != 0) {
            return status;
        }
    }
    semihosting_close(results);
    return save_facts(facts);
}
