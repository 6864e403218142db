/* Spectrograms that were made once, so that they are not made again. They are shared by the
 * loader's threads. What is kept changes nothing but the time: what is not kept is made again, the
 * same. */
#ifndef BYOL__SOUND_CACHE_H
#define BYOL__SOUND_CACHE_H

#include <stddef.h>

#include "byol/status.h"

typedef struct byol__sound_cache byol__sound_cache;

/* A whole sound's log-mels, (bands, frames). */
typedef struct byol__kept_sound {
    size_t frames;
    float values[];
} byol__kept_sound;

/* For `count` samples, of `bytes` at most together. Owned: byol__sound_cache_free. */
byol_status byol__sound_cache_create(byol__sound_cache **out, size_t count, size_t bytes,
                                     byol_error *error);
void byol__sound_cache_free(byol__sound_cache *cache); /* NULL is fine */

/* What is kept of a sample, or NULL. Borrowed until the cache is freed. */
const byol__kept_sound *byol__sound_cache_find(const byol__sound_cache *cache, size_t index);

/* Keeps a copy of (bands, frames) floats, if there is room. */
void byol__sound_cache_keep(byol__sound_cache *cache, size_t index, const float *values,
                            size_t bands, size_t frames);

#endif
