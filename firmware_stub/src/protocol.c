#include "protocol.h"

#include "crc32.h"
#include "model.h"
#include "platform.h"

/* AVR has constants in RAM unless it is told. */
#if defined(__AVR__)
#define FLASH __flash
#else
#define FLASH
#endif

/* Said from many places: one copy is enough. */
#define SHARED __attribute__((noinline))

#define AS_TEXT_AS_WRITTEN(name) #name
#define AS_TEXT(name) AS_TEXT_AS_WRITTEN(name)

enum { WORD_LENGTH = 8, MOST_RUNS = 10000 };

static const FLASH char RUN[] = "run", BENCH[] = "bench";
#if MODEL_NOT_ONE_IMAGE
static const FLASH char PIXELS[] = "pixels";
#endif
static const FLASH char LENGTH[] = "length", DIGIT[] = "digit", LONG[] = "long", NUMBER[] = "number", COMMAND[] = "command";

/* How a line ended. */
typedef enum { LINE_END, LINE_SPACE, CONSOLE_END } end_t;

static int8_t input[MODEL_INPUT_SIZE] __attribute__((aligned(4)));
static int8_t output[MODEL_OUTPUT_SIZE] __attribute__((aligned(4)));
static model_workspace_t workspace;
static int self_test_result;
static uint32_t line_crc; /* of the line that is being sent */

#ifdef HOST_TEST
static const uint8_t flash_image[4] = {1, 2, 3, 4};
#define FLASH_START flash_image
#define FLASH_BYTES sizeof flash_image
#else
extern const FLASH uint8_t __flash_start[], __flash_end[];
#define FLASH_START __flash_start
#define FLASH_BYTES (size_t)(__flash_end - __flash_start)
#endif

static void put(char character) {
    line_crc = crc32(line_crc, &character, 1);
    platform_put(character);
}

SHARED static void say_text(const FLASH char *text) {
    while (*text != '\0') {
        put(*text++);
    }
}

#define say(words)                             \
    do {                                       \
        static const FLASH char text[] = words; \
        say_text(text);                        \
    } while (0)

static void say_hex(uint32_t value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        const char digit = (char)((value >> shift) & 15u);
        put((char)(digit + (digit < 10 ? '0' : 'a' - 10)));
    }
}

SHARED static void say_digits(uint32_t value) {
    char digits[10];
    int count = 0;
    do {
        digits[count++] = (char)('0' + (int)(value % 10u));
        value /= 10u;
    } while (value > 0);
    while (count > 0) {
        put(digits[--count]);
    }
}

#define say_number(name, value) \
    do {                        \
        say(name);              \
        say_digits(value);      \
    } while (0)

static void end_answer(void) {
    uint32_t crc = line_crc;
    say(" check=");
    say_hex(crc, 8);
    platform_put('\n');
    line_crc = 0;
}

static int is_line_end(int character) {
    return character == '\n' || character == '\r';
}

static end_t skip_line(int character) {
    while (character >= 0 && !is_line_end(character)) {
        character = platform_get();
    }
    return character < 0 ? CONSOLE_END : LINE_END;
}

/* Answers with an error, after the rest of the line has been read. */
static end_t refuse(const FLASH char *reason, int character) {
    end_t end = skip_line(character);
    say("error ");
    say_text(reason);
    end_answer();
    return end;
}

/* Value of a hexadecimal digit, or below 0. */
static int hex_digit(int character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    if (character >= 'A' && character <= 'F') {
        return character - 'A' + 10;
    }
    return -1;
}

/* Ticks of one inference on `input`. */
static uint32_t infer(void) {
    uint32_t before = platform_ticks();
    model_invoke(input, output, &workspace);
    return (platform_ticks() - before) & PLATFORM_TICK_MASK;
}

static void answer_run(uint32_t received) {
    uint32_t ticks = infer();
#if MODEL_CLASSES
    int8_t margin = 0;
    int winner = model_classify(input, &workspace, &margin);
    say_number("ok run class=", (uint32_t)winner);
    say_number(" margin=", (uint32_t)(uint8_t)margin);
    say_number(" ticks=", ticks);
#else
    say_number("ok run ticks=", ticks);
#endif
    say(" received=");
    say_hex(received, 8);
    say(" output=");
    for (size_t i = 0; i < MODEL_OUTPUT_SIZE; i++) {
        say_hex((uint8_t)output[i], 2);
    }
    end_answer();
}

static void take_input(size_t place, uint8_t byte) {
    ((uint8_t *)input)[place] = byte;
}

static void answer_input(void) {
    answer_run(crc32(0, input, sizeof input));
}

#if MODEL_NOT_ONE_IMAGE
/* Each pixel goes into the sums as it arrives: there is no image. */
static void take_pixel(size_t place, uint8_t byte) {
    if (place == 0) {
        model_begin(0, &workspace);
    }
    (void)model_feed(&byte, 1, &workspace);
}

static void answer_pixels(void) {
    int8_t margin = 0;
    int winner = model_end(&workspace, &margin);
    say_number("ok pixels class=", (uint32_t)winner);
    say_number(" margin=", (uint32_t)(uint8_t)margin);
    end_answer();
}
#endif

/* Reads bytes in hexadecimal digits, which are decoded as they arrive: a line of 1,568 of them needs no buffer. */
static end_t bytes_command(end_t end, size_t size, void (*take)(size_t place, uint8_t byte), void (*answer)(void)) {
    size_t digits = 0;
    int high = 0;
    if (end != LINE_SPACE) {
        return refuse(LENGTH, '\n');
    }
    for (;;) {
        int character = platform_get();
        if (character < 0) {
            return CONSOLE_END;
        }
        if (is_line_end(character)) {
            break;
        }
        int value = hex_digit(character);
        if (value < 0) {
            return refuse(DIGIT, character);
        }
        if (digits >= 2u * size) {
            return refuse(LONG, character);
        }
        if (digits % 2u != 0u) {
            take(digits / 2u, (uint8_t)(16 * high + value));
        }
        high = value;
        digits++;
    }
    if (digits != 2u * size) {
        return refuse(LENGTH, '\n');
    }
    answer();
    return LINE_END;
}

static void answer_bench(uint32_t runs) {
    uint32_t total = 0;
    uint32_t least = PLATFORM_TICK_MASK;
    uint32_t most = 0;
    uint32_t done = 0;
    /* Ends early where the sum would no longer fit. */
    while (done < runs && total <= UINT32_MAX - PLATFORM_TICK_MASK) {
        uint32_t ticks = infer();
        total += ticks;
        least = ticks < least ? ticks : least;
        most = ticks > most ? ticks : most;
        done++;
    }
    say_number("ok bench runs=", done);
    say_number(" ticks=", total);
    say_number(" least=", least);
    say_number(" most=", most);
    end_answer();
}

static end_t bench_command(end_t end) {
    uint32_t runs = 0;
    int character = end == LINE_SPACE ? platform_get() : '\n';
    for (; character >= '0' && character <= '9' && runs <= MOST_RUNS; character = platform_get()) {
        runs = 10u * runs + (uint32_t)(character - '0');
    }
    if (character < 0) {
        return CONSOLE_END;
    }
    if (!is_line_end(character) || runs < 1 || runs > MOST_RUNS) {
        return refuse(NUMBER, character);
    }
    answer_bench(runs);
    return LINE_END;
}

static void answer_id(void) {
    say("ok id protocol=1 model=" AS_TEXT(MODEL_PREFIX));
    say_number(" input=", MODEL_INPUT_SIZE);
    say_number(" output=", MODEL_OUTPUT_SIZE);
    say_number(" workspace=", MODEL_WORKSPACE_BYTES);
    say_number(" tick_hz=", platform_tick_hz());
    say_number(" selftest=", (uint32_t)self_test_result);
#if DIGEST_OF_MODEL
    say(" digest=");
    say_hex(DIGEST_OF_MODEL, 8);
#endif
    end_answer();
}

static uint32_t crc_of_flash(void) {
    uint32_t crc = 0;
    for (size_t i = 0; i < FLASH_BYTES; i++) {
        const uint8_t byte = FLASH_START[i];
        crc = crc32(crc, &byte, 1);
    }
    return crc;
}

static void answer_crc(void) {
    say("ok crc flash=");
    say_hex(crc_of_flash(), 8);
    say_number(" bytes=", (uint32_t)FLASH_BYTES);
    end_answer();
}

static void answer_selftest(void) {
    self_test_result = model_self_test(&workspace);
    say_number("ok selftest result=", (uint32_t)self_test_result);
    end_answer();
}

/* Reads up to the end of the first word. One that is too long becomes "?", which is no command. */
static end_t read_word(char word[WORD_LENGTH + 1]) {
    int count = 0;
    for (;;) {
        int character = platform_get();
        if (character < 0) {
            return CONSOLE_END;
        }
        if (is_line_end(character) || character == ' ') {
            if (count > WORD_LENGTH) {
                word[0] = '?';
                count = 1;
            }
            word[count] = '\0';
            return character == ' ' ? LINE_SPACE : LINE_END;
        }
        if (count < WORD_LENGTH) {
            word[count] = character == '\0' ? '?' : (char)character; /* NUL would end the word before the line does */
        }
        count = count <= WORD_LENGTH ? count + 1 : count;
    }
}

static int equal(const char *one, const FLASH char *other) {
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

int protocol_begin(void) {
    self_test_result = model_self_test(&workspace);
    say_number("ready edgedigits protocol=1 selftest=", (uint32_t)self_test_result);
    end_answer();
    return self_test_result;
}

int protocol_serve(void) {
    static const FLASH struct {
        char name[WORD_LENGTH + 1];
        void (*answer)(void);
    } plain[] = {{"id", answer_id}, {"crc", answer_crc}, {"selftest", answer_selftest}};
    char word[WORD_LENGTH + 1];
    end_t end = read_word(word);
    if (end == CONSOLE_END) {
        return 0; /* half a word is no command, and `word` was not filled */
    }
    if (end == LINE_END && word[0] == '\0') {
        return 1; /* an empty line, or the LF of a CR LF */
    }
    if (equal(word, RUN)) {
        return bytes_command(end, sizeof input, take_input, answer_input) != CONSOLE_END;
    }
#if MODEL_NOT_ONE_IMAGE
    if (equal(word, PIXELS)) {
        return bytes_command(end, MODEL_PIXELS, take_pixel, answer_pixels) != CONSOLE_END;
    }
#endif
    if (equal(word, BENCH)) {
        return bench_command(end) != CONSOLE_END;
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (end == LINE_END && equal(word, plain[i].name)) {
            plain[i].answer();
            return 1;
        }
    }
    return refuse(COMMAND, end == LINE_END ? '\n' : ' ') != CONSOLE_END;
}
