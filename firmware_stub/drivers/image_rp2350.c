/*
 * What the RP2350's boot ROM looks for in the first 4 KiB of flash: a program for the Arm cores in secure state, whose vector
 * table is at the start of flash. Source: Raspberry Pi, RP2350 datasheet, chapter 5.9.5.1.
 */
#include <stdint.h>

__attribute__((section(".init"), used)) const uint32_t image_definition[5] = {
    0xFFFFDED3u, /* start of a block */
    0x10210142u, /* one word: executable, secure, Arm, RP2350 */
    0x000001FFu, /* that was all */
    0x00000000u, /* the next block is this one */
    0xAB123579u, /* end of the block */
};
