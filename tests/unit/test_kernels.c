/* The kernels between the convolutions: the same bits for any number of threads. What they compute
 * is held against finite differences in grad/test_plan.c and against PyTorch's figures in golden/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <omp.h>

#include "floats.h"
#include "plan/kernels.h"

enum {
    N = 19,
    C = 21,
    SIDE = 6,
    HALF = SIDE / 2
}; /* nothing that threads, chunks or blocks divide */

/* Every array that a kernel reads or writes, from one allocation; the layout's padding included. */
typedef struct arrays {
    byol__layout large, small; /* before and behind a pool */
    size_t floats;
    float *all;
    float *x, *residual, *y, *dy, *other, *g, *dx, *pooled, *pooled_dy,
        *pooled_dx; /* activations, fp32 or bf16 */
    float *mean, *inv_std, *scale, *shift, *running, *diffs, *channels; /* fp32 */
} arrays;

/* `count` floats more of a->all, or, while that does not exist, their number alone. */
static float *take(arrays *a, size_t count) {
    float *place = a->all ? a->all + a->floats : NULL;
    a->floats += count;
    return place;
}

static void share_out(arrays *a) {
    size_t image = byol__layout_elements(&a->large),
           padded = (size_t)byol__layout_padded_channels(&a->large);
    float **images[] = {&a->x, &a->residual, &a->y,      &a->dy,        &a->other,
                        &a->g, &a->dx,       &a->pooled, &a->pooled_dy, &a->pooled_dx};
    float **rows[] = {&a->mean,    &a->inv_std, &a->scale,   &a->shift,
                      &a->running, &a->diffs,   &a->channels};
    a->floats = 0;
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) *images[i] = take(a, image);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) *rows[i] = take(a, 3 * padded);
}

/* Normally distributed, but for samples `huge` (-1: none) and N - 1 - huge: enormous and opposite,
 * they cancel in a sum over the batch, which keeps of the rest what its order leaves. */
static void fill(const byol__layout *layout, float *dst, uint32_t index, int huge) {
    byol__layout plain = {BYOL__F32, BYOL__NCHW, layout->n, layout->c, layout->h, layout->w};
    size_t size = byol__layout_elements(&plain) / N;
    float *values = random_floats(N * size, 7, index);
    for (size_t i = 0; i < size && huge >= 0; i++) {
        float *one = values + (size_t)huge * size + i,
              *other = values + (size_t)(N - 1 - huge) * size + i;
        *one *= 0x1p55f;
        *other = -*one;
    }
    byol__layout_convert(layout, dst, &plain, values);
    byol__free(values);
}

static arrays make_arrays(byol__format format, byol__dtype dtype) {
    arrays a = {.large = {dtype, format, N, C, SIDE, SIDE},
                .small = {dtype, format, N, C, HALF, HALF}};
    share_out(&a);
    a.all = floats(a.floats);
    share_out(&a);
    fill(&a.large, a.x, 0, 1);
    fill(&a.large, a.residual, 1, -1);
    fill(&a.large, a.dy, 2, 2);
    fill(&a.large, a.other, 3, 2);
    fill(&a.small, a.pooled_dy, 4, -1);
    for (int c = 0; c < C; c++) a.channels[c] = 1 + (float)c / C;
    return a;
}

static void run_all(arrays *a) {
    const byol__kernel_table *k = byol__kernels();
    double *partial;
    check(byol__alloc(&partial, byol__pointwise_partials(&a->large), sizeof *partial, "test",
                      &error));
    size_t padded = (size_t)byol__layout_padded_channels(&a->large);
    byol__pointwise p = {.layout = a->large,
                         .normalize = true,
                         .relu = true,
                         .x = a->x,
                         .residual = a->residual,
                         .y = a->y,
                         .gamma = a->channels,
                         .beta = a->channels,
                         .running_mean = a->running,
                         .running_var = a->running + padded,
                         .mean = a->mean,
                         .inv_std = a->inv_std,
                         .scale = a->scale,
                         .shift = a->shift,
                         .partial = partial,
                         .count = N * SIDE * SIDE,
                         .dy = {a->dy, a->other},
                         .dy_count = 2,
                         .g = a->g,
                         .dx = a->dx,
                         .diff_gamma = a->diffs,
                         .diff_beta = a->diffs + padded};
    k->norm_moments(&p);
    k->pointwise_forward(&p);
    k->norm_sums(&p);
    k->pointwise_backward(&p);
    byol__pool pool = {.src_layout = a->large,
                       .dst_layout = a->small,
                       .kernel = 3,
                       .stride = 2,
                       .padding = 1,
                       .x = a->y,
                       .y = a->pooled,
                       .dy = a->pooled_dy,
                       .dx = a->pooled_dx};
    k->max_pool_forward(&pool);
    k->max_pool_backward(&pool);
    k->add(&a->large, a->dx, a->pooled_dx);
    k->avg_pool_forward(&pool);
    k->avg_pool_backward(&pool);
    k->add(&a->large, a->g, a->pooled_dx);
    byol__free(partial);
}

static void the_same_bits_for_any_number_of_threads(void **state) {
    (void)state;
    int before = omp_get_max_threads();
    for (byol__format format = BYOL__NCHW; format < BYOL__FORMATS; format++) {
        for (int bf16 = 0; bf16 < 2; bf16++) {
            arrays one = {0};
            for (int threads = 1; threads <= 5; threads++) {
                arrays a = make_arrays(format, bf16 ? BYOL__BF16 : BYOL__F32);
                omp_set_num_threads(threads);
                run_all(&a);
                if (threads == 1) {
                    one = a;
                } else {
                    assert_memory_equal(a.all, one.all, a.floats * sizeof *a.all);
                    byol__free(a.all);
                }
            }
            assert_true(one.diffs[0] != 0);
            byol__free(one.all);
        }
    }
    omp_set_num_threads(before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bits_for_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
