/* Of an Arduino core what sketches call, on this machine: Serial is standard input and output. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using std::abs;
using std::max;

#define F(text) text

extern bool ended;             /* there is nothing more to come in */
extern unsigned long now;      /* milliseconds; each look at the clock takes one */

inline unsigned long millis() { return now++; }
inline long map(long x, long from, long to, long low, long high) { return (x - from) * (high - low) / (to - from) + low; }

class Print {
 public:
  void print(const char *text) { std::fputs(text, stdout); }
  void print(char character) { std::putchar(character); }
  void print(int number) { std::printf("%d", number); }
  void println(const char *text) { std::puts(text); }
  void println() { std::putchar('\n'); }
};

class Port : public Print {
 public:
  void begin(long) {}
  int read() {
    const int byte = std::getchar();
    ended = byte == EOF;
    return ended ? -1 : byte;
  }
};
extern Port Serial;

#endif
