/* A console that is standard input, and ends the program where that ends. */
#include <stdio.h>
#include <stdlib.h>

static inline int console_init(void) { return 0; }
static inline int console_getchar(void)
{
    const int character = getchar();

    if (character == EOF) {
        exit(0);
    }
    return character;
}
