/* What is used of DLPack 1.3, after its specification (dmlc.github.io/dlpack): tensors as structs, and the table of C
 * functions by which a type hands its own out: the capsule `type.__dlpack_c_exchange_api__`. */
#ifndef FI_DLPACK_H
#define FI_DLPACK_H

#include <stdint.h>

enum { DLPACK_MAJOR = 1, DLPACK_CPU = 1, DLPACK_FLOAT = 2, DLPACK_BFLOAT = 4 };

typedef struct {
    uint32_t major, minor;
} dlpack_version;

typedef struct {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides; /* in items */
    uint64_t byte_offset;
} dlpack_tensor;

typedef struct dlpack_owned {
    dlpack_version version;
    void *context;
    void (*deleter)(struct dlpack_owned *self);
    uint64_t flags;
    dlpack_tensor tensor;
} dlpack_owned;

/* A function gives 0, or -1 with an exception set. A borrowed tensor lives as long as nobody else comes by. */
typedef struct dlpack_exchange {
    dlpack_version version;
    const struct dlpack_exchange *older; /* of an earlier version, or NULL */
    int (*allocate)(dlpack_tensor *like, dlpack_owned **out, void *context,
                    void (*set_error)(void *context, const char *kind, const char *message));
    int (*own)(void *object, dlpack_owned **out);
    int (*to_object)(dlpack_owned *tensor, void **out);
    int (*borrow)(void *object, dlpack_tensor *out); /* may be NULL */
    int (*stream)(int32_t device_type, int32_t device_id, void **out);
} dlpack_exchange;

#endif
