/*
 * A line protocol for a person at a terminal and for `edgedigits device`. A command is one line that ends in LF or CR; each
 * gets exactly one line back, which starts with "ok" or "error" and ends in " check=CRC": the CRC-32 of all before it, so that
 * the receiver can tell whether the line arrived whole. It is left out below.
 *
 *   id           ok id protocol=1 model=NAME input=N output=N workspace=N tick_hz=N selftest=N
 *   run HEX      ok run class=N margin=N ticks=N received=CRC output=HEX
 *                HEX: the input as the model takes it, 2 digits a byte, exactly 2 × input of them. received is the CRC-32
 *                of the bytes as they arrived, so that the sender can tell whether they arrived whole.
 *   bench N      ok bench runs=N ticks=N least=N most=N    N runs, 1 to 10000, on the input that `run` left behind
 *   crc          ok crc flash=CRC bytes=N                  CRC-32 of the program in flash
 *   selftest     ok selftest result=N                      0: passed
 *
 * Reasons after "error": command, number, digit, length, long.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

/* Runs the self-test and says so: "ready edgedigits protocol=1 selftest=N". Returns its result, 0 for passed. */
int protocol_begin(void);

/* Reads one line and answers it. Returns 0 when the console has ended. */
int protocol_serve(void);

#endif
