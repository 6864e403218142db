#include "augment/pixels.h"

#include <float.h>
#include <string.h>

static const float GRAY[3] = {0.2989f, 0.587f, 0.114f};

/* Written so that they become one instruction each. */
static inline float larger(float a, float b) { return a > b ? a : b; }
static inline float smaller(float a, float b) { return a < b ? a : b; }
static inline float clip(float x) { return smaller(larger(x, 0.0f), 1.0f); }
static inline float magnitude(float x) { return larger(x, -x); }

void byol__pixels_brightness(float *x, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) x[i] = clip(factor * x[i]);
}

/* Eight sums side by side, so that the order of additions is one that vectors can keep; in blocks, so that a large
 * image loses no precision. */
static double mean_of(const float *x, size_t count) {
    enum { LANES = 8, BLOCK = 1024 };
    double total = 0;
    size_t i = 0;
    while (count - i >= LANES) {
        size_t end = count - i > BLOCK ? i + BLOCK : i + (count - i) / LANES * LANES;
        float sums[LANES] = {0};
        for (; i < end; i += LANES)
            for (int lane = 0; lane < LANES; lane++) sums[lane] += x[i + lane];
        for (int lane = 0; lane < LANES; lane++) total += (double)sums[lane];
    }
    for (; i < count; i++) total += (double)x[i];
    return total / (double)count;
}

void byol__pixels_contrast(float *image, int channels, size_t plane, float factor) {
    double mean = channels == 1 ? mean_of(image, plane) : 0;
    for (int c = 0; c < channels && channels == 3; c++) mean += (double)GRAY[c] * mean_of(image + c * plane, plane);
    float offset = (1 - factor) * (float)mean;
    for (size_t i = 0; i < channels * plane; i++) image[i] = clip(factor * image[i] + offset);
}

void byol__pixels_saturation(float *rgb, size_t plane, float factor) {
    float *restrict r = rgb, *restrict g = rgb + plane, *restrict b = rgb + 2 * plane;
    for (size_t i = 0; i < plane; i++) {
        float offset = (1 - factor) * (GRAY[0] * r[i] + GRAY[1] * g[i] + GRAY[2] * b[i]);
        r[i] = clip(factor * r[i] + offset);
        g[i] = clip(factor * g[i] + offset);
        b[i] = clip(factor * b[i] + offset);
    }
}

/* How far below its largest value a channel lies, as a share of the chroma, at hue `t` counted in sixths of a turn from
 * where that channel begins to fall: rises over one sixth, stays 1 for two, falls over one, stays 0 for two. t >= 0. */
static inline float below_peak(float t) {
    float k = t - 6.0f * (float)(int)(t * (1.0f / 6.0f));
    return clip(2.0f - magnitude(k - 2.0f));
}

void byol__pixels_hue(float *rgb, size_t plane, float shift) {
    float *restrict r = rgb, *restrict g = rgb + plane, *restrict b = rgb + 2 * plane;
    float turn = 6.0f * shift + 6.0f; /* one turn more keeps below_peak's argument positive */
    for (size_t i = 0; i < plane; i++) {
        float red = r[i], green = g[i], blue = b[i];
        float high = larger(larger(red, green), blue), low = smaller(smaller(red, green), blue);
        float chroma = high - low;
        float unit = 1.0f / larger(chroma, FLT_MIN); /* gray has no hue; any finite one will do */
        float in_red = (green - blue) * unit, in_green = (blue - red) * unit + 2.0f,
              in_blue = (red - green) * unit + 4.0f;
        float hue = (high == red ? in_red : high == green ? in_green : in_blue) + turn;
        r[i] = high - chroma * below_peak(hue + 5.0f);
        g[i] = high - chroma * below_peak(hue + 3.0f);
        b[i] = high - chroma * below_peak(hue + 1.0f);
    }
}

void byol__pixels_grayscale(float *rgb, size_t plane) {
    float *restrict r = rgb, *restrict g = rgb + plane, *restrict b = rgb + 2 * plane;
    for (size_t i = 0; i < plane; i++) {
        float gray = GRAY[0] * r[i] + GRAY[1] * g[i] + GRAY[2] * b[i];
        r[i] = gray;
        g[i] = gray;
        b[i] = gray;
    }
}

void byol__pixels_solarize(float *x, size_t count, float threshold) {
    for (size_t i = 0; i < count; i++) x[i] = x[i] >= threshold ? 1.0f - x[i] : x[i];
}

void byol__pixels_normalise(float *x, size_t count, float mean, float std) {
    float scale = 1 / std;
    for (size_t i = 0; i < count; i++) x[i] = (x[i] - mean) * scale;
}

/* ---- blur ---- */

static inline void row_scale(float *restrict dst, const float *restrict src, float weight, size_t count) {
    for (size_t i = 0; i < count; i++) dst[i] = weight * src[i];
}

static inline void row_add(float *restrict dst, const float *restrict src, float weight, size_t count) {
    for (size_t i = 0; i < count; i++) dst[i] += weight * src[i];
}

static inline void row_clip(float *dst, size_t count) {
    for (size_t i = 0; i < count; i++) dst[i] = clip(dst[i]);
}

static int reflect(int i, int size) { return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i; }

size_t byol__pixels_blur_floats(int size, int radius) { return (size_t)size * size + size + 2 * (size_t)radius; }

void byol__pixels_blur(float *plane, int size, const float *kernel, int radius, float *scratch) {
    float *across = scratch; // (size, size)
    float *line = scratch + (size_t)size * size;
    for (int y = 0; y < size; y++) {
        const float *src = plane + (size_t)y * size;
        float *dst = across + (size_t)y * size;
        memcpy(line + radius, src, size * sizeof *line);
        for (int i = 1; i <= radius; i++) {
            line[radius - i] = src[reflect(-i, size)];
            line[radius + size - 1 + i] = src[reflect(size - 1 + i, size)];
        }
        row_scale(dst, line, kernel[0], size);
        for (int k = 1; k <= 2 * radius; k++) row_add(dst, line + k, kernel[k], size);
    }
    for (int y = 0; y < size; y++) {
        float *dst = plane + (size_t)y * size;
        row_scale(dst, across + (size_t)reflect(y - radius, size) * size, kernel[0], size);
        for (int k = 1; k <= 2 * radius; k++)
            row_add(dst, across + (size_t)reflect(y - radius + k, size) * size, kernel[k], size);
        row_clip(dst, size);
    }
}

/* ---- resize ----
 *
 * Down the columns, resampling is sums of whole rows, which vectors do well. Across a row it is not, so PANEL rows are
 * turned on their side, resampled as if down the columns, and turned back:
 *
 *     bytes -> lines (PANEL, width) -> panel (width, PANEL) -> sized (size, PANEL) -> PANEL rows of middle (height,
 * size)
 */

enum { PANEL = 8 };

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

static inline quad load(const float *from) { return *(const quad *)from; }
static inline void store(float *to, quad value) { *(quad *)to = value; }

static inline void turn_4x4(const float *src, size_t src_stride, float *dst, size_t dst_stride) {
    quad a = load(src), b = load(src + src_stride), c = load(src + 2 * src_stride), d = load(src + 3 * src_stride);
    quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store(dst, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
    store(dst + dst_stride, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
    store(dst + 2 * dst_stride, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
    store(dst + 3 * dst_stride, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

/* (rows, columns) -> (columns, rows), both multiples of 4. */
static void turn(const float *src, size_t rows, size_t columns, float *dst) {
    for (size_t y = 0; y < rows; y += 4)
        for (size_t x = 0; x < columns; x += 4) turn_4x4(src + y * columns + x, columns, dst + x * rows + y, rows);
}

static inline size_t padded(int count) { return ((size_t)count + PANEL - 1) / PANEL * PANEL; }

static void line_from_bytes(const uint8_t *restrict src, size_t pixel_stride, int count, float *restrict dst) {
    if (pixel_stride == 1)
        for (int x = 0; x < count; x++) dst[x] = (float)src[x] * (1 / 255.0f);
    else
        for (int x = 0; x < count; x++) dst[x] = (float)src[x * pixel_stride] * (1 / 255.0f);
}

/* panel (width, PANEL) -> sized (size, PANEL). `first` is the source pixel of the panel's first row. `count` is apart
 * so that the usual 4 can be a constant. */
static inline void panel_resample(const byol__taps *across, int count, int first, int size, const float *restrict panel,
                                  float *restrict sized) {
    for (int x = 0; x < size; x++) {
        const float *weights = across->weights + (size_t)x * count;
        const float *src = panel + (size_t)(across->start[x] - first) * PANEL;
        quad low = {0}, high = {0};
        for (int k = 0; k < count; k++) {
            low += weights[k] * load(src + (size_t)k * PANEL);
            high += weights[k] * load(src + (size_t)k * PANEL + 4);
        }
        store(sized + (size_t)x * PANEL, low);
        store(sized + (size_t)x * PANEL + 4, high);
    }
}

static inline void row_sum_4(float *restrict dst, const float *restrict src, size_t stride, const float *restrict w,
                             int count) {
    const float *a = src, *b = src + stride, *c = src + 2 * stride, *d = src + 3 * stride;
    float wa = w[0], wb = w[1], wc = w[2], wd = w[3];
    for (int i = 0; i < count; i++) dst[i] = clip(wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i]);
}

/* middle (height, stride) -> dst (size, size). */
static void rows_resample(const byol__taps *down, int first, int size, const float *middle, size_t stride, float *dst) {
    for (int y = 0; y < size; y++, dst += size) {
        const float *weights = down->weights + (size_t)y * down->count;
        const float *src = middle + (size_t)(down->start[y] - first) * stride;
        if (down->count == 4) {
            row_sum_4(dst, src, stride, weights, size);
            continue;
        }
        row_scale(dst, src, weights[0], size);
        for (int k = 1; k < down->count; k++) row_add(dst, src + k * stride, weights[k], size);
        row_clip(dst, size);
    }
}

/* The source pixels that `taps` reaches at all: a centre crop leaves much of a wide image alone. */
static int reach(const byol__taps *taps, int size, int *first) {
    int a = taps->start[0], b = taps->start[size - 1];
    *first = a < b ? a : b;
    return (a < b ? b : a) + taps->count - *first;
}

size_t byol__pixels_resize_floats(int height, int width, int size) {
    size_t lines = padded(width) * PANEL, sized = padded(size) * PANEL, middle = padded(height) * padded(size);
    return 2 * lines + sized + middle;
}

void byol__pixels_resize(const uint8_t *pixels, size_t row_stride, size_t pixel_stride, const byol__taps *across,
                         const byol__taps *down, int size, float *dst, float *scratch) {
    int first_x, first_y;
    int width = reach(across, size, &first_x), height = reach(down, size, &first_y);
    size_t columns = padded(width), stride = padded(size);
    float *lines = scratch, *panel = lines + columns * PANEL, *sized = panel + columns * PANEL;
    float *middle = sized + stride * PANEL;
    pixels += first_y * row_stride + first_x * pixel_stride;
    for (int y = 0; y < height; y += PANEL) {
        for (int row = 0; row < PANEL; row++) {
            int from = y + row < height ? y + row : height - 1; /* the last panel repeats the last row */
            line_from_bytes(pixels + from * row_stride, pixel_stride, width, lines + row * columns);
        }
        turn(lines, PANEL, columns, panel);
        if (across->count == 4)
            panel_resample(across, 4, first_x, size, panel, sized);
        else
            panel_resample(across, across->count, first_x, size, panel, sized);
        turn(sized, stride, PANEL, middle + (size_t)y * stride);
    }
    rows_resample(down, first_y, size, middle, stride, dst);
}
