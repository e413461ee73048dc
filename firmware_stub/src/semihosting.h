/*
 * Semihosting: the debugger or the emulator does input and output for the program.
 *
 * Source of the numbers: Arm, "Semihosting for AArch32 and AArch64"; RISC-V International, "RISC-V Semihosting".
 */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>

enum { SEMIHOSTING_READ = 0, SEMIHOSTING_READ_BINARY = 1, SEMIHOSTING_WRITE_BINARY = 5 };

/* Opens a file of the host; below 0 when that fails. `name` has `length` characters before its NUL. */
int32_t semihosting_open(const char *name, size_t length, int mode);

/* Reads `count` bytes; returns how many could not be read, 0 when all went well. */
size_t semihosting_read(int32_t file, void *to, size_t count);

/* Writes `count` bytes; returns how many could not be written. */
size_t semihosting_write(int32_t file, const void *from, size_t count);

void semihosting_close(int32_t file);

/* Writes one character to the console. */
void semihosting_put(char character);

/* Waits for one character from the console; below 0 when there will be none. */
int semihosting_get(void);

/* Ends the emulation; `status` becomes the exit code of QEMU. */
__attribute__((noreturn)) void semihosting_exit(int status);

#endif
