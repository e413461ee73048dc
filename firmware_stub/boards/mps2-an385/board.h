#ifndef BOARD_H
#define BOARD_H

#define CLOCK_HZ 25000000u
#define UART_BASE 0x40004000u
#define UART_CLOCK_HZ 25000000u

#endif
