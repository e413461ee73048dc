/*
 * A line protocol for a person at a terminal and for `edgedigits device`. A command is one line that ends in LF or CR; each
 * gets exactly one line back, which starts with "ok" or "error" and ends in " check=CRC": the CRC-32 of all before it, so that
 * the receiver can tell whether the line arrived whole. It is left out below.
 *
 *   id           ok id protocol=1 model=NAME input=N output=N workspace=N tick_hz=N selftest=N digest=HEX
 *                digest: the first 8 digits of the SHA-256 of the model's file; left out where the engine does not tell it.
 *   run HEX      ok run class=N margin=N ticks=N received=CRC output=HEX
 *                HEX: the input as the model takes it, 2 digits a byte, exactly 2 × input of them. received is the CRC-32
 *                of the bytes as they arrived, so that the sender can tell whether they arrived whole. No class and no margin
 *                from a model that classifies nothing.
 *   pixels HEX   ok pixels class=N margin=N
 *                HEX: an image, 0 the background, 2 digits a pixel, which go into the sums as they arrive. A command that
 *                only engines have which can be fed.
 *   bench N      ok bench runs=N ticks=N least=N most=N    N runs, 1 to 10000, on the input that `run` left behind
 *   crc          ok crc flash=CRC bytes=N                  CRC-32 of the program in flash
 *   selftest     ok selftest result=N                      0: passed
 *
 * Reasons after "error": command, number, digit, length, long.
 *
 * Numbers are decimal and without a sign; a CRC is 8 hexadecimal digits in lower case. `edgedigits device` takes nothing outside
 * these bounds, so that no device can make it divide by zero or run out of memory:
 *
 *   model      a name of C, at most 64 characters       tick_hz    1 to 2^32 - 1
 *   input      1 to 1,048,576                           selftest   0 to 2^32 - 1
 *   output     1 to 16,384                              class      0 to output - 1
 *   workspace  0 to 16,777,216                          margin     0 to 255
 *   bytes      1 to 2^32 - 1                            ticks      0 to 2^24 - 1 of a run, 2^32 - 1 of a bench
 *
 * A line has at most 65,536 characters. The "ready" line comes again after a reset, and tells that a command was lost.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

/* Runs the self-test and says so: "ready edgedigits protocol=1 selftest=N". Returns its result, 0 for passed. */
int protocol_begin(void);

/* Reads one line and answers it. Returns 0 when the console has ended. */
int protocol_serve(void);

#endif
