#include "input/sound_cache.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct byol__sound_cache {
    size_t count;
    _Atomic(byol__kept_sound *) *kept; /* (count); each is set once */
    atomic_size_t left;                /* bytes */
};

byol_status byol__sound_cache_create(byol__sound_cache **out, size_t count, size_t bytes,
                                     byol_error *error) {
    byol__sound_cache *cache;
    byol_status status = byol__alloc(&cache, 1, sizeof *cache, "kept spectrograms", error);
    if (status != BYOL_OK) return status;
    status = byol__alloc(&cache->kept, count, sizeof *cache->kept, "kept spectrograms", error);
    if (status != BYOL_OK) {
        byol__free(cache);
        return status;
    }
    cache->count = count;
    atomic_init(&cache->left, bytes);
    *out = cache;
    return BYOL_OK;
}

void byol__sound_cache_free(byol__sound_cache *cache) {
    if (cache == NULL) return;
    for (size_t i = 0; i < cache->count; i++) free(atomic_load(&cache->kept[i]));
    byol__free(cache->kept);
    byol__free(cache);
}

const byol__kept_sound *byol__sound_cache_find(const byol__sound_cache *cache, size_t index) {
    return atomic_load(&cache->kept[index]);
}

/* Takes `bytes` of what is left. */
static bool take_room(byol__sound_cache *cache, size_t bytes) {
    size_t left = atomic_load(&cache->left);
    while (left >= bytes)
        if (atomic_compare_exchange_weak(&cache->left, &left, left - bytes)) return true;
    return false;
}

/* Two threads may make the same spectrogram; the first one's is kept. */
void byol__sound_cache_keep(byol__sound_cache *cache, size_t index, const float *values,
                            size_t bands, size_t frames) {
    size_t floats = bands * frames, bytes = sizeof(byol__kept_sound) + floats * sizeof *values;
    if (!take_room(cache, bytes)) return;
    byol__kept_sound *made = malloc(bytes), *none = NULL;
    if (made != NULL) {
        made->frames = frames;
        memcpy(made->values, values, floats * sizeof *values);
        if (atomic_compare_exchange_strong(&cache->kept[index], &none, made)) return;
    }
    free(made);
    atomic_fetch_add(&cache->left, bytes);
}
