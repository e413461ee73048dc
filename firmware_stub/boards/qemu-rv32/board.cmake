# Nothing but set(): edgedigits reads this file too.
set(BOARD_CORE rv32imc)
set(BOARD_UART drivers/uart_16550.c)
set(BOARD_SOURCES drivers/ticks_mtime.c)
