#ifndef BOARD_H
#define BOARD_H

#define PIN_TXD 24u
#define PIN_RXD 25u

#endif
