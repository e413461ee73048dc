# How the GCC for BOARD_CORE may be called.
if(BOARD_CORE MATCHES "^rv32")
    set(gcc_names riscv-none-elf-gcc riscv32-unknown-elf-gcc riscv64-unknown-elf-gcc)
else()
    set(gcc_names arm-none-eabi-gcc)
endif()
