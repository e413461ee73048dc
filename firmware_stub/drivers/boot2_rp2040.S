/*
 * Second stage of the RP2040's boot, for any flash chip: the boot ROM copies these 256 bytes to RAM and jumps to them. They
 * set the flash interface to plain serial reads (command 03h, 24-bit address), which every chip knows, and start the program.
 * Source: Raspberry Pi, RP2040 datasheet, chapters 2.8.1 and 4.10. boot2_rp2040.c holds the assembled words with their
 * checksum; a test assembles this file and compares.
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .boot2, "ax"
    .global boot2
    .thumb_func
boot2:
    ldr r3, =0x18000000 /* SSI, the flash interface */
    movs r0, #0
    str r0, [r3, #0x08] /* SSIENR: off while it is set up */
    movs r0, #4
    str r0, [r3, #0x14] /* BAUDR: system clock / 4 */
    ldr r0, =0x001F0300 /* CTRLR0: 32-bit frames, plain serial, send command then read */
    str r0, [r3, #0x00]
    movs r0, #0
    str r0, [r3, #0x04] /* CTRLR1: one frame a read */
    ldr r0, =0x03000218 /* SPI_CTRLR0: command 03h of 8 bits, address of 24 bits */
    ldr r1, =0x180000F4
    str r0, [r1]
    movs r0, #1
    str r0, [r3, #0x08] /* SSIENR: on; reads of 0x10000000 and on now reach the flash */
    ldr r0, =0x10000100 /* the program's vector table */
    ldr r1, =0xE000ED08 /* VTOR */
    str r0, [r1]
    ldr r1, [r0, #0]
    msr msp, r1
    ldr r1, [r0, #4]
    bx r1
    .ltorg
