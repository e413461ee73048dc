/*
 * boot2_rp2040.S, assembled, and the checksum that the boot ROM demands. A test assembles it again and compares.
 */
#include <stdint.h>

__attribute__((section(".boot2"), used)) const uint32_t boot2[64] = {
    0x20004B0Au, 0x20046098u, 0x48096158u, 0x20006018u, 0x48086058u, 0x60084908u,
    0x60982001u, 0x49084807u, 0x68016008u, 0x8808F381u, 0x47086841u, 0x18000000u,
    0x001F0300u, 0x03000218u, 0x180000F4u, 0x10000100u, 0xE000ED08u,
    [63] = 0xCA1A5616u, /* CRC-32 of the 252 bytes before */
};
