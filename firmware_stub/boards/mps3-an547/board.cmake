# Nothing but set(): edgedigits reads this file too.
set(BOARD_CORE cortex-m55)
set(BOARD_UART drivers/uart_cmsdk.c)
set(BOARD_SOURCES drivers/ticks_systick.c)
