/* One step of the method: batches forward and backward, then the update. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "graph/arena.h"
#include "nets/nets.h"
#include "train/method.h"

static bool is_current(const byol__method *method, const byol__plan *plan) {
    for (int v = 0; v < method->views.count; v++)
        if (method->online[v] == plan || method->target[v] == plan) return true;
    return false;
}

/* Plans of other lengths wait until a batch needs them. */
static byol_status stage(byol__method *method, bool targets_too, byol_error *error) {
    for (int i = 0; i < method->plan_count; i++) {
        if (!targets_too && method->plans[i].is_target) continue;
        method->plans[i].stale = !is_current(method, method->plans[i].plan);
        if (!method->plans[i].stale) BYOL__TRY(byol__plan_stage(method->plans[i].plan, error));
    }
    return BYOL_OK;
}

static byol_status stage_stale(byol__method *method, byol_error *error) {
    for (int i = 0; i < method->plan_count; i++) {
        if (!method->plans[i].stale || !is_current(method, method->plans[i].plan)) continue;
        BYOL__TRY(byol__plan_stage(method->plans[i].plan, error));
        method->plans[i].stale = false;
    }
    return BYOL_OK;
}

byol_status byol__method_stage(byol__method *method, byol_error *error) {
    return stage(method, true, error);
}

/* Keeps a plan's failure for byol__method_update, which then makes no step. */
static void keep(byol__method *method, byol_status status) {
    if (status != BYOL_OK) method->failed = status;
}

/* Batches of one step (`pending`) draw apart. */
static void forward(byol__method *method, byol__plan *plan, const void *const *view, int v) {
    const byol__draw draw = {method->seed, (uint32_t)method->step,
                             (uint32_t)v | (uint32_t)method->pending << 5};
    byol__plan_draw(plan, &draw);
    keep(method, byol__plan_forward(plan, view[v], &method->why));
}

/* An output as rows: of samples, or of the tokens that count. */
static void read_rows(byol__method *method, const byol__plan *plan, byol__output output,
                      float scale, float *rows) {
    if (method->masked.channels == 0) {
        byol__plan_read(plan, output, rows);
        return;
    }
    byol__plan_read(plan, output, method->all_tokens);
    byol__masked_gather(&method->masked, method->all_tokens, scale, rows);
}

/* z and p of one view. */
static void online_forward(byol__method *method, const void *const *view, int v) {
    forward(method, method->online[v], view, v);
    if (v == 0) byol__plan_read(method->online[v], BYOL__REPRESENTATION, method->representation);
    read_rows(method, method->online[v], BYOL__PROJECTION, 1, method->projection[v]);
    read_rows(method, method->online[v], BYOL__PREDICTION, 1, method->prediction[v]);
}

static void add_diff(byol__method *method, int v, const float *part) {
    size_t count = (size_t)method->rows * (size_t)method->dimension;
    float weight = (float)method->pair_weight, *sum = method->diff[v];
    if (method->has_diff[v])
        for (size_t i = 0; i < count; i++) sum[i] += weight * part[i];
    else
        for (size_t i = 0; i < count; i++) sum[i] = weight * part[i];
    method->has_diff[v] = 1;
}

/* One pair's part in the loss and in the gradients of its views: p of one view against z' of
 * another. This pairing is the whole point. */
static double measure_pair(byol__method *method, int index) {
    const byol__pair *pair = &method->pairs[index];
    /* For the stream of random negatives. */
    int pairs = method->pair_count < 2 ? 2 : method->pair_count;
    uint64_t number =
        (method->step << 16 | (uint64_t)method->pending) * (uint64_t)pairs + (uint64_t)index;
    int target = method->mispaired ? pair->prediction : pair->target;
    float *by_target = method->both_sides ? method->pair_diff[1] : NULL;
    const float *p = method->prediction[pair->prediction], *z = method->target_projection[target];
    double loss =
        method->masked.channels > 0
            ? byol__distance_of_rows(&method->distance, p, z, method->rows, method->pair_diff[0])
            : byol__distance_between(&method->distance, p, z, number, method->pair_diff[0],
                                     by_target);
    add_diff(method, pair->prediction, method->pair_diff[0]);
    if (by_target != NULL) add_diff(method, target, by_target);
    return method->pair_weight * loss;
}

/* The regularizer's part for one view's projections. */
static double measure_projection(byol__method *method, int v) {
    if (!byol__regularizes(&method->regularizer)) return 0;
    return byol__regularize(&method->regularizer, method->projection[v], 1.0 / method->predicting,
                            method->own_diff[v]);
}

static void backward(byol__method *method, int v) {
    if (byol__regularizes(&method->regularizer))
        byol__plan_diff(method->online[v], BYOL__PROJECTION, method->own_diff[v]);
    const float *diff = method->diff[v];
    if (method->masked.channels > 0) {
        byol__masked_scatter(&method->masked, diff, method->all_tokens);
        diff = method->all_tokens;
    }
    keep(method, byol__plan_backward(method->online[v], diff, &method->why));
}

/* What another model computed from the batch's images: the same for every view. */
static void take_vectors(byol__method *method) {
    size_t length = (size_t)method->dimension;
    for (int v = 0; v < method->views.large; v++)
        for (size_t n = 0; n < (size_t)method->batch; n++)
            memcpy(method->target_projection[v] + n * length,
                   method->vectors + method->samples[n] * length, length * sizeof(float));
}

/* With none to choose, the first token stands for it: a batch must have a loss. */
static void choose_tokens(byol__method *method, const void *const *view) {
    byol__masked_find(&method->masked, view[0], view[1]);
    if (method->masked.count == 0) method->masked.token[method->masked.count++] = 0;
    method->rows = method->masked.count;
}

/* BYOL: a separate target, which sees its views before everything else. */
static double with_target(byol__method *method, const void *const *view) {
    double loss = 0;
    if (method->kind == BYOL_TARGET_VECTORS) take_vectors(method);
    if (method->masked.channels > 0) choose_tokens(method, view);
    for (int v = 0; v < method->views.count; v++) {
        if (method->target[v] == NULL) continue;
        forward(method, method->target[v], view, v);
        read_rows(method, method->target[v], BYOL__PROJECTION, method->target_scale,
                  method->target_projection[v]);
    }
    for (int v = 0; v < method->predicting; v++) {
        online_forward(method, view, v);
        for (int i = 0; i < method->pair_count; i++)
            if (method->pairs[i].prediction == v) loss += measure_pair(method, i);
        loss += measure_projection(method, v);
        backward(method, v);
    }
    return loss;
}

/* Repeats a forward pass that another view's has overwritten: the same numbers, and the running
 * statistics count the view only once. */
static void forward_again(byol__method *method, const void *const *view, int v) {
    size_t count = method->graph.statistics.total;
    byol__arena_copy(method->kept_statistics, method->statistics, count);
    forward(method, method->online[v], view, v);
    byol__arena_copy(method->statistics, method->kept_statistics, count);
}

/* The online network is its own target: SimSiam and the contrastive methods. */
static double without_target(byol__method *method, const void *const *view) {
    double loss = 0;
    for (int v = method->views.count - 1; v >= 0; v--) {
        if (method->online[v] == NULL) continue;
        online_forward(method, view, v);
        byol__plan_read(method->online[v], BYOL__PROJECTION, method->target_projection[v]);
    }
    for (int i = 0; i < method->pair_count; i++) loss += measure_pair(method, i);
    for (int v = 0; v < method->predicting; v++) loss += measure_projection(method, v);
    for (int v = 0; v < method->views.count; v++) {
        if (!method->has_diff[v]) continue;
        if (method->recompute && v > 0) forward_again(method, view, v);
        backward(method, v);
    }
    return loss;
}

/* Tokens up to the last that is no padding, of the longest of `batch` texts. */
static int longest(const int32_t *tokens, int batch, int length) {
    int most = 0;
    for (int n = 0; n < batch; n++, tokens += length)
        for (int i = length; i > most; i--)
            if (tokens[i - 1] != 0) most = i;
    return most;
}

/* Takes the shortest plans that have room for a batch of texts, and lays its views out for them:
 * rows of that length. */
static void shorten(byol__method *method, const void *const *view, const void **shorter) {
    int all = method->lengths[method->length_count - 1].length, needed = 0, row = 0;
    for (int v = 0; v < method->views.count; v++) {
        int own = longest(view[v], method->batch, all);
        if (own > needed) needed = own;
    }
    while (method->lengths[row].length < needed) row++;
    int length = method->lengths[row].length;
    for (int v = 0; v < method->views.count; v++) {
        const int32_t *from = view[v];
        for (int n = 0; n < method->batch; n++)
            memcpy(method->tokens[v] + n * length, from + n * all, (size_t)length * sizeof *from);
        shorter[v] = method->tokens[v];
    }
    method->masked.length = length;
    byol__method_take_plans(method, row);
    keep(method, stage_stale(method, &method->why));
}

double byol__method_forward_backward(byol__method *method, const void *const *view) {
    const void *shorter[BYOL_VIEWS_MAX];
    memset(method->has_diff, 0, sizeof method->has_diff);
    if (method->lengths[0].length > 0) {
        shorten(method, view, shorter);
        view = shorter;
    }
    double loss = method->kind == BYOL_TARGET_ONLINE ? without_target(method, view)
                                                     : with_target(method, view);
    method->pending++;
    method->pending_loss += loss;
    return loss;
}

/* Sums the gradients and the loss over all ranks. */
static byol_status sum_over_ranks(byol__method *method, byol_error *error) {
    if (method->failed != BYOL_OK && error != NULL) *error = method->why;
    BYOL__TRY(byol__comm_share_failure(method->comm, method->failed, error));
    BYOL__TRY(
        byol__comm_sum_floats(method->comm, method->grads, method->graph.params.total, error));
    return byol__comm_sum_doubles(method->comm, &method->pending_loss, 1, error);
}

/* No optimizer moves a frozen row: its gradient must not count in the norm. */
static void clear_frozen(byol__method *method) {
    const byol__table *table = &method->graph.params;
    for (int r = 0; r < table->count; r++)
        if (table->rows[r].flags & BYOL__FROZEN)
            byol__arena_clear(method->grads + table->rows[r].offset, table->rows[r].count);
}

byol_status byol__method_update(byol__method *method, double lr, double tau,
                                byol__step_result *result, byol_error *error) {
    size_t count = method->graph.params.total;
    double begin = byol__now();
    BYOL__TRY(sum_over_ranks(method, error));
    clear_frozen(method);
    double mean = 1.0 / (method->pending * method->comm->size);
    double norm = byol__arena_norm(method->grads, count) * mean;
    result->loss = method->pending_loss * mean;
    result->gradient_norm = norm;
    if (!isfinite(result->loss) || !isfinite(norm))
        return byol__fail(error, BYOL_ERROR_NUMERIC, "the %s of step %llu is not a finite number",
                          isfinite(result->loss) ? "gradient" : "loss",
                          (unsigned long long)method->step + 1);

    double clip =
        method->clip_norm > 0 && norm > method->clip_norm ? method->clip_norm / norm : 1.0;
    method->step++;
    byol__optimizer_update(&method->optimizer, &method->graph.params, (float)lr,
                           (float)(mean * clip), method->step, method->params, method->grads,
                           method->state);
    size_t averaged = method->kind == BYOL_TARGET_EMA ? method->target_count : 0;
    byol__ema_update(method->target_params, method->params, averaged, tau);
    byol__arena_clear(method->grads, count);
    byol__profile_add(method->profile, BYOL__WORK_UPDATE, begin, 0,
                      ((5 + 2 * (size_t)method->states) * count + 3 * averaged) * sizeof(float));
    method->pending = 0;
    method->pending_loss = 0;
    return stage(method, averaged > 0, error);
}
