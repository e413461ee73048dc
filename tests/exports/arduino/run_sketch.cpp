/* Runs a sketch to the end of its input; after that come the white squares of the paper, if it has a screen. */
#include SKETCH

bool ended = false;
unsigned long now = 0;
Port Serial;
#ifdef ILI9341_WHITE
uint8_t Adafruit_ILI9341::white[320][240];
#endif

int main() {
  setup();
  while (!ended) {
    loop();
  }
#ifdef ILI9341_WHITE
  for (int row = 0; row < 56; ++row) {
    for (int column = 0; column < 56; ++column) {
      std::printf("%02x", Adafruit_ILI9341::white[8 + 4 * row + 1][8 + 4 * column + 1]);
    }
  }
#endif
}
