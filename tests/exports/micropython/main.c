/* Calls the module's functions with images of 784 bytes from standard input; what is left behind the last raises. */
#include "py/obj.h"
#include "py/runtime.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    size_t length;
    unsigned char bytes[784];
} text;
typedef struct {
    size_t count;
    mp_obj_t items[16];
} tuple;

const int mp_type_module = 0, none = 0;
static jmp_buf caller;

void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *info, unsigned flags)
{
    if (flags != MP_BUFFER_READ) {
        abort();
    }
    info->buf = ((text *)object)->bytes;
    info->len = ((text *)object)->length;
}

mp_obj_t mp_obj_new_tuple(size_t count, const mp_obj_t *items)
{
    static tuple made;

    for (made.count = 0; made.count < count; ++made.count) {
        made.items[made.count] = items[made.count];
    }
    return &made;
}

_Noreturn void mp_raise_ValueError(const char *said)
{
    printf("ValueError: %s\n", said);
    longjmp(caller, 1);
}

static mp_obj_t call(intptr_t name, mp_obj_t argument)
{
    const mp_obj_dict_t *globals = registered->globals;

    for (size_t i = 0; i < globals->used; ++i) {
        if (globals->table[i].key == MP_ROM_QSTR(name)) {
            return ((const mp_obj_fun_builtin_fixed_t *)globals->table[i].value)->fun._1(argument);
        }
    }
    abort();
}

int main(void)
{
    text image;

    while ((image.length = fread(image.bytes, 1, sizeof image.bytes, stdin)) != 0) {
        if (setjmp(caller) == 0) {
            const mp_obj_t digit = call(MP_QSTR_classify, &image);
            const tuple *scores = call(MP_QSTR_scores, &image);

            if (digit == mp_const_none) {
                printf("refused, scores");
            } else {
                printf("digit %d, scores", (int)MP_OBJ_SMALL_INT_VALUE(digit));
            }
            for (size_t i = 0; i < scores->count; ++i) {
                printf(" %d", (int)MP_OBJ_SMALL_INT_VALUE(scores->items[i]));
            }
            printf("\n");
        }
    }
    return 0;
}
