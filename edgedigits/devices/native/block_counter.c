/*
 * Counts what an emulated core executes. Unicorn calls `edgedigits_count_block` at the start of every straight stretch of
 * instructions; in Python the same takes some fifty times as long. The Python twin is `PythonCounter`; tests hold one
 * against the other.
 */
#include <stdint.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

enum { KEEP = 255 };

typedef struct {
    uint64_t instructions;  /* executed since the caller last set it to 0 */
    uint64_t limit;         /* above this many the emulation is stopped */
    uint64_t base;          /* address of the first halfword of code */
    uint64_t halfwords;     /* how many there are */
    const uint32_t *starts; /* [halfwords + 1]: how many instructions start before this halfword */
    int64_t *difference;    /* [halfwords + 1]: +1 where a stretch begins, -1 where it ends */
    const uint8_t *steps;   /* [halfwords]: step that the code here begins or goes on with; KEEP: whatever runs */
    uint64_t *by_step;      /* [KEEP]: instructions of each step; the caller sets them to 0 */
    uint64_t step;          /* the one that runs */
    int (*stop)(void *emulator);
    uint64_t astray; /* 1 more than the address of a stretch that is not where instructions are; 0: none */
} counter_t;

EXPORTED void edgedigits_count_block(void *emulator, uint64_t address, uint32_t size, void *user) {
    counter_t *counter = user;
    uint64_t first = (address - counter->base) / 2u;
    uint64_t last = first + size / 2u;
    if (address < counter->base || last > counter->halfwords || last <= first || counter->starts[first + 1] == counter->starts[first]) {
        counter->astray = address + 1u;
        (void)counter->stop(emulator);
        return;
    }
    uint64_t executed = counter->starts[last] - counter->starts[first];
    counter->instructions += executed;
    /* The last instruction decides: it is the call or the branch that the stretch is there for. */
    if (counter->steps[last - 1] != KEEP) {
        counter->step = counter->steps[last - 1];
    }
    counter->by_step[counter->step] += executed;
    counter->difference[first]++;
    counter->difference[last]--;
    if (counter->instructions > counter->limit) {
        (void)counter->stop(emulator);
    }
}
