#ifndef BOARD_H
#define BOARD_H

#define PIN_TXD 6u
#define PIN_RXD 8u

#endif
