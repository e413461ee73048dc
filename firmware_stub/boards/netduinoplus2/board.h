#ifndef BOARD_H
#define BOARD_H

/* The internal oscillator, as after reset. */
#define CLOCK_HZ 16000000u

#endif
