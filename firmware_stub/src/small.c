/*
 * Firmware around an emitted engine for chips of a few kilobytes, where main.c and its protocol have no room. It answers each byte:
 *
 *   'p' and the pixels of an image, raw bytes, 0 the background   "CLASS MARGIN\n", in decimal digits
 *   'c'                                                           "ok\n", or "damaged\n" where the weights are
 *
 * Other bytes get "?\n". Pixels go into the sums as they arrive where the engine has `feed`; else the image is kept.
 */
#include "model.h"
#include "platform.h"

#include <stddef.h>

#if !MODEL_READS_PIXELS && (!MODEL_PIXELS || MODEL_PREPROCESS_APART)
#error "This firmware is for digits whose pixels become the input in place: build without --deskew and --centre."
#endif

static model_workspace_t workspace;

static void say(const char *text) {
    while (*text != '\0') {
        platform_put(*text++);
    }
    platform_put('\n');
}

/* Of at most three digits. Without a division, which not every core has. */
static void say_number(int value) {
    static const uint8_t units[] = {100, 10, 1};
    int begun = 0;
    for (size_t i = 0; i < sizeof units; i++) {
        char digit = '0';
        for (; value >= units[i]; value -= units[i]) {
            digit++;
        }
        begun |= digit != '0' || units[i] == 1;
        if (begun) {
            platform_put(digit);
        }
    }
}

static void answer_pixels(void) {
    int8_t margin = 0;
    int winner;
#if MODEL_NOT_ONE_IMAGE
    model_begin(0, &workspace);
    for (size_t i = 0; i < MODEL_PIXELS; i++) {
        const uint8_t pixel = (uint8_t)platform_get();
        (void)model_feed(&pixel, 1, &workspace);
    }
    winner = model_end(&workspace, &margin);
#else
    static uint8_t image[MODEL_PIXELS];
    for (size_t i = 0; i < MODEL_PIXELS; i++) {
        image[i] = (uint8_t)platform_get();
    }
#if MODEL_READS_PIXELS
    winner = model_classify_pixels(image, 0, &workspace, &margin);
#else
    model_preprocess(image, 0, (int8_t *)image);
    winner = model_classify((int8_t *)image, &workspace, &margin);
#endif
#endif
    say_number(winner);
    platform_put(' ');
    say_number(margin);
    platform_put('\n');
}

int main(void) {
    platform_console_init();
    for (;;) {
        const int command = platform_get();
        if (command == 'p') {
            answer_pixels();
        } else if (command == 'c') {
            say(model_check_weights() == 0 ? "ok" : "damaged");
        } else {
            say("?");
        }
    }
}
