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
  explicit Print(std::FILE *to) : to(to) {}
  void print(const char *text) { std::fputs(text, to); }
  void print(char character) { std::fputc(character, to); }
  void print(int number) { std::fprintf(to, "%d", number); }
  void println(const char *text = "") { std::fprintf(to, "%s\n", text); }

 private:
  std::FILE *to;
};

class Port : public Print {
 public:
  Port() : Print(stdout) {}
  void begin(long) {}
  int read() {
    const int byte = std::getchar();
    ended = byte == EOF;
    return ended ? -1 : byte;
  }
};
extern Port Serial;

#endif
