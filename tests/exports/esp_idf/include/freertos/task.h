/* It waits where there is nothing to read: here that is the end. */
#include <stdlib.h>

static inline void vTaskDelay(unsigned ticks)
{
    (void)ticks;
    exit(0);
}
