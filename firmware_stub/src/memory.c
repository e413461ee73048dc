/*
 * The functions that a freestanding GCC still calls behind one's back. Weak: a C library's own come first.
 */
#include <stddef.h>

void *memset(void *to, int value, size_t count);
void *memcpy(void *restrict to, const void *restrict from, size_t count);

#if defined(__GNUC__) && !defined(__clang__)
/* Or GCC recognises memset in memset and calls itself. */
#define AS_WRITTEN __attribute__((weak, optimize("no-tree-loop-distribute-patterns")))
#else
#define AS_WRITTEN __attribute__((weak))
#endif

AS_WRITTEN void *memset(void *to, int value, size_t count) {
    for (unsigned char *byte = to; count > 0; count--) {
        *byte++ = (unsigned char)value;
    }
    return to;
}

AS_WRITTEN void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    const unsigned char *source = from;
    for (unsigned char *byte = to; count > 0; count--) {
        *byte++ = *source++;
    }
    return to;
}
