/* Pairs of ids numbered 0, 1, 2 .. in the order in which they came, and found again. */
#ifndef BYOL__ID_PAIRS_H
#define BYOL__ID_PAIRS_H

#include <stdint.h>

#include "text/text_buffer.h"

typedef struct byol__id_pairs {
    byol_text_buffer keys;  /* (count) uint64_t */
    byol_text_buffer slots; /* (slot_count) {key, number + 1}; 0 where free */
    size_t slot_count;      /* a power of two, or 0 */
    uint32_t count;
} byol__id_pairs;

/* Keys are ordered as the pairs are: by the left id, then by the right one. */
static inline uint64_t byol__pair_key(uint32_t left, uint32_t right) {
    return (uint64_t)left << 32 | right;
}

int64_t byol__pair_find(const byol__id_pairs *pairs, uint64_t key); /* its number, or -1 */
byol_status byol__pair_add(byol__id_pairs *pairs, uint64_t key, uint32_t *number,
                           byol_error *error);
void byol__id_pairs_release(byol__id_pairs *pairs);

#endif
