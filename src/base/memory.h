/* Memory: zeroed, aligned to a cache line, with an error instead of a crash. All large buffers come
 * from here. */
#ifndef BYOL__MEMORY_H
#define BYOL__MEMORY_H

#include <stddef.h>

#include "byol/status.h"

enum { BYOL__ALIGNMENT = 64 }; /* bytes: one cache line, one AVX-512 register */

/* Allocates `count` elements of `size` bytes, zeroed, 64-byte aligned. BYOL_ERROR_MEMORY (with
 * `what` and how many bytes) on failure or overflow. The caller owns `*out`: byol__free. A count of
 * 0 gives a pointer that may be freed. */
byol_status byol__alloc(void *out, size_t count, size_t size, const char *what, byol_error *error);

/* The same for floats. */
byol_status byol__alloc_floats(float **out, size_t count, const char *what, byol_error *error);

void byol__free(void *pointer); /* NULL is fine */

/* `bytes` rounded up to the alignment. */
size_t byol__align_up(size_t bytes);

#endif
