/* Row kernels, in GCC's vector types. Compiled once for each instruction set: KERNELS_ISA is plain,
 * avx2 or avx512. See row_kernels.h for what each does. */
#include "ops/row_kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/vector_math.h"
#include "base/vector_memory.h"
#include "ops/channel_rows.h"

/* ---- layer norm ---- */

static float sum_of(const float *row, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < count; c++) sum += row[c];
    return sum;
}

static float product_of(const float *a, const float *b, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < count; c++) sum += a[c] * b[c];
    return sum;
}

static void scale_and_shift(float *row, float scale, const float *gamma, const float *beta,
                            int count) {
    for (int c = 0; c < count; c++) row[c] = row[c] * scale * gamma[c] + beta[c];
}

static void layer_norm_forward(const byol__layer_norm *p) {
    byol__rows x = byol__rows_of(&p->layout, p->x), y = byol__rows_of(&p->layout, p->y);
    int count = x.width;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < byol__row_count(&x); i++) {
        float row[BYOL__ROW_MAX];
        byol__row_load(&x, i, row);
        float mean = sum_of(row, count) / (float)count;
        for (int c = 0; c < count; c++) row[c] -= mean;
        float variance = product_of(row, row, count) / (float)count;
        float inv_std = 1 / sqrtf(variance + p->epsilon);
        p->mean[i] = mean;
        p->inv_std[i] = inv_std;
        if (p->gamma == NULL)
            for (int c = 0; c < count; c++) row[c] *= inv_std;
        else
            scale_and_shift(row, inv_std, p->gamma, p->beta, count);
        byol__row_store(&y, i, row);
    }
}

/* Adds what one position gives to the sums (2, count) of its part; its dx with h = gamma dy:
 * inv_std (h - mean(h) - x^ mean(h x^)). */
static void backward_at(const byol__layer_norm *p, size_t i, double *sums) {
    byol__rows from_x = byol__rows_of(&p->layout, p->x), from_dy = byol__rows_of(&p->layout, p->dy);
    float x[BYOL__ROW_MAX], g[BYOL__ROW_MAX];
    int count = p->layout.c;
    byol__row_load(&from_x, i, x);
    byol__row_load(&from_dy, i, g);
    for (int c = 0; c < count; c++) x[c] = (x[c] - p->mean[i]) * p->inv_std[i];
    for (int c = 0; c < count; c++) {
        sums[c] += (double)(g[c] * x[c]);
        sums[count + c] += (double)g[c];
    }
    if (p->dx == NULL) return;
    const float *gamma = p->gamma;
    if (gamma != NULL)
        for (int c = 0; c < count; c++) g[c] *= gamma[c];
    float mean = sum_of(g, count) / (float)count, along = product_of(g, x, count) / (float)count;
    for (int c = 0; c < count; c++) g[c] = p->inv_std[i] * (g[c] - mean - x[c] * along);
    byol__rows dx = byol__rows_of(&p->layout, p->dx);
    byol__row_store(&dx, i, g);
}

static void layer_norm_backward(const byol__layer_norm *p) {
    size_t all = (size_t)p->layout.n * (size_t)(p->layout.h * p->layout.w),
           count = (size_t)p->layout.c, width = 2 * count;
#pragma omp parallel for schedule(static)
    for (size_t part = 0; part < BYOL__ROW_PARTS; part++) {
        double *sums = p->partial + part * width;
        memset(sums, 0, width * sizeof *sums);
        for (size_t i = all * part / BYOL__ROW_PARTS; i < all * (part + 1) / BYOL__ROW_PARTS; i++)
            backward_at(p, i, sums);
    }
    if (p->diff_gamma == NULL) return;
    for (size_t c = 0; c < count; c++) {
        double gamma = 0, beta = 0;
        for (size_t part = 0; part < BYOL__ROW_PARTS; part++) {
            gamma += p->partial[part * width + c];
            beta += p->partial[part * width + count + c];
        }
        p->diff_gamma[c] += (float)gamma;
        p->diff_beta[c] += (float)beta;
    }
}

/* ---- GELU ---- */

/* The normal distribution's Phi and density phi, or those that tanh's approximation stands for:
 * y = x Phi and dy/dx = Phi + x phi. */
INLINE void distribution(vec x, bool by_tanh, vec *phi_sum, vec *phi) {
    if (!by_tanh) {
        *phi_sum = 0.5f + 0.5f * erf_of(x * 0.70710678f);
        *phi = 0.39894228f * exp_of(-0.5f * x * x);
        return;
    }
    vec t = tanh_of(0.79788456f * (x + 0.044715f * x * x * x));
    *phi_sum = 0.5f + 0.5f * t;
    *phi = 0.5f * (1 - t * t) * 0.79788456f * (1 + 0.134145f * x * x);
}

INLINE void gelu_at(const byol__gelu *p, size_t at, int live, bool backward, bool by_tanh,
                    bool bf16) {
    vec x = load(p->x, at, live, bf16), sum, density;
    distribution(x, by_tanh, &sum, &density);
    if (backward)
        store(p->dx, at, load(p->dy, at, live, bf16) * (sum + x * density), live, bf16);
    else
        store(p->y, at, x * sum, live, bf16);
}

enum { GELU_CHUNK = 64 * LANES };

/* Elements from .. end. All but the first three are constants where it is called. */
INLINE void gelu_chunk(const byol__gelu *p, size_t from, size_t end, bool backward, bool by_tanh,
                       bool bf16) {
    size_t at = from;
    for (; at + LANES <= end; at += LANES) gelu_at(p, at, LANES, backward, by_tanh, bf16);
    if (at < end) gelu_at(p, at, (int)(end - at), backward, by_tanh, bf16);
}

/* Element by element, padding and all: GELU(0) = 0. A parallel loop is compiled before functions
 * are inlined, so what is constant is told apart within it. */
static void gelu(const byol__gelu *p, bool backward) {
    size_t count = byol__layout_elements(&p->layout);
    bool bf16 = p->layout.dtype == BYOL__BF16;
#pragma omp parallel for schedule(static)
    for (size_t at = 0; at < count; at += GELU_CHUNK) {
        size_t end = count - at < GELU_CHUNK ? count : at + GELU_CHUNK;
        if (p->tanh)
            gelu_chunk(p, at, end, backward, true, bf16);
        else if (bf16 && backward)
            gelu_chunk(p, at, end, true, false, true);
        else if (bf16)
            gelu_chunk(p, at, end, false, false, true);
        else
            gelu_chunk(p, at, end, backward, false, false);
    }
}

static void gelu_forward(const byol__gelu *p) { gelu(p, false); }
static void gelu_backward(const byol__gelu *p) { gelu(p, true); }

extern const byol__row_kernels JOIN(byol__row_kernels_, KERNELS_ISA);
const byol__row_kernels JOIN(byol__row_kernels_, KERNELS_ISA) = {
    .layer_norm_forward = layer_norm_forward,
    .layer_norm_backward = layer_norm_backward,
    .gelu_forward = gelu_forward,
    .gelu_backward = gelu_backward,
};
