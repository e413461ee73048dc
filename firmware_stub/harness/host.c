/*
 * Runs the engine on every image of a file, on the machine that compiled it: host IMAGES RESULTS
 *
 *   IMAGES   n × (1 byte: 0 input, 1 pixels, 2 pixels of dark on light; then MODEL_INPUT_SIZE or MODEL_PIXELS bytes)
 *   RESULTS  n × MODEL_OUTPUT_SIZE bytes
 *
 * Each buffer is an allocation of exactly its size, so that an address sanitizer sees a single byte beside it. Without one,
 * a guard on both sides tells what was written there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

enum { USAGE = 2, NO_MEMORY = 3, CANNOT_WRITE = 4, SELF_TEST_FAILED = 5, WRONG_CLASS = 6, WRITES_BESIDE = 7 };

#if defined(__SANITIZE_ADDRESS__)
enum { GUARD = 0 };
#else
enum { GUARD = 64 };
#endif

typedef struct {
    uint8_t *start; /* of the allocation, which begins with a guard */
    size_t size;    /* between the guards */
} buffer_t;

static uint8_t guard_of(size_t place) {
    return (uint8_t)(0x5Au ^ place);
}

/* `start` is NULL where there is no memory. */
static buffer_t guarded(size_t size) {
    buffer_t buffer = {malloc(size + 2 * GUARD + (size + GUARD == 0)), size};
    for (size_t i = 0; buffer.start != NULL && i < GUARD; i++) {
        buffer.start[i] = buffer.start[GUARD + size + i] = guard_of(i);
    }
    return buffer;
}

static int is_whole(buffer_t buffer) {
    for (size_t i = 0; i < GUARD; i++) {
        if (buffer.start[i] != guard_of(i) || buffer.start[GUARD + buffer.size + i] != guard_of(i)) {
            return 0;
        }
    }
    return 1;
}

#if MODEL_CLASSES
/* The class by the toolkit's rule: the highest score, the lowest class of equal ones. */
static int best_of(const int8_t *scores) {
    int best = 0;
    for (int i = 1; i < MODEL_OUTPUT_SIZE; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    return best;
}

#if MODEL_REJECT_MARGIN
/* The same, or MODEL_REJECT where another score is too near. */
static int decision_on(const int8_t *scores) {
    const int best = best_of(scores);
    for (int i = 0; i < MODEL_OUTPUT_SIZE; i++) {
        if (i != best && scores[best] - scores[i] < MODEL_REJECT_MARGIN) {
            return MODEL_REJECT;
        }
    }
    return best;
}
#else
#define decision_on best_of
#endif

/* Tells whether classify agrees with the scores of invoke. */
static int classifies_as(const int8_t *scores, const int8_t *input, void *workspace) {
    int8_t margin = 0;
    return model_classify(input, workspace, &margin) == decision_on(scores) && margin >= 0;
}
#else
static int classifies_as(const int8_t *scores, const int8_t *input, void *workspace) {
    (void)scores;
    (void)input;
    (void)workspace;
    return 1;
}
#endif

#if MODEL_READS_PIXELS
/* Reads pixels as they are. Tells whether portions of them, which are seldom whole words, give the same class. */
static int portions_agree(const uint8_t *pixels, int invert, void *workspace) {
    const int class = model_classify_pixels(pixels, invert, workspace, NULL);
#if MODEL_NOT_ONE_IMAGE
    uint32_t seen = 0;
    model_begin(invert, workspace);
    for (uint32_t size = 0; seen < MODEL_PIXELS; size++) {
        uint32_t count = size < MODEL_PIXELS - seen ? size : MODEL_PIXELS - seen;
        if (model_feed(pixels + seen, count, workspace) != (int)(MODEL_PIXELS - seen - count)) {
            return 0;
        }
        seen += count;
    }
    return model_end(workspace, NULL) == class;
#else
    return class >= 0;
#endif
}
#endif

#if MODEL_PIXELS
enum { PIXELS = MODEL_PIXELS };

/* Turns pixels into an input: from a buffer of their own, or, dark on light, in place where an engine allows that. */
static void prepare(int invert, uint8_t *pixels, int8_t *input) {
#if !MODEL_PREPROCESS_APART
    if (invert) {
        model_preprocess(pixels, 1, (int8_t *)pixels);
        memcpy(input, pixels, MODEL_INPUT_SIZE);
        return;
    }
#endif
    model_preprocess(pixels, invert, input);
}
#else
enum { PIXELS = 0 };

static void prepare(int invert, uint8_t *pixels, int8_t *input) {
    (void)invert;
    (void)pixels;
    (void)input;
}
#endif

/* Reads an image and makes an input of it. Returns 1, or 0 where there is no more. `agree`: so do ways to read its pixels. */
static int read_image(FILE *images, uint8_t *pixels, int8_t *input, void *workspace, int *agree) {
    const int mode = fgetc(images);
    if (mode == 0) {
        return fread(input, MODEL_INPUT_SIZE, 1, images) == 1;
    }
    if (mode == EOF || PIXELS == 0 || fread(pixels, PIXELS, 1, images) != 1) {
        return 0;
    }
#if MODEL_READS_PIXELS
    *agree = portions_agree(pixels, mode == 2, workspace);
#else
    (void)workspace;
    (void)agree;
#endif
    prepare(mode == 2, pixels, input);
    return 1;
}

int main(int count, char **arguments) {
    if (count != 3) {
        return USAGE;
    }
    FILE *images = fopen(arguments[1], "rb");
    FILE *results = fopen(arguments[2], "wb");
    if (images == NULL || results == NULL) {
        return USAGE;
    }
    const buffer_t buffers[] = {
        guarded(MODEL_INPUT_SIZE), guarded(MODEL_OUTPUT_SIZE), guarded(MODEL_WORKSPACE_BYTES), guarded(PIXELS)};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        if (buffers[i].start == NULL) {
            return NO_MEMORY;
        }
    }
    int8_t *const input = (int8_t *)buffers[0].start + GUARD;
    int8_t *const output = (int8_t *)buffers[1].start + GUARD;
    void *const workspace = buffers[2].start + GUARD;
    uint8_t *const pixels = buffers[3].start + GUARD;
    int status = model_self_test(workspace) == 0 ? 0 : SELF_TEST_FAILED;
    int agree = 1;
    while (status == 0 && read_image(images, pixels, input, workspace, &agree)) {
        model_invoke(input, output, workspace);
        if (fwrite(output, MODEL_OUTPUT_SIZE, 1, results) != 1) {
            status = CANNOT_WRITE;
        } else if (!agree || !classifies_as(output, input, workspace)) {
            status = WRONG_CLASS;
        } else if (!is_whole(buffers[0]) || !is_whole(buffers[1]) || !is_whole(buffers[2]) || !is_whole(buffers[3])) {
            status = WRITES_BESIDE;
        }
    }
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        free(buffers[i].start);
    }
    (void)fclose(images);
    return fclose(results) == 0 ? status : CANNOT_WRITE;
}
