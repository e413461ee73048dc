#ifndef BOARD_H
#define BOARD_H

#define CLOCK_HZ 32000000u
#define UART_BASE 0x59303000u
#define UART_CLOCK_HZ 25000000u

#endif
