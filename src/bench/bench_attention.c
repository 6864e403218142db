/* Attention alone, forward and backward, full or of low rank: what a transformer's layer spends on
 * it beside its linear layers. */
#include <math.h>
#include <stdbool.h>

#include "base/bf16.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/threads.h"
#include "bench/bench_shared.h"
#include "bench/median.h"
#include "byol/bench.h"
#include "dnn/precision.h"
#include "nets/nets.h"
#include "ops/attention_kernels.h"
#include "ops/low_rank_kernels.h"

enum { RUNS_MAX = 1000, ACTIVATIONS = 12, SCRATCHES = 4 };

typedef struct layer {
    byol__layout tokens, few; /* few: what keys and values are with low rank */
    byol__attention attention;
    byol__low_rank keys, values; /* matrices 0: not used */
    void *activations[ACTIVATIONS];
    float *scratch[SCRATCHES];
    size_t bytes;
    int used, scratches;
} layer;

/* An activation of random numbers, or with `lane` 0 of nothing yet. */
static byol_status new_activation(layer *l, const byol__layout *layout, uint32_t lane, void **out,
                                  byol_error *error) {
    size_t count = byol__layout_elements(layout), bytes = byol__layout_bytes(layout);
    BYOL__TRY(byol__alloc(out, bytes, 1, "activation", error));
    l->activations[l->used++] = *out;
    l->bytes += bytes;
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, lane);
    for (size_t i = 0; i < count && lane > 0; i++) {
        float value = byol__random_range(&random, -1, 1);
        if (layout->dtype == BYOL__BF16)
            ((byol__bf16 *)*out)[i] = byol__bf16_from_float(value);
        else
            ((float *)*out)[i] = value;
    }
    return BYOL_OK;
}

static byol_status new_scratch(layer *l, size_t count, float **out, byol_error *error) {
    BYOL__TRY(byol__alloc_floats(out, count, "scratch", error));
    l->scratch[l->scratches++] = *out;
    l->bytes += count * sizeof **out;
    return BYOL_OK;
}

/* q, k or v with its gradient. */
static byol_status new_source(layer *l, const byol__layout *layout, uint32_t lane,
                              byol__head_source *source, byol_error *error) {
    void *values = NULL;
    source->layout = *layout;
    BYOL__TRY(new_activation(l, layout, lane, &values, error));
    source->values = values;
    return new_activation(l, layout, 0, &source->diff, error);
}

/* Before keys or values: from all tokens to few. Its gradient of E has a place behind E. */
static byol_status open_low_rank(layer *l, byol__low_rank *p, const byol__head_source *few,
                                 const byol_config *config, int threads, byol_error *error) {
    size_t count = (size_t)config->encoder.rank * (size_t)config->data.length;
    void *x = NULL;
    float *weight = NULL;
    *p = (byol__low_rank){.src = l->tokens,
                          .dst = l->few,
                          .matrices = 1,
                          .columns = config->data.length,
                          .y = (void *)(uintptr_t)few->values,
                          .dy = few->diff,
                          .threads = threads};
    BYOL__TRY(new_activation(l, &l->tokens, 7, &x, error));
    BYOL__TRY(new_activation(l, &l->tokens, 0, &p->dx, error));
    size_t own = byol__low_rank_kernels_best()->scratch(p);
    BYOL__TRY(new_scratch(l, 2 * count + (size_t)threads * own + 64, &weight, error));
    for (size_t i = 0; i < 2 * count; i++) weight[i] = 1 / (float)config->data.length;
    p->x = x;
    p->weight = weight;
    p->diff_weight = weight + count;
    p->scratch = weight + (2 * count + 15) / 16 * 16;
    p->scratch_floats = own;
    return BYOL_OK;
}

static byol_status open_layer(layer *l, const byol_config *config, byol__dtype dtype, int threads,
                              byol_error *error) {
    byol__attention *p = &l->attention;
    bool low_rank = config->encoder.attention == BYOL_ATTENTION_LOWRANK;
    int width = config->encoder.width, heads = byol_config_heads(config);
    l->tokens =
        (byol__layout){dtype, BYOL__NHWC, config->train.batch_size, width, config->data.length, 1};
    l->few = l->tokens;
    if (low_rank) l->few.h = config->encoder.rank;
    *p = (byol__attention){.heads = heads,
                           .width = width / heads,
                           .scale = 1 / sqrtf((float)(width / heads)),
                           .layout = l->tokens,
                           .threads = threads};
    void *dy = NULL;
    BYOL__TRY(new_source(l, &l->tokens, 1, &p->q, error));
    BYOL__TRY(new_source(l, &l->few, 2, &p->k, error));
    BYOL__TRY(new_source(l, &l->few, 3, &p->v, error));
    BYOL__TRY(new_activation(l, &l->tokens, 0, &p->y, error));
    BYOL__TRY(new_activation(l, &l->tokens, 4, &dy, error));
    p->dy = dy;
    size_t sums = (size_t)l->tokens.n * (size_t)l->tokens.h * (size_t)heads;
    p->scratch_floats = byol__attention_kernels_for(p)->scratch(p);
    BYOL__TRY(new_scratch(l, sums, &p->log_sums, error));
    BYOL__TRY(new_scratch(l, (size_t)threads * p->scratch_floats, &p->scratch, error));
    if (!low_rank) return BYOL_OK;
    BYOL__TRY(open_low_rank(l, &l->keys, &p->k, config, threads, error));
    return open_low_rank(l, &l->values, &p->v, config, threads, error);
}

static void close_layer(layer *l) {
    for (int i = 0; i < l->used; i++) byol__free(l->activations[i]);
    for (int i = 0; i < l->scratches; i++) byol__free(l->scratch[i]);
}

static void forward(const layer *l) {
    if (l->keys.matrices > 0) {
        byol__low_rank_kernels_best()->forward(&l->keys);
        byol__low_rank_kernels_best()->forward(&l->values);
    }
    byol__attention_kernels_for(&l->attention)->forward(&l->attention);
}

static void backward(const layer *l) {
    byol__attention_kernels_for(&l->attention)->backward(&l->attention);
    if (l->keys.matrices == 0) return;
    byol__low_rank_kernels_best()->backward(&l->keys);
    byol__low_rank_kernels_best()->backward(&l->values);
}

static byol_status measure(const layer *l, const byol_bench_options *options,
                           byol_bench_attention_result *result, byol_error *error) {
    double times[2][RUNS_MAX], began = byol__now();
    int runs = 0;
    forward(l);
    backward(l);
    do {
        double first = byol__now();
        forward(l);
        double second = byol__now();
        backward(l);
        times[0][runs] = second - first;
        times[1][runs++] = byol__now() - second;
        if (byol__bench_cancelled(options, byol__now() - began))
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
    } while (runs < RUNS_MAX && byol__now() - began < options->seconds);
    result->forward_ms = 1e3 * byol__median(times[0], runs);
    result->backward_ms = 1e3 * byol__median(times[1], runs);
    result->runs = runs;
    return BYOL_OK;
}

byol_status byol_bench_attention(const byol_config *config, const byol_bench_options *options,
                                 byol_bench_attention_result *result, byol_error *error) {
    *result = (byol_bench_attention_result){0};
    int width = config->encoder.width, heads = byol_config_heads(config);
    if (width % heads != 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "encoder.heads %d do not divide the width %d",
                          heads, width);
    byol_precision precision = byol__precision_resolve(config->train.precision);
    byol__threads threads = byol__threads_begin(config->train.threads);
    layer l = {0};
    byol_status status =
        open_layer(&l, config, byol__precision_dtype(precision), threads.count, error);
    if (status == BYOL_OK) status = measure(&l, options, result, error);
    result->memory_bytes = l.bytes;
    result->threads = threads.count;
    result->precision = precision;
    close_layer(&l);
    byol__threads_end(threads);
    return status;
}
