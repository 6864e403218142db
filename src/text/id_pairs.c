#include "text/id_pairs.h"

#include <string.h>

#include "base/error.h"

typedef struct slot {
    uint64_t key;
    uint32_t number_plus_1;
} slot;

/* Where the key is, or the free slot where it would be. */
static slot *find_slot(const byol__id_pairs *pairs, uint64_t key) {
    slot *slots = pairs->slots.bytes;
    uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(mixed ^ mixed >> 32) & (pairs->slot_count - 1);
    while (slots[i].number_plus_1 != 0 && slots[i].key != key)
        i = (i + 1) & (pairs->slot_count - 1);
    return &slots[i];
}

int64_t byol__pair_find(const byol__id_pairs *pairs, uint64_t key) {
    if (pairs->count == 0) return -1;
    return (int64_t)find_slot(pairs, key)->number_plus_1 - 1;
}

static byol_status grow(byol__id_pairs *pairs, byol_error *error) {
    size_t slots = pairs->slot_count == 0 ? 256 : pairs->slot_count * 2;
    BYOL__TRY(byol__text_reserve(&pairs->slots, slots, sizeof(slot), error));
    memset(pairs->slots.bytes, 0, slots * sizeof(slot));
    pairs->slot_count = slots;
    const uint64_t *keys = pairs->keys.bytes;
    for (uint32_t i = 0; i < pairs->count; i++) *find_slot(pairs, keys[i]) = (slot){keys[i], i + 1};
    return BYOL_OK;
}

byol_status byol__pair_add(byol__id_pairs *pairs, uint64_t key, uint32_t *number,
                           byol_error *error) {
    int64_t known = byol__pair_find(pairs, key);
    *number = known >= 0 ? (uint32_t)known : pairs->count;
    if (known >= 0) return BYOL_OK;
    if (pairs->count == INT32_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "more than %d different pairs", INT32_MAX);
    if (pairs->count >= pairs->slot_count / 2) BYOL__TRY(grow(pairs, error));
    BYOL__TRY(byol__text_append(&pairs->keys, &key, sizeof key, error));
    *find_slot(pairs, key) = (slot){key, ++pairs->count};
    return BYOL_OK;
}

void byol__id_pairs_release(byol__id_pairs *pairs) {
    byol__text_release(&pairs->keys);
    byol__text_release(&pairs->slots);
    *pairs = (byol__id_pairs){0};
}
