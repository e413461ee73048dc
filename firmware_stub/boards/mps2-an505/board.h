#ifndef BOARD_H
#define BOARD_H

#define CLOCK_HZ 20000000u
#define UART_BASE 0x50200000u
#define UART_CLOCK_HZ 20000000u

#endif
