#include "py/obj.h"

_Noreturn void mp_raise_ValueError(const char *text);
