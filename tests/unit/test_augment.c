/* Views: every step against slow plain code straight from its definition, in double precision;
 * purity. What is drawn for a view: test_draws.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/draws.h"
#include "augment/pixels.h"
#include "augment/taps.h"
#include "base/memory.h"
#include "base/philox.h"
#include "byol/config.h"
#include "byol/views.h"
#include "recipe.h"

/* ---- helpers ---- */

/* The table whose loops are tested: main goes through all that this CPU runs. */
static const byol__pixel_table *pixel_loops;

/* One step on single pixels, for a whole image. */
static void step(byol__step_kind kind, float *image, int channels, size_t plane, float value,
                 float offset) {
    static const float mean[3] = {0.45f, 0.4f, 0.5f}, std[3] = {0.22f, 0.25f, 0.2f};
    byol__steps steps = {.channels = channels, .count = 1};
    steps.list[0] =
        (byol__step){.kind = kind, .value = value, .offset = offset, .mean = mean, .std = std};
    pixel_loops->apply(&steps, image, plane, 0, plane);
}

static void contrast(float *image, int channels, size_t plane, float factor) {
    double sum = 0;
    byol__steps measure = {.channels = channels, .gray_sum = &sum};
    pixel_loops->apply(&measure, image, plane, 0, plane);
    step(BYOL__STEP_CONTRAST, image, channels, plane, factor,
         (1 - factor) * (float)(sum / (double)plane));
}

static void *room(size_t count, size_t size) {
    void *out;
    assert_int_equal(byol__alloc(&out, count, size, "test", NULL), BYOL_OK);
    return out;
}

static void close_to(const float *found, const double *expected, size_t count, double tolerance) {
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)found[i] - expected[i]) <= tolerance))
            fail_msg("element %zu: found %.9g, expected %.9g", i, (double)found[i], expected[i]);
}

/* Pixels that make every step work: noise, with some gray, black, white and pure colours among it.
 */
static uint8_t *some_pixels(int channels, int height, int width) {
    size_t plane = (size_t)height * width;
    uint8_t *pixels = room(channels * plane, 1);
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (size_t i = 0; i < channels * plane; i++)
        pixels[i] = (uint8_t)byol__random_below(&random, 256);
    for (size_t i = 0; i < plane; i += 7)
        for (int c = 0; c < channels; c++) pixels[c * plane + i] = (uint8_t)(i % 5 * 63); /* gray */
    for (size_t i = 3; i < plane; i += 11)
        for (int c = 0; c < channels; c++)
            pixels[c * plane + i] = (i >> c) % 2 ? 255 : 0; /* corners of the cube */
    return pixels;
}

static byol_image planar(const uint8_t *pixels, int channels, int height, int width) {
    return (byol_image){pixels, channels, height, width, (size_t)height * width, width, 1};
}

static float *some_floats(int channels, int size) {
    size_t count = (size_t)channels * size * size;
    uint8_t *pixels = some_pixels(channels, size, size);
    float *x = room(count, sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (float)pixels[i] / 255;
    byol__free(pixels);
    return x;
}

static double *doubles(const float *x, size_t count) {
    double *copy = room(count, sizeof *copy);
    for (size_t i = 0; i < count; i++) copy[i] = (double)x[i];
    return copy;
}

static double *doubles_copy(const double *x, size_t count) {
    double *copy = room(count, sizeof *copy);
    memcpy(copy, x, count * sizeof *copy);
    return copy;
}

static float *make(const byol_view_recipe *recipe, const byol_image *image, int size, uint64_t seed,
                   uint32_t epoch, uint32_t sample, int view) {
    float *dst = room((size_t)image->channels * size * size, sizeof *dst);
    void *scratch =
        room(byol_view_scratch_bytes(image->channels, image->height, image->width, size), 1);
    byol_view_make(recipe, image, size, seed, epoch, sample, view, dst, scratch);
    byol__free(scratch);
    return dst;
}

/* ---- the definitions ---- */

static double clamp(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static double gray_of(const double *x, size_t plane, size_t i) {
    return .2989 * x[i] + .587 * x[plane + i] + .114 * x[2 * plane + i];
}

static void slow_brightness(double *x, size_t count, double factor) {
    for (size_t i = 0; i < count; i++) x[i] = clamp(factor * x[i]);
}

static void slow_contrast(double *x, int channels, size_t plane, double factor) {
    double mean = 0;
    for (size_t i = 0; i < plane; i++)
        mean += (channels == 1 ? x[i] : gray_of(x, plane, i)) / (double)plane;
    for (size_t i = 0; i < channels * plane; i++) x[i] = clamp(factor * x[i] + (1 - factor) * mean);
}

static void slow_saturation(double *x, size_t plane, double factor) {
    for (size_t i = 0; i < plane; i++) {
        double gray = gray_of(x, plane, i);
        for (int c = 0; c < 3; c++)
            x[c * plane + i] = clamp(factor * x[c * plane + i] + (1 - factor) * gray);
    }
}

/* RGB -> HSV -> RGB by the six cases of the textbook (Foley and van Dam). */
static void slow_hue(double *x, size_t plane, double shift) {
    for (size_t i = 0; i < plane; i++) {
        double r = x[i], g = x[plane + i], b = x[2 * plane + i];
        double v = fmax(r, fmax(g, b)), low = fmin(r, fmin(g, b)), d = v - low,
               s = v > 0 ? d / v : 0, h = 0;
        if (d > 0 && v == r) h = (g - b) / d / 6;
        if (d > 0 && v == g && v != r) h = (2 + (b - r) / d) / 6;
        if (d > 0 && v == b && v != r && v != g) h = (4 + (r - g) / d) / 6;
        h += shift;
        h -= floor(h);
        int sector = (int)(h * 6) % 6;
        double f = h * 6 - floor(h * 6), p = v * (1 - s), q = v * (1 - s * f),
               t = v * (1 - s * (1 - f));
        double rgb[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
        for (int c = 0; c < 3; c++) x[c * plane + i] = rgb[sector][c];
    }
}

static void slow_grayscale(double *x, size_t plane) {
    for (size_t i = 0; i < plane; i++)
        x[i] = x[plane + i] = x[2 * plane + i] = gray_of(x, plane, i);
}

static void slow_solarize(double *x, size_t count, double threshold) {
    for (size_t i = 0; i < count; i++) x[i] = x[i] >= threshold ? 1 - x[i] : x[i];
}

static int mirrored(int i, int size) {
    while (i < 0 || i >= size) i = i < 0 ? -i : 2 * (size - 1) - i;
    return i;
}

/* Directly in two dimensions. */
static void slow_blur(double *plane, int size, double sigma, int radius) {
    int taps = 2 * radius + 1;
    double *src = doubles_copy(plane, (size_t)size * size),
           *weights = room((size_t)taps * taps, sizeof *weights);
    double total = 0;
    for (int j = -radius; j <= radius; j++)
        for (int i = -radius; i <= radius; i++)
            total += weights[(j + radius) * taps + i + radius] =
                exp(-(i * i + j * j) / (2 * sigma * sigma));
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            double sum = 0;
            for (int j = -radius; j <= radius; j++) {
                const double *row = src + mirrored(y + j, size) * size;
                for (int i = -radius; i <= radius; i++)
                    sum += weights[(j + radius) * taps + i + radius] * row[mirrored(x + i, size)];
            }
            plane[y * size + x] = sum / total;
        }
    byol__free(src);
    byol__free(weights);
}

static double keys(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    if (x < 2) return a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
    return 0;
}

/* One output pixel as a weighted mean of all pixels of the box: in both directions, without
 * separating them. Rows and columns that the kernel does not reach are left out. */
static double slow_bicubic(const byol_image *image, const byol__draws *box, int c, int out_height,
                           int out_width, int oy, int ox) {
    double sx = (double)box->crop_width / out_width, sy = (double)box->crop_height / out_height;
    double wide_x = fmax(sx, 1), wide_y = fmax(sy, 1), sum = 0, weights = 0;
    for (int y = 0; y < box->crop_height; y++) {
        double weight_y = keys((y + .5 - (oy + .5) * sy) / wide_y);
        if (weight_y == 0) continue;
        int from = (int)fmax(0, floor((ox + .5) * sx - 2 * wide_x)),
            to = (int)((ox + .5) * sx + 2 * wide_x + 1);
        for (int x = from; x <= to && x < box->crop_width; x++) {
            double weight = keys((x + .5 - (ox + .5) * sx) / wide_x) * weight_y;
            sum += weight *
                   image->pixels[c * image->channel_stride + (box->crop_y + y) * image->row_stride +
                                 (box->crop_x + x) * image->pixel_stride];
            weights += weight;
        }
    }
    return clamp(sum / weights / 255);
}

static void slow_view(const byol_view_recipe *recipe, const byol_image *image, int size,
                      const byol__draws *draws, double *x) {
    int channels = image->channels, radius = size / 20 > 1 ? size / 20 : 1;
    size_t plane = (size_t)size * size;
    for (int c = 0; c < channels; c++)
        for (int oy = 0; oy < size; oy++)
            for (int ox = 0; ox < size; ox++)
                x[c * plane + oy * size + ox] =
                    slow_bicubic(image, draws, c, size, size, oy, draws->flip ? size - 1 - ox : ox);
    for (int i = 0; draws->jitter && i < 4; i++) {
        if (draws->order[i] == BYOL__BRIGHTNESS)
            slow_brightness(x, channels * plane, (double)draws->brightness);
        if (draws->order[i] == BYOL__CONTRAST)
            slow_contrast(x, channels, plane, (double)draws->contrast);
        if (draws->order[i] == BYOL__SATURATION && channels == 3)
            slow_saturation(x, plane, (double)draws->saturation);
        if (draws->order[i] == BYOL__HUE && channels == 3) slow_hue(x, plane, (double)draws->hue);
    }
    if (draws->grayscale && channels == 3) slow_grayscale(x, plane);
    for (int c = 0; draws->blur && size > 1 && c < channels; c++)
        slow_blur(x + c * plane, size, (double)draws->blur_sigma, radius);
    if (draws->solarize) slow_solarize(x, channels * plane, (double)recipe->solarize_threshold);
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++)
            x[c * plane + i] =
                (x[c * plane + i] - (double)recipe->mean[c]) / (double)recipe->std[c];
}

/* ---- each step ---- */

enum { SIZE = 13, PLANE = SIZE * SIZE }; /* not a multiple of any vector */

typedef struct colour_case {
    float *found;
    double *expected;
} colour_case;

static colour_case colours(int channels) {
    float *found = some_floats(channels, SIZE);
    return (colour_case){found, doubles(found, (size_t)channels * PLANE)};
}

static void colours_agree(colour_case c, int channels, double tolerance) {
    close_to(c.found, c.expected, (size_t)channels * PLANE, tolerance);
    byol__free(c.found);
    byol__free(c.expected);
}

static const float FACTORS[] = {0, 0.3f, 0.6f, 1, 1.4f, 1.8f};
enum { FACTOR_COUNT = sizeof FACTORS / sizeof *FACTORS };

static void brightness_scales_and_clips(void **state) {
    (void)state;
    for (int i = 0; i < FACTOR_COUNT; i++) {
        colour_case c = colours(3);
        step(BYOL__STEP_BRIGHTNESS, c.found, 3, PLANE, FACTORS[i], 0);
        slow_brightness(c.expected, 3 * PLANE, (double)FACTORS[i]);
        colours_agree(c, 3, 1e-6);
    }
}

static void contrast_is_about_the_mean_of_the_grayscale_image(void **state) {
    (void)state;
    for (int i = 0; i < 2 * FACTOR_COUNT; i++) {
        int channels = i % 2 ? 3 : 1;
        colour_case c = colours(channels);
        contrast(c.found, channels, PLANE, FACTORS[i / 2]);
        slow_contrast(c.expected, channels, PLANE, (double)FACTORS[i / 2]);
        colours_agree(c, channels, 1e-6);
    }
}

static void contrast_keeps_its_mean_on_large_images(void **state) {
    (void)state;
    enum { LARGE = 1021 };
    float *x = room((size_t)LARGE * LARGE, sizeof *x);
    for (size_t i = 0; i < (size_t)LARGE * LARGE; i++) x[i] = (float)(i % 1000) * 0.001f;
    double *expected = doubles(x, (size_t)LARGE * LARGE);
    contrast(x, 1, (size_t)LARGE * LARGE, 0);
    slow_contrast(expected, 1, (size_t)LARGE * LARGE, 0);
    close_to(x, expected, (size_t)LARGE * LARGE, 1e-6);
    byol__free(x);
    byol__free(expected);
}

static void saturation_blends_with_gray(void **state) {
    (void)state;
    for (int i = 0; i < FACTOR_COUNT; i++) {
        colour_case c = colours(3);
        step(BYOL__STEP_SATURATION, c.found, 3, PLANE, FACTORS[i], 0);
        slow_saturation(c.expected, PLANE, (double)FACTORS[i]);
        colours_agree(c, 3, 1e-6);
    }
}

static void hue_turns_the_colour_circle(void **state) {
    (void)state;
    for (int i = -10; i <= 10; i++) {
        colour_case c = colours(3);
        step(BYOL__STEP_HUE, c.found, 3, PLANE, (float)i * 0.05f, 0);
        slow_hue(c.expected, PLANE, (double)((float)i * 0.05f));
        colours_agree(c, 3,
                      4e-6); /* the hue is counted up to 20 in sixths of a turn: 1e-6 each way */
    }
}

static void a_third_of_a_turn_makes_red_green(void **state) {
    (void)state;
    float rgb[3] = {1, 0, 0};
    step(BYOL__STEP_HUE, rgb, 3, 1, 1.0f / 3, 0);
    close_to(rgb, (double[]){0, 1, 0}, 3, 2e-6);
    step(BYOL__STEP_HUE, rgb, 3, 1, 1.0f / 3, 0);
    close_to(rgb, (double[]){0, 0, 1}, 3, 4e-6);
}

static void grayscale_weighs_the_channels(void **state) {
    (void)state;
    colour_case c = colours(3);
    step(BYOL__STEP_GRAYSCALE, c.found, 3, PLANE, 0, 0);
    slow_grayscale(c.expected, PLANE);
    assert_memory_equal(c.found, c.found + PLANE, PLANE * sizeof *c.found);
    assert_memory_equal(c.found, c.found + 2 * PLANE, PLANE * sizeof *c.found);
    colours_agree(c, 3, 1e-6);
}

static void solarize_inverts_from_the_threshold_on(void **state) {
    (void)state;
    colour_case c = colours(1);
    c.found[0] = 0.5f;
    c.expected[0] = 0.5;
    c.found[1] = 0.49999f;
    c.expected[1] = (double)0.49999f;
    step(BYOL__STEP_SOLARIZE, c.found, 1, PLANE, 0.5f, 0);
    slow_solarize(c.expected, PLANE, 0.5);
    colours_agree(c, 1, 1e-7);
}

static void normalise_subtracts_and_divides(void **state) {
    (void)state;
    colour_case c = colours(1);
    step(BYOL__STEP_NORMALISE, c.found, 1, PLANE, 0, 0);
    for (int i = 0; i < PLANE; i++) c.expected[i] = (c.expected[i] - (double)0.45f) / (double)0.22f;
    colours_agree(c, 1, 1e-6);
}

static void blur_is_a_gaussian_with_reflected_borders(void **state) {
    (void)state;
    const int cases[][2] = {{2, 1}, {5, 1}, {5, 4}, {SIZE, 3}, {40, 2}, {100, 11}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int size = cases[i][0], radius = cases[i][1];
        float *x = some_floats(3, size), kernel[64], total = 0;
        double *expected = doubles(x, (size_t)3 * size * size), sigma = 0.4 + 0.5 * (double)i;
        for (int k = 0; k <= 2 * radius; k++)
            total += kernel[k] = (float)exp(-(k - radius) * (k - radius) / (2 * sigma * sigma));
        for (int k = 0; k <= 2 * radius; k++) kernel[k] /= total;
        kernel[2 * radius + 1] = 0;
        byol__blur job = {.channels = 3, .size = size, .radius = radius, .kernel = kernel};
        job.scratch = room(pixel_loops->blur_floats(3, size, radius), sizeof(float));
        byol__steps nothing = {.channels = 3};
        pixel_loops->blur(&job, &nothing, &nothing, x);
        for (int c = 0; c < 3; c++) slow_blur(expected + c * size * size, size, sigma, radius);
        close_to(x, expected, (size_t)3 * size * size, 1e-6);
        byol__free(job.scratch);
        byol__free(x);
        byol__free(expected);
    }
}

/* Steps on single pixels are applied to a few rows at a time, before and behind the blur: each
 * pixel once. */
static void steps_around_a_blur_reach_every_pixel_once(void **state) {
    (void)state;
    const int sizes[] = {2, 9, 16, 31, 70};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int size = sizes[i], radius = size / 6 > 0 ? size / 6 : 1;
        size_t plane = (size_t)size * size;
        float kernel[64] = {0}, *x = some_floats(1, size), *expected = some_floats(1, size);
        for (int k = 0; k <= 2 * radius; k++) kernel[k] = 1 / (float)(2 * radius + 1);
        byol__blur job = {.channels = 1, .size = size, .radius = radius, .kernel = kernel};
        job.scratch = room(pixel_loops->blur_floats(1, size, radius), sizeof(float));
        byol__steps nothing = {.channels = 1}, before = {.channels = 1, .count = 1}, after = before;
        before.list[0] = (byol__step){.kind = BYOL__STEP_BRIGHTNESS, .value = 0.7f};
        after.list[0] = (byol__step){.kind = BYOL__STEP_BRIGHTNESS, .value = 0.6f};
        pixel_loops->blur(&job, &before, &after, x);
        step(BYOL__STEP_BRIGHTNESS, expected, 1, plane, 0.7f, 0);
        pixel_loops->blur(&job, &nothing, &nothing, expected);
        step(BYOL__STEP_BRIGHTNESS, expected, 1, plane, 0.6f, 0);
        assert_memory_equal(x, expected, plane * sizeof *x);
        byol__free(job.scratch);
        byol__free(x);
        byol__free(expected);
    }
}

/* ---- resize against PIL ---- */

/* Pillow 11.1: a = ((x * 37 + y * 101 + x * y * 13) % 256).astype(float32) / 255 with y, x =
 * mgrid[0:7, 0:9]; Image.fromarray(a, mode="F").crop(box).resize(size, Image.BICUBIC), clipped to
 * [0, 1]. */
static const double PIL_UP[36] = {/* box (2, 1, 7, 5), size (6, 6) */
                                  0.8144031f, 1.0000000f, 0.4761615f, 0.1676294f, 0.4562112f,
                                  0.5956073f, 0.5106841f, 0.7574756f, 0.6434940f, 0.3246636f,
                                  0.1946186f, 0.3932491f, 0.3143379f, 0.3931769f, 0.6853063f,
                                  0.4977407f, 0.0918946f, 0.3466156f, 0.7679171f, 0.2157938f,
                                  0.2257565f, 0.4853788f, 0.6874498f, 0.9087996f, 0.5493788f,
                                  0.3609129f, 0.5363364f, 0.6158358f, 0.5847258f, 0.8621661f,
                                  0.2257830f, 0.5428128f, 0.9443962f, 0.7346964f, 0.3231332f,
                                  0.6598079f};
static const double PIL_DOWN[9] = {/* box (0, 0, 9, 7), size (3, 3) */
                                   0.3998208f, 0.5236593f, 0.5375328f, 0.4894740f, 0.5091286f,
                                   0.4878049f, 0.5974451f, 0.5210935f, 0.4794877f};
static const double PIL_MIXED[16] =
    {/* box (0, 3, 9, 5), size (4, 4): smaller across, larger down */
     0.4083161f, 0.3461578f, 0.6659892f, 0.5350736f, 0.4779357f, 0.4197256f,
     0.6405570f, 0.4567307f, 0.6159865f, 0.5656055f, 0.5901266f, 0.3013820f,
     0.6856061f, 0.6391734f, 0.5646944f, 0.2230390f};
/* torchvision 0.21: center_crop(resize(image, 4, BICUBIC), [4, 4]) of the whole image (9 x 7 -> 5 x
 * 4 -> 4 x 4). */
static const double TORCHVISION_CENTER[16] = {
    0.2539056f, 0.5508369f, 0.5174569f, 0.5964272f, 0.4177906f, 0.4762112f, 0.4508452f, 0.4120992f,
    0.6243007f, 0.4929864f, 0.6084806f, 0.5991138f, 0.6452454f, 0.4945737f, 0.4965760f, 0.4445274f};

static void pil_pixels(uint8_t pixels[63]) {
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 9; x++) pixels[y * 9 + x] = (uint8_t)(x * 37 + y * 101 + x * y * 13);
}

static void resizes_as_pil(int left, int top, int width, int height, int size,
                           const double *expected) {
    uint8_t pixels[63];
    pil_pixels(pixels);
    int start_x[8], start_y[8];
    float weights_x[8 * 16], weights_y[8 * 16], dst[36];
    byol__taps across = {.start = start_x, .weights = weights_x},
               down = {.start = start_y, .weights = weights_y};
    byol__steps nothing = {.channels = 1};
    byol__resize job = {pixels + top * 9 + left, 1, 63, 9, 1, across, down, size, size, NULL};
    job.scratch = room(pixel_loops->resize_floats(1, height, width, size, size), sizeof(float));
    for (int reversed = 0; reversed < 2; reversed++) {
        pixel_loops->taps_fill(&job.across, width, size, 0, size, reversed);
        pixel_loops->taps_fill(&job.down, height, size, 0, size, 0);
        pixel_loops->resize(&job, &nothing, dst);
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
                close_to(dst + y * size + x, expected + y * size + (reversed ? size - 1 - x : x), 1,
                         2e-6);
    }
    byol__free(job.scratch);
}

static void bicubic_gives_the_numbers_of_pil(void **state) {
    (void)state;
    resizes_as_pil(2, 1, 5, 4, 6, PIL_UP);
    resizes_as_pil(0, 0, 9, 7, 3, PIL_DOWN);
    resizes_as_pil(0, 3, 9, 2, 4, PIL_MIXED);
}

static void center_view_gives_the_numbers_of_torchvision(void **state) {
    (void)state;
    uint8_t pixels[63];
    pil_pixels(pixels);
    byol_image image = planar(pixels, 1, 7, 9);
    float dst[16], mean[3] = {0.5f}, std[3] = {0.25f};
    void *scratch = room(byol_view_scratch_bytes(1, 7, 9, 4), 1);
    byol_view_center(mean, std, &image, 4, dst, scratch);
    double expected[16];
    for (int i = 0; i < 16; i++) expected[i] = (TORCHVISION_CENTER[i] - 0.5) / 0.25;
    close_to(dst, expected, 16, 8e-6);
    byol__free(scratch);
}

static void center_view_of_a_square_of_the_same_size_is_the_image(void **state) {
    (void)state;
    uint8_t *pixels = some_pixels(3, 32, 32);
    byol_image image = planar(pixels, 3, 32, 32);
    float *dst = room(3 * 32 * 32, sizeof *dst), mean[3] = {0}, std[3] = {1, 1, 1};
    double *expected = room(3 * 32 * 32, sizeof *expected);
    for (int i = 0; i < 3 * 32 * 32; i++) expected[i] = pixels[i] / 255.0;
    void *scratch = room(byol_view_scratch_bytes(3, 32, 32, 32), 1);
    byol_view_center(mean, std, &image, 32, dst, scratch);
    close_to(dst, expected, 3 * 32 * 32, 3e-7);
    byol__free(scratch);
    byol__free(expected);
    byol__free(dst);
    byol__free(pixels);
}

static void center_view_takes_the_middle_of_a_long_image(void **state) {
    (void)state;
    enum { LONG = 400, SHORT = 8 };
    uint8_t *pixels = room(LONG * SHORT, 1);
    for (int y = 0; y < SHORT; y++)
        memset(pixels + y * LONG + LONG / 2 - 12, 255, 24); /* white in the middle */
    byol_image image = planar(pixels, 1, SHORT, LONG);
    float dst[64], mean[3] = {0}, std[3] = {1, 1, 1};
    void *scratch = room(byol_view_scratch_bytes(1, SHORT, LONG, 8), 1);
    byol_view_center(mean, std, &image, 8, dst, scratch);
    for (int i = 0; i < 64; i++) assert_true(fabs((double)dst[i] - 1) < 1e-6);
    byol_image upright = {pixels, 1, LONG, SHORT, LONG * SHORT, 1, LONG};
    byol_view_center(mean, std, &upright, 8, dst, scratch);
    for (int i = 0; i < 64; i++) assert_true(fabs((double)dst[i] - 1) < 1e-6);
    byol__free(scratch);
    byol__free(pixels);
}

static void a_whole_image_keeps_all_of_it(void **state) {
    (void)state;
    const int cases[][4] = {
        {21, 57, 10, 30}, {57, 21, 40, 7}, {9, 7, 33, 8}, {1, 1, 3, 2}, {64, 48, 64, 48}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int height = cases[i][0], width = cases[i][1], out_height = cases[i][2],
            out_width = cases[i][3];
        uint8_t *pixels = some_pixels(3, height, width);
        byol_image image = planar(pixels, 3, height, width);
        byol__draws all = {.crop_width = width, .crop_height = height};
        size_t plane = (size_t)out_height * out_width;
        float *found = room(3 * plane, sizeof *found);
        assert_int_equal(byol_view_whole(&image, out_height, out_width, found, NULL), BYOL_OK);
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < out_height; y++)
                for (int x = 0; x < out_width; x++) {
                    double expected = slow_bicubic(&image, &all, c, out_height, out_width, y, x);
                    close_to(&found[c * plane + (size_t)y * out_width + x], &expected, 1, 2e-6);
                }
        byol__free(found);
        byol__free(pixels);
    }
}

/* ---- whole views ---- */

static void every_view_agrees_with_the_slow_one(void **state) {
    (void)state;
    const struct {
        const char *preset;
        int channels, height, width, size, samples;
    } cases[] = {
        {"small", 3, 32, 32, 32, 24},    {"small", 1, 28, 28, 32, 24},
        {"byol", 3, 32, 32, 24, 24},     {"simclr", 3, 32, 32, 17, 24},
        {"byol", 3, 8, 8, 16, 24},       {"simclr", 3, 1, 1, 8, 24},
        {"byol", 1, 1, 1, 8, 24},        {"byol", 3, 21, 57, 16, 24},
        {"simclr", 3, 70, 9, 20, 24},    {"simclr", 3, 96, 96, 40, 24},
        {"byol", 1, 40, 33, 9, 24},      {"byol", 3, 5, 5, 1, 24},
        {"byol", 3, 375, 500, 224, 6},   {"byol", 1, 300, 260, 223, 4},
        {"simclr", 3, 120, 1500, 64, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int channels = cases[i].channels, height = cases[i].height, width = cases[i].width,
            size = cases[i].size;
        byol_view_recipe recipe[BYOL_VIEW_KINDS];
        assert_int_equal(byol_view_preset(cases[i].preset, recipe, NULL), BYOL_OK);
        uint8_t *pixels = some_pixels(channels, height, width);
        byol_image image = planar(pixels, channels, height, width);
        size_t count = (size_t)channels * size * size;
        double *expected = room(count, sizeof *expected);
        for (uint32_t sample = 0; sample < (uint32_t)cases[i].samples; sample++) {
            recipe[sample % 2].solarize_threshold =
                2; /* a step that would turn rounding into a jump: tested alone */
            byol__draws draws =
                byol__view_draw(&recipe[sample % 2], height, width, 5, 2, sample, (int)sample % 2);
            slow_view(&recipe[sample % 2], &image, size, &draws, expected);
            float *found = make(&recipe[sample % 2], &image, size, 5, 2, sample, (int)sample % 2);
            close_to(found, expected, count, 4e-5); /* of values up to 1 / 0.22 */
            byol__free(found);
        }
        byol__free(expected);
        byol__free(pixels);
    }
}

static void a_solarized_view_is_the_view_with_bright_pixels_inverted(void **state) {
    (void)state;
    uint8_t *pixels = some_pixels(3, 32, 32);
    byol_image image = planar(pixels, 3, 32, 32);
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("small", recipe, NULL), BYOL_OK);
    for (int c = 0; c < 3; c++) recipe[1].mean[c] = 0, recipe[1].std[c] = 1;
    for (uint32_t sample = 0; sample < 8; sample++) {
        recipe[1].solarize = 0;
        float *plain = make(&recipe[1], &image, 32, 1, 0, sample, 1);
        recipe[1].solarize = 1;
        float *found = make(&recipe[1], &image, 32, 1, 0, sample, 1);
        int inverted = 0;
        for (int i = 0; i < 3 * 32 * 32; i++) {
            inverted += plain[i] >= 0.5f;
            assert_true(found[i] == (plain[i] >= 0.5f ? 1 - plain[i] : plain[i]));
        }
        assert_true(inverted > 0);
        byol__free(plain);
        byol__free(found);
    }
    byol__free(pixels);
}

static void a_view_depends_on_nothing_but_its_key(void **state) {
    (void)state;
    uint8_t *pixels = some_pixels(3, 32, 32);
    byol_image image = planar(pixels, 3, 32, 32);
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("byol", recipe, NULL), BYOL_OK);
    enum { COUNT = 3 * 32 * 32 };
    float *dst = room(COUNT, sizeof *dst), *again = room(COUNT, sizeof *again);
    size_t bytes = byol_view_scratch_bytes(3, 64, 64, 32); /* more than this image needs */
    unsigned char *scratch = room(bytes, 1);
    byol_view_make(&recipe[0], &image, 32, 7, 3, 11, 0, dst, scratch);
    memset(scratch, 0xff, bytes); /* NaNs */
    memset(again, 0xff, COUNT * sizeof *again);
    byol_view_make(&recipe[0], &image, 32, 7, 3, 11, 0, again, scratch);
    assert_memory_equal(dst, again, COUNT * sizeof *dst);
    const uint32_t keys_[][4] = {{8, 3, 11, 0}, {7, 4, 11, 0}, {7, 3, 12, 0}, {7, 3, 11, 1}};
    for (int i = 0; i < 4; i++) {
        byol_view_make(&recipe[0], &image, 32, keys_[i][0], keys_[i][1], keys_[i][2],
                       (int)keys_[i][3], again, scratch);
        assert_memory_not_equal(dst, again, COUNT * sizeof *dst);
    }
    byol__free(scratch);
    byol__free(dst);
    byol__free(again);
    byol__free(pixels);
}

/* But for rounding: the loops of the two layouts are two, and which product a compiler fuses with
 * which sum is its choice. */
static void the_layout_of_the_bytes_does_not_matter(void **state) {
    (void)state;
    enum { H = 19, W = 23, COUNT = 3 * 16 * 16 };
    uint8_t *pixels = some_pixels(3, H, W), *interleaved = room(3 * H * W, 1);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < H * W; i++) interleaved[i * 3 + c] = pixels[c * H * W + i];
    byol_image a = planar(pixels, 3, H, W), b = {interleaved, 3, H, W, 1, 3 * W, 3};
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("byol", recipe, NULL), BYOL_OK);
    for (uint32_t sample = 0; sample < 10; sample++) {
        float *of_a = make(&recipe[0], &a, 16, 1, 1, sample, 0),
              *of_b = make(&recipe[0], &b, 16, 1, 1, sample, 0);
        for (int i = 0; i < COUNT; i++) assert_true(fabs((double)of_a[i] - (double)of_b[i]) < 1e-5);
        byol__free(of_a);
        byol__free(of_b);
    }
    byol__free(pixels);
    byol__free(interleaved);
}

static void flip_mirrors(void **state) {
    (void)state;
    uint8_t *pixels = some_pixels(3, 32, 32);
    byol_image image = planar(pixels, 3, 32, 32);
    byol_view_recipe recipe = plain_recipe();
    float *straight = make(&recipe, &image, 32, 1, 0, 0, 0);
    recipe.flip = 1;
    float *flipped = make(&recipe, &image, 32, 1, 0, 0, 0);
    for (int i = 0; i < 3 * 32 * 32; i++)
        assert_true(fabs((double)(flipped[i] - straight[i / 32 * 32 + 31 - i % 32])) < 1e-6);
    byol__free(straight);
    byol__free(flipped);
    byol__free(pixels);
}

static void one_channel_has_no_colour_to_change(void **state) {
    (void)state;
    uint8_t *pixels = some_pixels(1, 28, 28);
    byol_image image = planar(pixels, 1, 28, 28);
    byol_view_recipe recipe = plain_recipe();
    float *plain = make(&recipe, &image, 28, 1, 0, 0, 0);
    recipe.jitter = recipe.grayscale = 1;
    recipe.saturation = 0.8f;
    recipe.hue = 0.4f;
    float *coloured = make(&recipe, &image, 28, 1, 0, 0, 0);
    assert_memory_equal(plain, coloured, 28 * 28 * sizeof *plain);
    recipe.brightness = 0.4f;
    float *bright = make(&recipe, &image, 28, 1, 0, 0, 0);
    assert_memory_not_equal(plain, bright, 28 * 28 * sizeof *plain);
    recipe.brightness = 0;
    recipe.contrast = 0.4f;
    float *contrasted = make(&recipe, &image, 28, 1, 0, 0, 0);
    assert_memory_not_equal(plain, contrasted, 28 * 28 * sizeof *plain);
    byol__free(plain);
    byol__free(coloured);
    byol__free(bright);
    byol__free(contrasted);
    byol__free(pixels);
}

static void pixels_stay_in_range_through_every_step(void **state) {
    (void)state;
    uint8_t *pixels = some_pixels(3, 32, 32);
    byol_image image = planar(pixels, 3, 32, 32);
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("simclr", recipe, NULL), BYOL_OK);
    recipe[0].hue = 0.5f;
    recipe[0].jitter = 1;
    recipe[0].solarize = 0.5f;
    for (int c = 0; c < 3; c++) recipe[0].mean[c] = 0, recipe[0].std[c] = 1;
    for (uint32_t sample = 0; sample < 200; sample++) {
        float *x = make(&recipe[0], &image, 32, 1, 0, sample, 0);
        for (int i = 0; i < 3 * 32 * 32; i++) assert_true(x[i] >= 0 && x[i] <= 1);
        byol__free(x);
    }
    byol__free(pixels);
}

static int pixel_loops_hold(byol__isa isa, const char *group) {
    if (!byol__isa_runs(isa)) return 0; /* not compiled for this machine, or it cannot */
    pixel_loops = byol__pixels(isa);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brightness_scales_and_clips),
        cmocka_unit_test(contrast_is_about_the_mean_of_the_grayscale_image),
        cmocka_unit_test(contrast_keeps_its_mean_on_large_images),
        cmocka_unit_test(saturation_blends_with_gray),
        cmocka_unit_test(hue_turns_the_colour_circle),
        cmocka_unit_test(a_third_of_a_turn_makes_red_green),
        cmocka_unit_test(grayscale_weighs_the_channels),
        cmocka_unit_test(solarize_inverts_from_the_threshold_on),
        cmocka_unit_test(normalise_subtracts_and_divides),
        cmocka_unit_test(blur_is_a_gaussian_with_reflected_borders),
        cmocka_unit_test(steps_around_a_blur_reach_every_pixel_once),
        cmocka_unit_test(bicubic_gives_the_numbers_of_pil),
    };
    return cmocka_run_group_tests_name(group, tests, NULL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(center_view_gives_the_numbers_of_torchvision),
        cmocka_unit_test(center_view_of_a_square_of_the_same_size_is_the_image),
        cmocka_unit_test(center_view_takes_the_middle_of_a_long_image),
        cmocka_unit_test(a_whole_image_keeps_all_of_it),
        cmocka_unit_test(every_view_agrees_with_the_slow_one),
        cmocka_unit_test(a_solarized_view_is_the_view_with_bright_pixels_inverted),
        cmocka_unit_test(a_view_depends_on_nothing_but_its_key),
        cmocka_unit_test(the_layout_of_the_bytes_does_not_matter),
        cmocka_unit_test(flip_mirrors),
        cmocka_unit_test(one_channel_has_no_colour_to_change),
        cmocka_unit_test(pixels_stay_in_range_through_every_step),
    };
    int failed = pixel_loops_hold(BYOL__ISA_PLAIN, "pixel loops, plain");
    failed += pixel_loops_hold(BYOL__ISA_AVX2, "pixel loops, avx2");
    failed += pixel_loops_hold(BYOL__ISA_AVX512, "pixel loops, avx512");
    return failed + cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
