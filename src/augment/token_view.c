#include "augment/token_view.h"

#include <stdbool.h>
#include <string.h>

/* A random whole number in 0 .. most. */
static size_t up_to(byol__random *random, size_t most) {
    return byol__random_below(random, (uint32_t)most + 1);
}

/* A window of the text with at most `room` tokens, or as many as have room in the one window that
 * all views share. Returns how many it has. */
static size_t crop(const byol_text_recipe *recipe, const int32_t *ids, size_t count, size_t room,
                   byol__random *random, byol__random *window, int32_t *dst) {
    if (recipe->crop_min >= 1) random = window;
    float share = byol__random_range(random, recipe->crop_min, 1);
    size_t kept = recipe->crop_min >= 1 ? count : (size_t)(share * (float)count + 0.5f);
    if (kept < 1) kept = 1;
    if (kept > count) kept = count;
    if (kept > room) kept = room;
    size_t first = up_to(random, count - kept);
    memcpy(dst, ids + first, kept * sizeof *dst);
    return kept;
}

/* Takes a run of at most `share` of the tokens out. */
static size_t remove_span(float share, byol__random *random, int32_t *ids, size_t count) {
    size_t most = (size_t)(share * (float)count);
    if (most >= count) most = count - 1;
    size_t gone = up_to(random, most), first = up_to(random, count - gone);
    memmove(ids + first, ids + first + gone, (count - first - gone) * sizeof *ids);
    return count - gone;
}

/* Leaves tokens out, but never the last one that is left. */
static size_t drop(float share, byol__random *random, int32_t *ids, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool goes = byol__random_uniform(random) < share;
        if (!goes || (kept == 0 && i + 1 == count)) ids[kept++] = ids[i];
    }
    return kept;
}

static void swap(float share, byol__random *random, int32_t *ids, size_t count) {
    for (size_t i = 0; i + 1 < count; i++) {
        if (byol__random_uniform(random) >= share) continue;
        int32_t first = ids[i];
        ids[i] = ids[i + 1];
        ids[i + 1] = first;
        i++;
    }
}

static void mask(const byol_text_recipe *recipe, int32_t token, byol__random *random, int32_t *ids,
                 size_t count) {
    int span = recipe->mask_span < 1 ? 1 : recipe->mask_span, left = 0;
    for (size_t i = 0; i < count; i++) {
        if (byol__random_uniform(random) < recipe->mask / (float)span) left = span;
        if (left > 0) {
            ids[i] = token;
            left--;
        }
    }
}

void byol__token_view(const byol_text_recipe *recipe, const byol_special_tokens *special,
                      const int32_t *ids, size_t count, byol__random *random, byol__random *window,
                      int32_t *scratch, int32_t *dst, size_t length) {
    size_t begins = special->cls >= 0, ends = special->sep >= 0, at = 0;
    memset(dst, 0, length * sizeof *dst);
    if (count > 0) {
        count = crop(recipe, ids, count, length - begins - ends, random, window, scratch);
        if (recipe->span > 0) count = remove_span(recipe->span, random, scratch, count);
        if (recipe->drop > 0) count = drop(recipe->drop, random, scratch, count);
        if (recipe->swap > 0) swap(recipe->swap, random, scratch, count);
    }
    if (begins) dst[at++] = special->cls;
    if (recipe->mask > 0 && special->mask >= 0) mask(recipe, special->mask, random, scratch, count);
    memcpy(dst + at, scratch, count * sizeof *dst);
    at += count;
    if (ends) dst[at] = special->sep;
}
