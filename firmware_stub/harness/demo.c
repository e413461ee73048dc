/*
 * The engine for a web page, as WebAssembly: what is exported here, the page calls. Memory is fixed; the page writes into
 * it and reads from it at the places that are told.
 */
#include <stddef.h>

#include "model.h"

#define EXPORTED(name) __attribute__((export_name(#name)))

enum { MOST_SIDE = 512, SPOT = 1 };

static uint8_t picture[MOST_SIDE * MOST_SIDE], pixels[MODEL_PIXELS];
static int8_t input[MODEL_INPUT_SIZE], output[MODEL_OUTPUT_SIZE], without[MODEL_INPUT_SIZE];
static int16_t influence[MODEL_INPUT_SIZE];
static model_workspace_t workspace;

EXPORTED(picture_at) void *picture_at(void) { return picture; }
EXPORTED(pixels_at) void *pixels_at(void) { return pixels; }
EXPORTED(input_at) void *input_at(void) { return input; }
EXPORTED(output_at) void *output_at(void) { return output; }
EXPORTED(influence_at) void *influence_at(void) { return influence; }
EXPORTED(self_test) int self_test(void) { return model_self_test(&workspace); }
EXPORTED(digest) uint32_t digest(void) { return DIGEST_OF_MODEL; }

/* Fits the picture, of up to MOST_SIDE a side, into the pixels. Returns 0 where nothing is on it. */
EXPORTED(fit) int fit(int width, int height, int invert) {
    return model_fit(picture, width, height, width, invert, pixels);
}

/* Makes the input of the pixels. */
EXPORTED(preprocess) void preprocess(int invert) {
    model_preprocess(pixels, invert, input);
}

/* Computes the scores of the input, and returns the class, or MODEL_REJECT. */
EXPORTED(classify) int classify(void) {
    int8_t margin;
    model_invoke(input, output, &workspace);
    return model_classify(input, &workspace, &margin);
}

/* Returns by how much the score of a class is above the highest other. */
static int lead_of(int8_t *scores, int class) {
    int highest = -128;
    for (int i = 0; i < MODEL_OUTPUT_SIZE; i++) {
        highest = i != class && scores[i] > highest ? scores[i] : highest;
    }
    return scores[class] - highest;
}

static void clear_spot(int side, int row, int column, int8_t background) {
    for (int y = row - SPOT; y <= row + SPOT; y++) {
        for (int x = column - SPOT; x <= column + SPOT; x++) {
            if (y >= 0 && y < side && x >= 0 && x < side) {
                without[side * y + x] = background;
            }
        }
    }
}

/*
 * Writes for each place of the input, side rows of side, how many steps of its lead the class loses where the spot about
 * it is background: above 0 speaks for the class. The scores must be those of the input.
 */
EXPORTED(explain) void explain(int side, int class, int background) {
    const int lead = lead_of(output, class);
    for (int place = 0; place < side * side && place < MODEL_INPUT_SIZE; place++) {
        int8_t scores[MODEL_OUTPUT_SIZE];
        for (int i = 0; i < MODEL_INPUT_SIZE; i++) {
            without[i] = input[i];
        }
        clear_spot(side, place / side, place % side, (int8_t)background);
        model_invoke(without, scores, &workspace);
        influence[place] = (int16_t)(lead - lead_of(scores, class));
    }
}
