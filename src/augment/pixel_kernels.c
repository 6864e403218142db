/* Compiled once per instruction set: KERNELS_ISA is plain, avx2 or avx512. Loops over single pixels
 * are written so that the compiler vectorizes them. Sums over neighbours use GCC's vector types. */
#include "augment/pixels.h"

#include <string.h>

/* LANES: floats of a vector; PART: floats of an oct (8 floats) that are processed at once. */
#if defined(__AVX512F__)
enum { LANES = 16, PART = 8 };
#elif defined(__AVX__)
enum { LANES = 8, PART = 8 };
#else
enum { LANES = 4, PART = 4 };
#endif
enum { OCT = 8, PARTS = OCT / PART, CHUNK = 4 * LANES, BLOCK = 512 };

typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef float oct __attribute__((vector_size(OCT * 4), aligned(4), may_alias));
typedef float part __attribute__((vector_size(PART * 4), aligned(4), may_alias));
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

static const float GRAY[3] = {0.2989f, 0.587f, 0.114f};

/* Written so that each becomes one instruction. */
INLINE float larger(float a, float b) { return a > b ? a : b; }
INLINE float smaller(float a, float b) { return a < b ? a : b; }
INLINE float clip(float x) { return smaller(larger(x, 0.0f), 1.0f); }
INLINE float magnitude(float x) { return larger(x, -x); }

/* ---- single pixels ---- */

static void brightness(float *x, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) x[i] = clip(factor * x[i]);
}

static void contrast(float *x, size_t count, float factor, float offset) {
    for (size_t i = 0; i < count; i++) x[i] = clip(factor * x[i] + offset);
}

static void saturation(float *restrict r, float *restrict g, float *restrict b, size_t count,
                       float factor) {
    for (size_t i = 0; i < count; i++) {
        float offset = (1 - factor) * (GRAY[0] * r[i] + GRAY[1] * g[i] + GRAY[2] * b[i]);
        r[i] = clip(factor * r[i] + offset);
        g[i] = clip(factor * g[i] + offset);
        b[i] = clip(factor * b[i] + offset);
    }
}

/* A channel's new value. `far` is the distance of the hue from the channel's own hue (in sixths of
 * a turn, times the chroma), -5 .. 6. `up` is the distance from the channel's complement: the value
 * is lowest up to one sixth from there and highest from two sixths on. */
INLINE float at_hue(float far, float chroma, float low, float high) {
    float up = magnitude(magnitude(far) - 3.0f * chroma);
    return smaller(larger(up + (high - 2.0f * chroma), low), high);
}

/* Hues are in sixths of a turn, times the chroma. So there is no division and gray needs no
 * case. */
static void hue(float *restrict r, float *restrict g, float *restrict b, size_t count,
                float shift) {
    float turn = 6.0f * (shift < 0 ? shift + 1 : shift);
    for (size_t i = 0; i < count; i++) {
        float red = r[i], green = g[i], blue = b[i];
        float high = larger(larger(red, green), blue), low = smaller(smaller(red, green), blue);
        float chroma = high - low, whole = 6.0f * chroma;
        float in_red = green - blue, in_green = blue - red + 2.0f * chroma,
              in_blue = red - green + 4.0f * chroma;
        float turned = (high == red ? in_red : high == green ? in_green : in_blue) + turn * chroma;
        turned -= turned >= whole ? whole : 0; /* now -1 .. 6 */
        r[i] = at_hue(turned, chroma, low, high);
        g[i] = at_hue(turned - 2.0f * chroma, chroma, low, high);
        b[i] = at_hue(turned - 4.0f * chroma, chroma, low, high);
    }
}

static void grayscale(float *restrict r, float *restrict g, float *restrict b, size_t count) {
    for (size_t i = 0; i < count; i++)
        r[i] = g[i] = b[i] = GRAY[0] * r[i] + GRAY[1] * g[i] + GRAY[2] * b[i];
}

static void solarize(float *x, size_t count, float threshold) {
    for (size_t i = 0; i < count; i++) x[i] = x[i] >= threshold ? 1.0f - x[i] : x[i];
}

static void normalise(float *x, size_t count, float mean, float std) {
    float scale = 1 / std;
    for (size_t i = 0; i < count; i++) x[i] = (x[i] - mean) * scale;
}

/* Sum of the gray values, in LANES sums side by side: an order of additions that vectors can
 * keep. */
static double gray_sum(const float *x, int channels, size_t plane, size_t count) {
    const float *r = x, *g = channels == 3 ? x + plane : x, *b = channels == 3 ? x + 2 * plane : x;
    float in_r = channels == 3 ? GRAY[0] : 1, in_g = channels == 3 ? GRAY[1] : 0,
          in_b = channels == 3 ? GRAY[2] : 0;
    float sums[LANES] = {0};
    double total = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            sums[lane] += in_r * r[i + lane] + in_g * g[i + lane] + in_b * b[i + lane];
    for (; i < count; i++) total += (double)(in_r * r[i] + in_g * g[i] + in_b * b[i]);
    for (int lane = 0; lane < LANES; lane++) total += (double)sums[lane];
    return total;
}

static void apply_step(const byol__step *step, int channels, float *x, size_t plane, size_t count) {
    float *r = x, *g = x + plane, *b = x + 2 * plane;
    switch (step->kind) {
    case BYOL__STEP_SATURATION: saturation(r, g, b, count, step->value); return;
    case BYOL__STEP_HUE: hue(r, g, b, count, step->value); return;
    case BYOL__STEP_GRAYSCALE: grayscale(r, g, b, count); return;
    default: break;
    }
    for (int c = 0; c < channels; c++) {
        float *channel = x + c * plane;
        if (step->kind == BYOL__STEP_BRIGHTNESS) brightness(channel, count, step->value);
        if (step->kind == BYOL__STEP_CONTRAST) contrast(channel, count, step->value, step->offset);
        if (step->kind == BYOL__STEP_SOLARIZE) solarize(channel, count, step->value);
        if (step->kind == BYOL__STEP_NORMALISE)
            normalise(channel, count, step->mean[c], step->std[c]);
    }
}

/* Works in blocks that stay in the cache from step to step and whose sums lose no precision. */
static void apply(const byol__steps *steps, float *image, size_t plane, size_t begin,
                  size_t count) {
    if (steps->count == 0 && steps->gray_sum == NULL) return;
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t block = count - done < BLOCK ? count - done : BLOCK;
        float *x = image + begin + done;
        for (int i = 0; i < steps->count; i++)
            apply_step(&steps->list[i], steps->channels, x, plane, block);
        if (steps->gray_sum != NULL) *steps->gray_sum += gray_sum(x, steps->channels, plane, block);
    }
}

/* ---- taps ---- */

/* Keys, "Cubic convolution interpolation for digital image processing" (1981), a = -1/2. Zero from
 * distance 2 on. */
INLINE oct cubic(oct x) {
    typedef int32_t mask __attribute__((vector_size(OCT * 4), aligned(4), may_alias));
    x = (oct)((mask)x & 0x7fffffff); /* |x| */
    oct near = (1.5f * x - 2.5f) * x * x + 1.0f;
    oct far = ((-0.5f * x + 2.5f) * x - 4.0f) * x + 2.0f;
    mask is_near = x < 1.0f, is_far = ~is_near & (x < 2.0f);
    return (oct)(((mask)near & is_near) | ((mask)far & is_far));
}

/* Makes OCT outputs at a time, with their k-th weights together. */
static void taps_fill(byol__taps *taps, int in, int out, int first, int size, int reversed) {
    double scale = (double)in / out, wide = scale > 1 ? scale : 1;
    float narrow = (float)(1 / wide);
    int count = taps->count = byol__taps_limit(in, out);
    for (int i = 0; i < size; i += OCT) {
        int live = size - i < OCT ? size - i : OCT;
        oct distances = {0}, sums = {0};
        for (int lane = 0; lane < live; lane++) {
            int index = i + lane;
            double centre = (first + (reversed ? size - 1 - index : index) + 0.5) * scale;
            int start = (int)__builtin_floor(centre - 2 * wide + 0.5);
            if (start > in - count) start = in - count;
            if (start < 0) start = 0;
            taps->start[index] = start;
            distances[lane] = (float)(start + 0.5 - centre);
        }
        float *weights = taps->weights + (size_t)i * count;
        for (int k = 0; k < count; k++) {
            oct values = cubic((distances + (float)k) * narrow);
            sums += values;
            for (int lane = 0; lane < live; lane++) weights[lane * count + k] = values[lane];
        }
        oct scales = 1.0f / sums;
        for (int lane = 0; lane < live; lane++)
            for (int k = 0; k < count; k++) weights[lane * count + k] *= scales[lane];
    }
}

/* ---- sums over neighbours ---- */

INLINE vec load(const float *from) { return *(const vec *)from; }
INLINE void store(float *to, vec value) { *(vec *)to = value; }

static inline size_t padded(size_t count) {
    return (count + 15) / 16 * 16;
} /* LANES of any instruction set */

static void copy_clipped(float *restrict dst, const float *restrict src, size_t count) {
    for (size_t i = 0; i < count; i++) dst[i] = clip(src[i]);
}

/* sums[v] += weights[k] * row k, over `vectors` vectors side by side. */
INLINE void add_rows(vec *sums, int vectors, const float *weights, int count, const float *src,
                     size_t stride) {
    for (int k = 0; k < count; k++, src += stride)
        for (int v = 0; v < vectors; v++) sums[v] += weights[k] * load(src + v * LANES);
}

/* ---- resize ----
 *
 * Down the columns, resampling is sums of whole rows, which vectorizes well whatever the rows hold.
 * Across a row it does not. So OCT finished rows are transposed, resampled as if down the columns,
 * and transposed back:
 *
 *     bytes -> lines, a ring of source rows (ring, line) -> panel (line, OCT)
 *           -> sized (channels, stride, OCT) -> turned (OCT, stride) -> OCT rows of the image
 *
 * A line holds all channels as they lie in the source: side by side, or one after another. */

typedef struct frame {
    int first_x, first_y, width,
        height;          /* what the taps reach: a centre crop skips much of a wide image */
    size_t line, stride; /* floats of a line, of an output row; padded */
    int ring;            /* lines that are kept */
    float *lines, *panel, *sized, *turned;
    uint8_t *bytes; /* of one line */
    int mixed; /* do the channels of a pixel lie side by side? Else they lie one after another */
} frame;

static int reach(const byol__taps *taps, int size, int *first) {
    int a = taps->start[0], b = taps->start[size - 1];
    *first = a < b ? a : b;
    return (a < b ? b : a) + taps->count - *first;
}

/* The most lines that OCT output rows need. */
static int ring_lines(const byol__taps *down, int size) {
    int most = 0;
    for (int y = 0; y < size; y += OCT) {
        int last = y + OCT <= size ? y + OCT - 1 : size - 1;
        int lines = down->start[last] + down->count - down->start[y];
        if (lines > most) most = lines;
    }
    return most;
}

static size_t resize_floats(int channels, int height, int width, int out_height, int out_width) {
    int scale = height > out_height ? (height + out_height - 1) / out_height
                                    : 1; /* source rows per output row */
    int ring = OCT * scale + 1 + byol__taps_limit(height, out_height);
    size_t line = padded((size_t)width * channels), stride = padded(out_width);
    return ((ring < height ? ring : height) + OCT + 1) * line + (channels + 1) * stride * OCT;
}

static frame frame_lay(const byol__resize *job) {
    frame f = {.stride = padded(job->width), .ring = ring_lines(&job->down, job->height)};
    f.width = reach(&job->across, job->width, &f.first_x);
    f.height = reach(&job->down, job->height, &f.first_y);
    f.mixed = job->channels == 3 && job->channel_stride == 1 && job->pixel_stride == 3;
    f.line = padded((size_t)f.width * job->channels);
    f.bytes = (uint8_t *)job->scratch;
    memset(f.bytes, 0, f.line); /* what is beyond the row takes part in sums, but is not used */
    f.lines = job->scratch + f.line;
    f.panel = f.lines + f.ring * f.line;
    f.sized = f.panel + f.line * OCT;
    f.turned = f.sized + job->channels * f.stride * OCT;
    return f;
}

static void gather(const uint8_t *restrict src, size_t stride, size_t count,
                   uint8_t *restrict dst) {
    if (stride == 1)
        memcpy(dst, src, count);
    else
        for (size_t x = 0; x < count; x++) dst[x] = src[x * stride];
}

/* Reads row `y` of the source rows in use. */
static void read_line(const byol__resize *job, const frame *f, int y) {
    const uint8_t *src =
        job->pixels + (f->first_y + y) * job->row_stride + (size_t)f->first_x * job->pixel_stride;
    if (f->mixed)
        memcpy(f->bytes, src, (size_t)f->width * job->channels);
    else
        for (int c = 0; c < job->channels; c++)
            gather(src + c * job->channel_stride, job->pixel_stride, f->width,
                   f->bytes + (size_t)c * f->width);
    float *restrict dst = f->lines + y % f->ring * f->line;
    const uint8_t *restrict bytes = f->bytes;
    for (size_t x = 0; x < f->line; x += 16)
        for (size_t i = x; i < x + 16; i++) dst[i] = (float)bytes[i] * (1 / 255.0f);
}

INLINE void turn_4x4(const float *src, size_t src_stride, float *dst, size_t dst_stride) {
    quad a = *(const quad *)src, b = *(const quad *)(src + src_stride),
         c = *(const quad *)(src + 2 * src_stride), d = *(const quad *)(src + 3 * src_stride);
    typedef int32_t index __attribute__((vector_size(16)));
    quad ab = __builtin_shuffle(a, b, (index){0, 4, 1, 5}),
         AB = __builtin_shuffle(a, b, (index){2, 6, 3, 7});
    quad cd = __builtin_shuffle(c, d, (index){0, 4, 1, 5}),
         CD = __builtin_shuffle(c, d, (index){2, 6, 3, 7});
    *(quad *)dst = __builtin_shuffle(ab, cd, (index){0, 1, 4, 5});
    *(quad *)(dst + dst_stride) = __builtin_shuffle(ab, cd, (index){2, 3, 6, 7});
    *(quad *)(dst + 2 * dst_stride) = __builtin_shuffle(AB, CD, (index){0, 1, 4, 5});
    *(quad *)(dst + 3 * dst_stride) = __builtin_shuffle(AB, CD, (index){2, 3, 6, 7});
}

/* (rows, columns) -> (columns, rows), both multiples of 4. */
INLINE void turn(const float *src, size_t rows, size_t columns, size_t src_stride, float *dst,
                 size_t dst_stride) {
    for (size_t x = 0; x < columns; x += 4)
        for (size_t y = 0; y < rows; y += 4)
            turn_4x4(src + y * src_stride + x, src_stride, dst + x * dst_stride + y, dst_stride);
}

/* OCT output rows from `y` on, columns x .. x + vectors * LANES, of all lines: sums of rows,
 * transposed into the panel. */
INLINE void panel_columns(const byol__resize *job, const frame *f, int y, size_t x, int vectors) {
    float tile[OCT * CHUNK];
    const byol__taps *down = &job->down;
    for (int row = 0; row < OCT; row++) {
        int out = y + row < job->height ? y + row
                                        : job->height - 1; /* the last panel repeats the last row */
        const float *weights = down->weights + (size_t)out * down->count;
        int slot = (down->start[out] - f->first_y) % f->ring;
        int before_end = down->count < f->ring - slot ? down->count : f->ring - slot;
        vec sums[4] = {0};
        add_rows(sums, vectors, weights, before_end, f->lines + slot * f->line + x, f->line);
        add_rows(sums, vectors, weights + before_end, down->count - before_end, f->lines + x,
                 f->line);
        for (int v = 0; v < vectors; v++) store(tile + row * CHUNK + v * LANES, sums[v]);
    }
    turn(tile, OCT, vectors * LANES, CHUNK, f->panel + x * OCT, OCT);
}

static void panel_fill(const byol__resize *job, const frame *f, int y) {
    size_t x = 0;
    for (; x + CHUNK <= f->line; x += CHUNK) panel_columns(job, f, y, x, 4);
    for (; x < f->line; x += LANES) panel_columns(job, f, y, x, 1);
}

/* panel -> sized. Values that can be constants are separate parameters. */
INLINE void panel_across(const byol__resize *job, const frame *f, int channels, size_t step_x,
                         size_t step_c, int count) {
    const float *channel[3] = {f->panel, f->panel + step_c * OCT, f->panel + 2 * step_c * OCT};
    for (int x = 0; x < job->width; x++) {
        const float *weights = job->across.weights + (size_t)x * count;
        size_t from = (job->across.start[x] - f->first_x) * step_x * OCT;
        part sums[3][PARTS] = {0};
        for (int k = 0; k < count; k++)
            for (int c = 0; c < channels; c++)
                for (int p = 0; p < PARTS; p++)
                    sums[c][p] += weights[k] *
                                  *(const part *)(channel[c] + from + k * step_x * OCT + p * PART);
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < PARTS; p++)
                *(part *)(f->sized + (c * f->stride + x) * OCT + p * PART) = sums[c][p];
    }
}

static void panel_resample(const byol__resize *job, const frame *f) {
    int count = job->across.count, four = count == 4;
    if (f->mixed && four) panel_across(job, f, 3, 3, 1, 4);
    if (f->mixed && !four) panel_across(job, f, 3, 3, 1, count);
    if (job->channels == 3 && !f->mixed && four) panel_across(job, f, 3, 1, f->width, 4);
    if (job->channels == 3 && !f->mixed && !four) panel_across(job, f, 3, 1, f->width, count);
    if (job->channels == 1 && four) panel_across(job, f, 1, 1, 0, 4);
    if (job->channels == 1 && !four) panel_across(job, f, 1, 1, 0, count);
    for (size_t i = 0; i < job->channels * f->stride * OCT; i++) f->sized[i] = clip(f->sized[i]);
}

/* sized -> rows of the image. */
static void panel_write(const byol__resize *job, const frame *f, int rows, float *dst) {
    size_t width = job->width, whole = (width + 3) / 4 * 4, plane = width * job->height;
    for (int c = 0; c < job->channels; c++) {
        const float *src = f->sized + c * f->stride * OCT;
        if (rows == OCT && width == whole) {
            turn(src, width, OCT, OCT, dst + c * plane, width);
            continue;
        }
        turn(src, whole, OCT, OCT, f->turned, f->stride);
        for (int row = 0; row < rows; row++)
            memcpy(dst + c * plane + row * width, f->turned + row * f->stride, width * sizeof *dst);
    }
}

static void resize(const byol__resize *job, const byol__steps *then, float *dst) {
    frame f = frame_lay(job);
    size_t width = job->width, plane = width * job->height;
    int lines = 0;
    for (int y = 0; y < job->height; y += OCT) {
        int rows = job->height - y < OCT ? job->height - y : OCT;
        int needed = job->down.start[y + rows - 1] + job->down.count - f.first_y;
        for (; lines < needed; lines++) read_line(job, &f, lines);
        panel_fill(job, &f, y);
        panel_resample(job, &f);
        panel_write(job, &f, rows, dst + y * width);
        apply(then, dst, plane, y * width, rows * width);
    }
}

/* ---- blur ----
 *
 * A band of rows is blurred across into a ring of rows. Image rows whose neighbours are all there
 * are then computed from the ring, in place: the ring holds their sources. */

enum { BAND = 8 };

static int reflect(int i, int size) { return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i; }

typedef struct blurring {
    const byol__blur *job;
    int ring;
    size_t stride;
    const float **rows; /* (2 radius + 2) */
    float *line;        /* one row with reflected borders */
    float *lines;       /* (channels, ring, stride) */
    float *out;         /* (2, stride) */
} blurring;

static size_t pointer_floats(int radius) { return padded(2 * (2 * (size_t)radius + 2)); }

static size_t blur_floats(int channels, int size, int radius) {
    size_t lines = (size_t)channels * (BAND + 2 * radius) + 1 + 2;
    return pointer_floats(radius) + padded(2 * (size_t)radius) + lines * padded(size);
}

static blurring blur_lay(const byol__blur *job) {
    int radius = job->radius;
    blurring b = {.job = job, .ring = BAND + 2 * radius, .stride = padded(job->size)};
    b.rows = (const float **)(void *)job->scratch;
    b.line = job->scratch + pointer_floats(radius);
    b.lines = b.line + b.stride + padded(2 * (size_t)radius);
    b.out = b.lines + job->channels * b.ring * b.stride;
    memset(b.line, 0,
           (b.lines - b.line) *
               sizeof *b.line); /* what is beyond the row takes part in sums, but is not used */
    return b;
}

static float *ring_row(const blurring *b, int channel, int y) {
    return b->lines + ((size_t)channel * b->ring + y % b->ring) * b->stride;
}

INLINE void across_vectors(const byol__blur *job, const float *line, float *dst, int vectors) {
    vec sums[4] = {0};
    add_rows(sums, vectors, job->kernel, 2 * job->radius + 1, line, 1);
    for (int v = 0; v < vectors; v++) store(dst + v * LANES, sums[v]);
}

static void blur_across(const blurring *b, const float *src, float *dst) {
    int size = b->job->size, radius = b->job->radius;
    float *line = b->line;
    memcpy(line + radius, src, size * sizeof *line);
    for (int i = 1; i <= radius; i++) {
        line[radius - i] = src[reflect(-i, size)];
        line[radius + size - 1 + i] = src[reflect(size - 1 + i, size)];
    }
    size_t x = 0;
    for (; x + CHUNK <= b->stride; x += CHUNK) across_vectors(b->job, line + x, dst + x, 4);
    for (; x < b->stride; x += LANES) across_vectors(b->job, line + x, dst + x, 1);
}

/* Columns from `x` on of one output row, or of two, which share their source rows. */
INLINE void down_vectors(const blurring *b, size_t x, int rows, int vectors) {
    const float *kernel = b->job->kernel;
    int taps = 2 * b->job->radius + 1;
    vec first[4] = {0}, second[4] = {0};
    float before = 0;
    for (int k = 0; k < taps + rows - 1; k++) {
        const float *src = b->rows[k] + x;
        float weight = kernel[k]; /* the zero behind the kernel, at the second row's last tap */
        for (int v = 0; v < vectors; v++) {
            vec value = load(src + v * LANES);
            first[v] += weight * value;
            if (rows == 2) second[v] += before * value;
        }
        before = weight;
    }
    for (int v = 0; v < vectors; v++) {
        store(b->out + x + v * LANES, first[v]);
        if (rows == 2) store(b->out + b->stride + x + v * LANES, second[v]);
    }
}

INLINE void down_rows(const blurring *b, int rows) {
    size_t x = 0;
    for (; x + CHUNK <= b->stride; x += CHUNK) down_vectors(b, x, rows, 4);
    for (; x < b->stride; x += LANES) down_vectors(b, x, rows, 1);
}

/* Output rows y .. end-1 of one channel. */
static void blur_down(const blurring *b, int channel, int y, int end, float *dst) {
    int size = b->job->size, radius = b->job->radius;
    for (; y < end; y += 2) {
        int rows = end - y < 2 ? 1 : 2;
        for (int k = 0; k <= 2 * radius + rows - 1; k++)
            b->rows[k] = ring_row(b, channel, reflect(y - radius + k, size));
        if (rows == 2)
            down_rows(b, 2);
        else
            down_rows(b, 1);
        for (int row = 0; row < rows; row++)
            copy_clipped(dst + (size_t)(y + row) * size, b->out + row * b->stride, size);
    }
}

static void blur(const byol__blur *job, const byol__steps *before, const byol__steps *after,
                 float *image) {
    blurring b = blur_lay(job);
    int size = job->size, ready = 0;
    size_t plane = (size_t)size * size;
    for (int y = 0; y < size; y += BAND) {
        int end = y + BAND < size ? y + BAND : size;
        apply(before, image, plane, (size_t)y * size, (size_t)(end - y) * size);
        int from = ready, to = end == size ? size : end - job->radius;
        for (int c = 0; c < job->channels; c++) {
            for (int row = y; row < end; row++)
                blur_across(&b, image + c * plane + (size_t)row * size, ring_row(&b, c, row));
            if (to > from) blur_down(&b, c, from, to, image + c * plane);
        }
        if (to <= from) continue;
        apply(after, image, plane, (size_t)from * size, (size_t)(to - from) * size);
        ready = to;
    }
}

extern const byol__pixel_table JOIN(byol__pixels_, KERNELS_ISA);
const byol__pixel_table JOIN(byol__pixels_, KERNELS_ISA) = {
    .apply = apply,
    .taps_fill = taps_fill,
    .resize = resize,
    .resize_floats = resize_floats,
    .blur = blur,
    .blur_floats = blur_floats,
};
