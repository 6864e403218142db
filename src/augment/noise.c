#include "augment/noise.h"

#include "base/smaller.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const float degree = 0.01745329251994329577f; /* pi / 180 */

/* DeVries and Taylor, arXiv 1708.04552: a square of fixed size. Its centre is any pixel, so a part
 * of it may lie outside. */
static void draw_cutout(const byol_view_recipe *recipe, int size, byol__random *random,
                        byol__noise *noise) {
    int applied = byol__random_uniform(random) < recipe->cutout;
    int side = (int)lrintf(recipe->cutout_size * (float)size);
    int x = (int)(byol__random_uniform(random) * (float)size) - side / 2;
    int y = (int)(byol__random_uniform(random) * (float)size) - side / 2;
    int left = x > 0 ? x : 0, top = y > 0 ? y : 0;
    if (!applied) return;
    noise->cut_x = left;
    noise->cut_y = top;
    noise->cut_width = byol__smaller(x + side, size) - left;
    noise->cut_height = byol__smaller(y + side, size) - top;
}

/* Uniform over -limit .. limit, in whole pixels. */
static int draw_shift(int limit, byol__random *random) {
    return (int)(byol__random_uniform(random) * (float)(2 * limit + 1)) - limit;
}

byol__noise byol__noise_draw(const byol_view_recipe *recipe, int size, uint64_t seed,
                             uint32_t epoch, uint32_t sample, int view) {
    byol__noise noise = {
        .random = byol__random_stream(seed, BYOL__PURPOSE_NOISE, epoch, sample, (uint32_t)view)};
    byol__random *random = &noise.random;
    int travel = (int)lrintf(recipe->translate * (float)size);
    noise.angle = degree * byol__random_range(random, -recipe->rotate, recipe->rotate);
    noise.right = draw_shift(travel, random);
    noise.down = draw_shift(travel, random);
    noise.right += draw_shift(recipe->pad, random);
    noise.down += draw_shift(recipe->pad, random);
    noise.deviation = recipe->noise;
    draw_cutout(recipe, size, random, &noise);
    return noise;
}

bool byol__noise_moves(const byol__noise *noise) {
    return noise->angle != 0 || noise->right != 0 || noise->down != 0;
}

static float pixel(const float *plane, int size, int x, int y) {
    return x < 0 || y < 0 || x >= size || y >= size ? 0 : plane[y * size + x];
}

static float between_pixels(const float *plane, int size, float x, float y) {
    float left = floorf(x), top = floorf(y), across = x - left, down = y - top;
    int i = (int)left, j = (int)top;
    float above = (1 - across) * pixel(plane, size, i, j) + across * pixel(plane, size, i + 1, j);
    float below =
        (1 - across) * pixel(plane, size, i, j + 1) + across * pixel(plane, size, i + 1, j + 1);
    return (1 - down) * above + down * below;
}

void byol__noise_move(const byol__noise *noise, int channels, int size, float *image,
                      float *scratch) {
    float cosine = cosf(noise->angle), sine = sinf(noise->angle), centre = (float)(size - 1) / 2;
    size_t count = (size_t)size * (size_t)size;
    for (int c = 0; c < channels; c++) {
        float *plane = image + (size_t)c * count;
        memcpy(scratch, plane, count * sizeof *scratch);
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++) { /* where it comes from: shifted back, turned back */
                float u = (float)(x - noise->right) - centre, v = (float)(y - noise->down) - centre;
                plane[y * size + x] = between_pixels(scratch, size, centre + cosine * u - sine * v,
                                                     centre + sine * u + cosine * v);
            }
    }
}

void byol__noise_add(byol__noise *noise, const float std[3], int channels, int size, float *image) {
    size_t plane = (size_t)size * (size_t)size;
    for (int c = 0; c < channels && noise->deviation > 0; c++) {
        float scale = noise->deviation / std[c];
        for (size_t i = 0; i < plane; i++)
            image[(size_t)c * plane + i] += scale * byol__random_normal(&noise->random);
    }
    for (int c = 0; c < channels && noise->cut_width > 0; c++)
        for (int y = noise->cut_y; y < noise->cut_y + noise->cut_height; y++)
            memset(image + (size_t)c * plane + (size_t)y * (size_t)size + noise->cut_x, 0,
                   (size_t)noise->cut_width * sizeof *image);
}
