/* Products along positions. KERNELS_ISA is plain, avx2 or avx512. See low_rank_kernels.h for what
 * they do. */
#include "ops/low_rank_kernels.h"

#include <string.h>

#include <omp.h>

#include "base/smaller.h"
#include "ops/head_products.h"

/* Positions whose gradients of E a thread takes at once. */
enum { BLOCK = 16 };

/* A thread's arrays, of one head of one sample; rows of `stride` floats. */
typedef struct arrays {
    int positions, rank, width, stride;
    float *x, *y, *columns, *sum;
} arrays;

static size_t lay_out(const byol__low_rank *p, float *base, arrays *a) {
    *a = (arrays){.positions = p->src.h * p->src.w,
                  .rank = p->dst.h * p->dst.w,
                  .width = p->src.c / p->matrices};
    a->stride = round_up(a->width);
    size_t x = (size_t)a->positions * (size_t)a->stride, y = (size_t)a->rank * (size_t)a->stride,
           columns = (size_t)a->stride * BLOCK;
    if (base != NULL) {
        a->x = base;
        a->y = a->x + x;
        a->columns = a->y + y;
        a->sum = a->columns + columns;
    }
    return x + y + columns + (size_t)a->rank * BLOCK;
}

static size_t scratch(const byol__low_rank *p) {
    arrays a;
    return (lay_out(p, NULL, &a) + BLOCK - 1) / BLOCK * BLOCK;
}

static float *own_scratch(const byol__low_rank *p) {
    return p->scratch + (size_t)omp_get_thread_num() * p->scratch_floats;
}

static const float *matrix(const byol__low_rank *p, const arrays *a, int number) {
    return p->weight + (size_t)number * (size_t)a->rank * (size_t)p->columns;
}

static int length_of(const byol__low_rank *p, const arrays *a, int n) {
    return p->lengths == NULL ? a->positions : byol__smaller(a->positions, p->lengths[n]);
}

/* One head of one sample, with the thread's arrays. */
typedef struct head {
    arrays a;
    head_place x, y;
    int length; /* positions that are there */
    const float *matrix;
} head;

static head head_of(const byol__low_rank *p, int index) {
    int n = index / p->matrices, number = index % p->matrices;
    head h;
    lay_out(p, own_scratch(p), &h.a);
    h.x = head_place_of(&p->src, n, number * h.a.width, h.a.width);
    h.y = head_place_of(&p->dst, n, number * h.a.width, h.a.width);
    h.length = length_of(p, &h.a, n);
    h.matrix = matrix(p, &h.a, number);
    return h;
}

static void forward(const byol__low_rank *p) {
    clear_padding(&p->dst, p->y);
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int index = 0; index < p->src.n * p->matrices; index++) {
        head h = head_of(p, index);
        size_t stride = (size_t)h.a.stride;
        load_head(&h.x, p->x, 0, h.length, 1, h.a.x, h.a.stride);
        memset(h.a.y, 0, (size_t)h.a.rank * stride * sizeof(float));
        add_product((operand){h.matrix, (size_t)p->columns, 1}, h.a.x, stride, h.a.y, stride,
                    h.a.rank, h.a.stride, h.length);
        store_head(&h.y, p->y, h.a.rank, h.a.rank, 1, h.a.y, h.a.stride);
    }
}

/* dx = E^T dy */
static void backward_x(const byol__low_rank *p) {
    clear_padding(&p->src, p->dx);
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int index = 0; index < p->src.n * p->matrices; index++) {
        head h = head_of(p, index);
        size_t stride = (size_t)h.a.stride;
        load_head(&h.y, p->dy, 0, h.a.rank, 1, h.a.y, h.a.stride);
        memset(h.a.x, 0, (size_t)h.length * stride * sizeof(float));
        add_product((operand){h.matrix, 1, (size_t)p->columns}, h.a.y, stride, h.a.x, stride,
                    h.length, h.a.stride, h.a.rank);
        store_head(&h.x, p->dx, h.length, h.a.positions, 1, h.a.x, h.a.stride);
    }
}

/* The columns first .. of dE = sum over samples of dy x^T, for one head. */
static void backward_columns(const byol__low_rank *p, const arrays *a, int number, int first) {
    int columns = byol__smaller(BLOCK, a->positions - first);
    memset(a->sum, 0, (size_t)a->rank * BLOCK * sizeof(float));
    for (int n = 0; n < p->src.n; n++) {
        int live = byol__smaller(columns, length_of(p, a, n) - first);
        if (live <= 0) continue;
        head_place x = head_place_of(&p->src, n, number * a->width, a->width),
                   y = head_place_of(&p->dst, n, number * a->width, a->width);
        load_head(&y, p->dy, 0, a->rank, 1, a->y, a->stride);
        load_head(&x, p->x, first, live, 1, a->x, a->stride);
        transpose(a->x, live, a->width, a->stride, a->columns, BLOCK);
        add_product((operand){a->y, (size_t)a->stride, 1}, a->columns, BLOCK, a->sum, BLOCK,
                    a->rank, BLOCK, a->width);
    }
    float *diff = p->diff_weight + (size_t)number * (size_t)a->rank * (size_t)p->columns + first;
    for (int r = 0; r < a->rank; r++)
        for (int c = 0; c < columns; c++)
            diff[(size_t)r * (size_t)p->columns + (size_t)c] += a->sum[r * BLOCK + c];
}

static void backward(const byol__low_rank *p) {
    int blocks = (p->src.h * p->src.w + BLOCK - 1) / BLOCK;
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int index = 0; index < p->matrices * blocks; index++) {
        arrays a;
        lay_out(p, own_scratch(p), &a);
        backward_columns(p, &a, index / blocks, index % blocks * BLOCK);
    }
    if (p->dx != NULL) backward_x(p);
}

extern const byol__low_rank_kernels JOIN(byol__low_rank_kernels_, KERNELS_ISA);
const byol__low_rank_kernels JOIN(byol__low_rank_kernels_, KERNELS_ISA) = {
    .scratch = scratch, .forward = forward, .backward = backward};
