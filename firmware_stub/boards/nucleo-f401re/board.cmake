# Nothing but set(): edgedigits reads this file too.
set(BOARD_CORE cortex-m4)
set(BOARD_UART drivers/uart_stm32f4.c)
set(BOARD_SOURCES drivers/ticks_systick.c)
