#ifndef BOARD_H
#define BOARD_H

/* The crystal. */
#define CLOCK_HZ 12000000u

#endif
