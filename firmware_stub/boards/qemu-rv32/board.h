#ifndef BOARD_H
#define BOARD_H

#define UART_BASE 0x10000000u
#define MTIME_BASE 0x0200BFF8u
#define MTIME_HZ 10000000u

#endif
