#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32 as in ZIP and zlib (polynomial 0xEDB88320, reflected). `crc` is 0 for the first stretch of bytes and the result of
 * the stretch before for the next. Bit by bit: slow, and without a table.
 */
uint32_t crc32(uint32_t crc, const void *bytes, size_t count);

#endif
