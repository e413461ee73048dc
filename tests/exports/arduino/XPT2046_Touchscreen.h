/* A touch screen: standard input holds a line a look, "x y" where it is touched and "-" where it is not. */
#include <Arduino.h>

struct TS_Point {
  int16_t x, y, z;
};

class XPT2046_Touchscreen {
 public:
  XPT2046_Touchscreen(int) {}
  void begin() {}
  bool touched() {
    char line[40];
    ended = std::fgets(line, sizeof line, stdin) == nullptr;
    return !ended && std::sscanf(line, "%hd %hd", &at.x, &at.y) == 2;
  }
  TS_Point getPoint() const { return at; }

 private:
  TS_Point at{};
};
