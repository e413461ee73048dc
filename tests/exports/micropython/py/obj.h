/* Of MicroPython's objects what the module makes and takes: bytes, small integers, None, tuples, functions. */
#ifndef OBJ_H
#define OBJ_H

#include <stddef.h>
#include <stdint.h>

typedef const void *mp_obj_t;
typedef intptr_t mp_int_t;
typedef struct {
    const void *type;
} mp_obj_base_t;
typedef struct {
    void *buf;
    size_t len;
    int typecode;
} mp_buffer_info_t;
typedef struct {
    mp_obj_base_t base;
    union {
        mp_obj_t (*_1)(mp_obj_t);
        mp_obj_t (*var)(size_t, const mp_obj_t *);
    } fun;
} mp_obj_fun_builtin_fixed_t;
typedef struct {
    mp_obj_t key, value;
} mp_rom_map_elem_t;
typedef struct {
    size_t used;
    const mp_rom_map_elem_t *table;
} mp_obj_dict_t;
typedef struct {
    mp_obj_base_t base;
    mp_obj_dict_t *globals;
} mp_obj_module_t;

enum { MP_QSTR___name__, MP_QSTR_digits, MP_QSTR_classify, MP_QSTR_scores, MP_QSTR_fit };

extern const int mp_type_module, none;
extern const mp_obj_module_t *const registered;

#define MP_BUFFER_READ 1
#define MP_ERROR_TEXT(text) text
#define mp_const_none ((mp_obj_t)&none)
#define MP_OBJ_NEW_SMALL_INT(number) ((mp_obj_t)((intptr_t)(number) * 2 + 1))
#define MP_OBJ_SMALL_INT_VALUE(object) (((intptr_t)(object) - 1) / 2)
#define MP_ROM_QSTR(name) ((mp_obj_t)(intptr_t)(name))
#define MP_ROM_PTR(object) object
#define MP_DEFINE_CONST_FUN_OBJ_1(name, function) \
    const mp_obj_fun_builtin_fixed_t name = { .base = { NULL }, .fun = { ._1 = function } }
#define MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name, least, most, function) \
    const mp_obj_fun_builtin_fixed_t name = { .base = { NULL }, .fun = { .var = function } }
#define MP_DEFINE_CONST_DICT(name, entries) \
    const mp_obj_dict_t name = { sizeof entries / sizeof *entries, entries }
#define MP_REGISTER_MODULE(name, module) const mp_obj_module_t *const registered = &module

void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *info, unsigned flags);
mp_int_t mp_obj_get_int(mp_obj_t object);
int mp_obj_is_true(mp_obj_t object);
mp_obj_t mp_obj_new_bytes(const unsigned char *bytes, size_t length);
mp_obj_t mp_obj_new_tuple(size_t count, const mp_obj_t *items);

#endif
