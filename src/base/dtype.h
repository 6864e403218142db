/* Element types of values: activations and network inputs (pixels, tokens). */
#ifndef BYOL__DTYPE_H
#define BYOL__DTYPE_H

#include <stddef.h>

typedef enum byol__dtype { BYOL__F32, BYOL__BF16, BYOL__I32 } byol__dtype;

static inline size_t byol__dtype_bytes(byol__dtype dtype) { return dtype == BYOL__BF16 ? 2 : 4; }

#endif
