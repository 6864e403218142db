#include "augment/sound_view.h"

#include <math.h>
#include <string.h>

/* ---- Another sound in the background ---- */

byol__sound_mix byol__sound_mix_draw(const byol_sound_recipe *recipe, uint32_t index,
                                     uint32_t count, byol__random *random) {
    byol__sound_mix mix = {.share = recipe->mixup * byol__random_uniform(random)};
    uint32_t others = count > 1 ? count - 1 : 1;
    mix.other = byol__random_below(random, others);
    mix.other += mix.other >= index && count > 1; /* any but itself */
    mix.place = byol__random_uniform(random);
    return mix;
}

void byol__sound_mix_in(float *x, const float *other, size_t count, float share) {
    for (size_t i = 0; i < count; i++)
        x[i] = logf((1 - share) * expf(x[i]) + share * expf(other[i]));
}

/* ---- A crop, resized ---- */

/* The cubic kernel of Keys, a = -1/2. */
static float cubic(float x) {
    x = fabsf(x);
    if (x < 1) return (1.5f * x - 2.5f) * x * x + 1;
    return x < 2 ? ((-0.5f * x + 2.5f) * x - 4) * x + 2 : 0;
}

enum { TAPS = 64 };

typedef struct taps {
    int start, count;
    float weight[TAPS];
} taps;

/* Which of `in` values make value `i` of `out`. The kernel is as wide as a step where values
 * become fewer. */
static taps taps_of(int i, int in, int out) {
    taps t = {.start = 0};
    float scale = (float)in / (float)out, wide = scale > 1 ? scale : 1, sum = 0;
    float centre = ((float)i + 0.5f) * scale;
    int first = (int)floorf(centre - 2 * wide), last = (int)ceilf(centre + 2 * wide);
    if (first < 0) first = 0;
    if (last > in) last = in;
    if (last - first > TAPS) last = first + TAPS;
    t.start = first;
    t.count = last - first;
    for (int k = 0; k < t.count; k++) {
        t.weight[k] = cubic(((float)(first + k) + 0.5f - centre) / wide);
        sum += t.weight[k];
    }
    for (int k = 0; k < t.count; k++) t.weight[k] /= sum;
    return t;
}

/* A part of a canvas of zeros that the spectrogram stands in the middle of. */
typedef struct crop {
    int top, left; /* in the spectrogram; left may be outside */
    int height, width;
} crop;

static int draw_extent(float low, float high, int whole, int most, byol__random *random) {
    int extent = (int)(byol__random_range(random, low, high) * (float)whole);
    return extent < 1 ? 1 : extent > most ? most : extent;
}

static crop draw_crop(const byol_sound_recipe *recipe, int bands, int frames,
                      byol__random *random) {
    int canvas = (int)lrintf(recipe->canvas * (float)frames);
    float low = recipe->stretch_min, high = recipe->stretch_max;
    crop c = {.height = draw_extent(low, high, bands, bands, random)};
    c.width = draw_extent(low, high, frames, canvas, random);
    c.top = (int)byol__random_below(random, (uint32_t)(bands - c.height + 1));
    c.left = (int)byol__random_below(random, (uint32_t)(canvas - c.width + 1));
    c.left -= (canvas - frames) / 2;
    return c;
}

/* `row` has `frames` values; what is outside is 0. */
static float sum_of(const taps *t, const float *row, int left, int frames) {
    float sum = 0;
    for (int k = 0; k < t->count; k++) {
        int at = left + t->start + k;
        if (at >= 0 && at < frames) sum += t->weight[k] * row[at];
    }
    return sum;
}

/* Rows first, into `between`, (crop height, frames); then columns. */
static void resize(const crop *c, int bands, int frames, const float *x, float *between,
                   float *dst) {
    for (int t = 0; t < frames; t++) {
        taps across = taps_of(t, c->width, frames);
        for (int y = 0; y < c->height; y++)
            between[(size_t)y * (size_t)frames + (size_t)t] =
                sum_of(&across, x + (size_t)(c->top + y) * (size_t)frames, c->left, frames);
    }
    for (int b = 0; b < bands; b++) {
        taps down = taps_of(b, c->height, bands);
        float *row = dst + (size_t)b * (size_t)frames;
        memset(row, 0, (size_t)frames * sizeof *row);
        for (int k = 0; k < down.count; k++) {
            const float *from = between + (size_t)(down.start + k) * (size_t)frames;
            for (int t = 0; t < frames; t++) row[t] += down.weight[k] * from[t];
        }
    }
}

/* ---- A fader, noise ---- */

static void fade(float *x, int bands, int frames, float begin, float end) {
    float step = frames > 1 ? (end - begin) / (float)(frames - 1) : 0;
    for (int b = 0; b < bands; b++, x += frames)
        for (int t = 0; t < frames; t++) x[t] += begin + step * (float)t;
}

void byol__sound_view(const byol_sound_recipe *recipe, int bands, int frames, const float *x,
                      byol__random *random, byol__random *noise, float *scratch, float *dst) {
    crop c = draw_crop(recipe, bands, frames, random);
    float begin = byol__random_range(random, -recipe->fade, recipe->fade),
          end = byol__random_range(random, -recipe->fade, recipe->fade);
    resize(&c, bands, frames, x, scratch, dst);
    fade(dst, bands, frames, begin, end);
    for (size_t i = 0; i < (size_t)bands * (size_t)frames && recipe->hiss > 0; i++)
        dst[i] += recipe->hiss * byol__random_normal(noise);
}
