# A GCC for the board's core: arm-none-eabi-gcc, or one for RISC-V.
include(${CMAKE_CURRENT_LIST_DIR}/catalogue.cmake)
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR ${core})
# CMake's tries read this file again and have to come to the same compiler.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BOARD)
find_program(CMAKE_C_COMPILER NAMES ${gcc_names} REQUIRED)
string(REGEX REPLACE "gcc(\\.exe)?$" "objcopy" objcopy_name "${CMAKE_C_COMPILER}")
find_program(CMAKE_OBJCOPY ${objcopy_name})
# A program for the bare core cannot be linked before its linker script is known.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_EXECUTABLE_SUFFIX "")
