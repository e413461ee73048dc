/*
 * Calls a function on an emulated AVR, once for each input, and counts. Files, in the working directory:
 *
 *   flash.bin    the program, from address 0
 *   steps.bin    a byte for each word of it: the step of the engine that begins or goes on there; KEEP: whatever runs
 *   images.bin   inputs, one behind the other
 *   results.bin  for each: its output, then cycles, instructions, and instructions by step, 8 bytes each
 *   counts.bin   for each word of the program: how often an instruction there was executed, 8 bytes
 *
 * Arguments: the MCU, address of the function, bytes of input, output and workspace, number of steps, most cycles.
 * It prints the deepest stack in bytes, or what went wrong and exits with 1. An instruction is run at a time, without
 * timers and interrupts: simavr's own cycles by instruction are all that counts. Where the MCU has too little memory it
 * gets more, as far as its addresses reach, so that it can be told how much is missing.
 */
#include <simavr/sim_avr.h>
#include <simavr/sim_core.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MCU = 1, START, INPUT, OUTPUT, WORKSPACE, STEPS, LIMIT, ARGUMENTS };
enum { KEEP = 255, GUARD = 8, SPL = 0x5D, STACK = 4096, LAST_FLASH = 0x1FFFF, LAST_RAM = 0xFEFF };

#define NO_STACK "its stack runs into its buffers"

typedef struct {
    const char *name;
    uint32_t at, size;
} buffer_t;

typedef struct {
    avr_t *avr;
    uint32_t words; /* of the program */
    uint8_t *steps;
    uint64_t *executed, *by_step;
    uint32_t start, step_count, deepest;
    uint32_t end; /* of the buffers */
    uint64_t limit;
} machine_t;

static void fail(const char *what) {
    printf("%s\n", what);
    exit(1);
}

static void quiet(avr_t *avr, const int level, const char *format, va_list arguments) {
    (void)avr, (void)level, (void)format, (void)arguments;
}

/* Reads a whole file; its size goes to count. */
static uint8_t *content_of(const char *name, uint32_t *count) {
    FILE *file = fopen(name, "rb");
    uint8_t *bytes;
    long size;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        fail("its files cannot be read");
    }
    rewind(file);
    bytes = malloc((size_t)size + 1u);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        fail("its files cannot be read");
    }
    fclose(file);
    *count = (uint32_t)size;
    return bytes;
}

/* Another byte everywhere, so that none that happens to be stored looks like the next. */
static uint8_t paint_at(uint32_t at) {
    return (uint8_t)(0x5Au ^ at * 37u);
}

/* Returns the first place from at on, before end, that something was written to. */
static uint32_t written(const avr_t *avr, uint32_t at, uint32_t end) {
    while (at < end && avr->data[at] == paint_at(at)) {
        at++;
    }
    return at;
}

/* Lays a buffer into RAM behind what is there, between two guards. */
static buffer_t place(machine_t *machine, const char *name, const char *size) {
    buffer_t buffer = {name, machine->end + GUARD, (uint32_t)atol(size)};
    machine->end = buffer.at + buffer.size;
    if (machine->end + GUARD > machine->avr->ramend) {
        fail("input, workspace and output are more than it has addresses for");
    }
    return buffer;
}

static void set_word(avr_t *avr, int number, uint32_t value) {
    avr->data[number] = (uint8_t)value;
    avr->data[number + 1] = (uint8_t)(value >> 8);
}

/* Calls the function as avr-gcc does; its return address is a word behind the program. Returns how many cycles it took. */
static uint64_t call(machine_t *machine, const buffer_t *input, const buffer_t *output, const buffer_t *workspace) {
    avr_t *avr = machine->avr;
    const uint32_t back = machine->words, top = avr->ramend - avr->address_size;
    const uint64_t before = avr->cycle;
    uint32_t step = 0, below = 0, lowest;
    for (uint32_t i = 0; i < avr->address_size; i++) {
        avr->data[avr->ramend - i] = (uint8_t)(back >> (8 * i));
    }
    for (uint32_t at = machine->end; at <= top; at++) {
        avr->data[at] = paint_at(at);
    }
    set_word(avr, SPL, top);
    set_word(avr, 24, input->at);
    set_word(avr, 22, output->at);
    set_word(avr, 20, workspace->at);
    avr->data[1] = 0;
    avr->pc = machine->start;
    while (avr->pc != 2u * back) {
        const uint32_t word = avr->pc / 2u;
        if (word >= machine->words || avr->state != cpu_Running) {
            fail("it executes what is no code of it");
        }
        step = machine->steps[word] == KEEP ? step : machine->steps[word];
        machine->executed[word]++;
        machine->by_step[step]++;
        avr->run_cycle_count = 0;
        avr->pc = avr_run_one(avr);
        /* A stack pointer is written in two halves: for two instructions it is nothing. */
        below = avr->data[SPL] + 256u * avr->data[SPL + 1] < machine->end ? below + 1u : 0u;
        if (below > 3u) {
            fail(NO_STACK);
        }
        if (avr->cycle - before > machine->limit) {
            fail("it does not come to an end");
        }
    }
    lowest = written(avr, machine->end, top);
    if (lowest < machine->end + GUARD) {
        fail(NO_STACK);
    }
    machine->deepest = avr->ramend + 1u - lowest > machine->deepest ? avr->ramend + 1u - lowest : machine->deepest;
    return avr->cycle - before;
}

/* Runs one input; what is left of it lies in the machine. */
static void run(machine_t *machine, const buffer_t *input, const buffer_t *output, const buffer_t *workspace, FILE *results) {
    const buffer_t *buffers[] = {input, workspace, output};
    avr_t *avr = machine->avr;
    uint64_t totals[2] = {0, 0};
    memset(machine->by_step, 0, sizeof *machine->by_step * machine->step_count);
    totals[0] = call(machine, input, output, workspace);
    for (uint32_t i = 0; i < machine->step_count; i++) {
        totals[1] += machine->by_step[i];
    }
    for (int i = 0; i < 3; i++) {
        const uint32_t at = buffers[i]->at, end = at + buffers[i]->size;
        if (written(avr, at - GUARD, at) != at || written(avr, end, end + GUARD) != end + GUARD) {
            char text[80];
            snprintf(text, sizeof text, "it writes beside its %s", buffers[i]->name);
            fail(text);
        }
    }
    if (fwrite(avr->data + output->at, output->size, 1, results) != 1 || fwrite(totals, sizeof totals, 1, results) != 1 ||
        fwrite(machine->by_step, sizeof *machine->by_step, machine->step_count, results) != machine->step_count) {
        fail("its results cannot be written; is the disk full?");
    }
}

static machine_t new_machine(char **arguments) {
    machine_t machine = {.avr = avr_make_mcu_by_name(arguments[MCU])};
    const uint32_t lent = (uint32_t)(atol(arguments[INPUT]) + atol(arguments[OUTPUT]) + atol(arguments[WORKSPACE]));
    uint32_t size, count, last;
    uint8_t *program = content_of("flash.bin", &size);
    if (machine.avr == NULL) {
        fail("simavr does not know it");
    }
    last = machine.avr->ioend + lent + 4u * GUARD + STACK;
    last = last > LAST_RAM ? LAST_RAM : last;
    machine.avr->ramend = (uint16_t)(last > machine.avr->ramend ? last : machine.avr->ramend);
    machine.avr->flashend = size > machine.avr->flashend ? LAST_FLASH : machine.avr->flashend;
    avr_init(machine.avr);
    if (size > machine.avr->flashend) {
        fail("the program is larger than it has addresses for");
    }
    avr_loadcode(machine.avr, program, size, 0);
    machine.avr->codeend = machine.avr->flashend;
    machine.words = (size + 1u) / 2u;
    machine.steps = content_of("steps.bin", &count);
    machine.executed = calloc(machine.words, sizeof *machine.executed);
    machine.by_step = calloc(KEEP, sizeof *machine.by_step);
    if (count < machine.words || machine.executed == NULL || machine.by_step == NULL) {
        fail("its files cannot be read");
    }
    machine.start = (uint32_t)atol(arguments[START]);
    machine.step_count = (uint32_t)atol(arguments[STEPS]);
    machine.limit = strtoull(arguments[LIMIT], NULL, 10);
    machine.end = machine.avr->ioend + 1u;
    return machine;
}

int main(int argc, char **argv) {
    FILE *images = fopen("images.bin", "rb"), *results = fopen("results.bin", "wb"), *counts = fopen("counts.bin", "wb");
    if (argc != ARGUMENTS || images == NULL || results == NULL || counts == NULL) {
        fail("its files cannot be opened");
    }
    avr_global_logger_set(quiet);
    machine_t machine = new_machine(argv);
    const buffer_t input = place(&machine, "input", argv[INPUT]), workspace = place(&machine, "workspace", argv[WORKSPACE]);
    const buffer_t output = place(&machine, "output", argv[OUTPUT]);
    machine.end += GUARD;
    for (uint32_t at = input.at - GUARD; at < machine.end; at++) {
        machine.avr->data[at] = paint_at(at);
    }
    while (fread(machine.avr->data + input.at, input.size, 1, images) == 1) {
        run(&machine, &input, &output, &workspace, results);
    }
    if (fwrite(machine.executed, sizeof *machine.executed, machine.words, counts) != machine.words || fclose(results) != 0 ||
        fclose(counts) != 0) {
        fail("its results cannot be written; is the disk full?");
    }
    printf("%u\n", machine.deepest);
    return 0;
}
