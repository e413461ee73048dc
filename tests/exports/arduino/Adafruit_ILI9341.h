/* A screen of 240x320 that keeps which pixels are white, and prints text to standard error. */
#include <Arduino.h>

#define ILI9341_BLACK 0x0000
#define ILI9341_WHITE 0xffff
#define ILI9341_YELLOW 0xffe0

class Adafruit_ILI9341 : public Print {
 public:
  static uint8_t white[320][240];
  Adafruit_ILI9341(int, int) : Print(stderr) {}
  void begin() {}
  void fillScreen(uint16_t color) { fillRect(0, 0, 240, 320, color); }
  void drawRect(int, int, int, int, uint16_t) {}
  void setCursor(int, int) {}
  void setTextColor(uint16_t) {}
  void setTextSize(int) {}
  void fillRect(int x, int y, int width, int height, uint16_t color) {
    for (int row = y; row < y + height; ++row) {
      std::memset(&white[row][x], color == ILI9341_WHITE ? 255 : 0, (size_t)width);
    }
  }
};
