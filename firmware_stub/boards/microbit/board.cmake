# Nothing but set(): edgedigits reads this file too.
set(BOARD_CORE cortex-m0plus)
set(BOARD_UART drivers/uart_nrf.c)
set(BOARD_SOURCES drivers/ticks_nrf.c)
