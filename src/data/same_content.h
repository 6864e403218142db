/* Which samples of a source have the same bytes. */
#ifndef BYOL__SAME_CONTENT_H
#define BYOL__SAME_CONTENT_H

#include <stddef.h>

#include <xxhash.h>

#include "byol/status.h"
#include "byol/survey.h"

typedef struct byol__content {
    XXH128_hash_t hash; /* of the sample's bytes */
    size_t index;
} byol__content;

/* Sets `*out` (owned: byol__free) to `*found` pairs, by index. Sorts `contents`. */
byol_status byol__find_same_content(byol__content *contents, size_t count, byol_duplicate **out,
                                    size_t *found, byol_error *error);

#endif
