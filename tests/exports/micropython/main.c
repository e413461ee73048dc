/* Calls the module's functions with images of 784 bytes from standard input; what is left behind the last raises. */
#include "py/obj.h"
#include "py/runtime.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

mp_int_t mp_obj_get_int(mp_obj_t object)
{
    return MP_OBJ_SMALL_INT_VALUE(object);
}

int mp_obj_is_true(mp_obj_t object)
{
    return MP_OBJ_SMALL_INT_VALUE(object) != 0;
}

mp_obj_t mp_obj_new_bytes(const unsigned char *bytes, size_t length)
{
    static text made;

    made.length = length;
    memcpy(made.bytes, bytes, length);
    return &made;
}

_Noreturn void mp_raise_ValueError(const char *said)
{
    printf("ValueError: %s\n", said);
    longjmp(caller, 1);
}

static const mp_obj_fun_builtin_fixed_t *function(intptr_t name)
{
    const mp_obj_dict_t *globals = registered->globals;

    for (size_t i = 0; i < globals->used; ++i) {
        if (globals->table[i].key == MP_ROM_QSTR(name)) {
            return globals->table[i].value;
        }
    }
    abort();
}

static mp_obj_t call(intptr_t name, mp_obj_t argument)
{
    return function(name)->fun._1(argument);
}

/* Prints the pixels that fit makes of a picture of 28 columns, its ink light or dark. */
static void print_fitted(const text *picture, int dark)
{
    const mp_obj_t given[] = { picture, MP_OBJ_NEW_SMALL_INT(28), MP_OBJ_NEW_SMALL_INT(picture->length / 28), MP_OBJ_NEW_SMALL_INT(dark) };
    const text *made = function(MP_QSTR_fit)->fun.var(4, given);

    if ((mp_obj_t)made == mp_const_none) {
        printf("no ink");
    } else {
        for (size_t i = 0; i < made->length; ++i) {
            printf("%02x", made->bytes[i]);
        }
    }
    printf("\n");
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
            print_fitted(&image, 0);
            print_fitted(&image, 1);
        }
    }
    image.length = 784;
    memset(image.bytes, 9, sizeof image.bytes);
    print_fitted(&image, 0);
    image.length = 783;
    if (setjmp(caller) == 0) {
        print_fitted(&image, 0);
    }
    return 0;
}
