# Nothing but set(): edgedigits reads this file too.
set(BOARD_CORE cortex-m0plus)
set(BOARD_UART drivers/uart_rp2040.c)
set(BOARD_SOURCES drivers/ticks_systick.c boards/rp2040/boot2.c)
