#include "optim/optim.h"

#include <math.h>

#include "optim/muon.h"

/* Shorter rows are not worth waking the threads. */
enum { PARALLEL_FROM = 1 << 15 };

/* A norm is the sum of this many partial sums, whatever the number of threads. */
enum { PARTS = 256 };

typedef struct update_rule {
    float lr, grad_scale, decay; /* the gradient used is grad_scale g + decay w */
} update_rule;

int byol__optimizer_states(byol_optimizer_name name) {
    return name == BYOL_SGD || name == BYOL_LARS ? 1 : 2;
}

static double part_of_squares(const float *x, float x_scale, const float *y, float y_scale,
                              size_t begin, size_t end) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = begin; i < end; i++) {
        double value = (double)(x_scale * x[i] + y_scale * y[i]);
        sum += value * value;
    }
    return sum;
}

/* |x_scale x + y_scale y| */
static double norm_of_sum(const float *x, float x_scale, const float *y, float y_scale,
                          size_t count) {
    double sums[PARTS], total = 0;
    size_t length = (count + PARTS - 1) / PARTS;
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t part = 0; part < PARTS; part++) {
        size_t begin = part * length < count ? part * length : count;
        size_t end = begin + length < count ? begin + length : count;
        sums[part] = part_of_squares(x, x_scale, y, y_scale, begin, end);
    }
    for (size_t part = 0; part < PARTS; part++) total += sums[part];
    return sqrt(total);
}

double byol__arena_norm(const float *arena, size_t count) {
    return norm_of_sum(arena, 1, arena, 0, count);
}

/* torch.optim.SGD: g += decay w; m = momentum m + g; w -= lr m, or with Nesterov w -= lr (g +
 * momentum m). */
static void sgd(update_rule rule, float momentum, int nesterov, size_t count, float *w,
                const float *g, float *m) {
#pragma omp parallel for simd schedule(static) if (parallel : count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) {
        float gradient = rule.grad_scale * g[i] + rule.decay * w[i];
        float velocity = momentum * m[i] + gradient;
        m[i] = velocity;
        w[i] -= rule.lr * (nesterov ? gradient + momentum * velocity : velocity);
    }
}

/* eta |w| / |g| with the decay in g; 1 where either norm is 0. */
static float trust_ratio(update_rule rule, float eta, size_t count, const float *w,
                         const float *g) {
    double weight = byol__arena_norm(w, count);
    double gradient = norm_of_sum(g, rule.grad_scale, w, rule.decay, count);
    return weight > 0 && gradient > 0 ? (float)(eta * weight / gradient) : 1;
}

/* LARS as deepmind-research/byol has it: SGD on the gradient scaled by the trust ratio. */
static void lars(update_rule rule, float ratio, float momentum, size_t count, float *w,
                 const float *g, float *m) {
    rule.grad_scale *= ratio;
    rule.decay *= ratio;
    sgd(rule, momentum, 0, count, w, g, m);
}

/* torch.optim.Adam: m and v are running means of g and g^2; 1 / (1 - beta^step) corrects their
 * start at 0. With `shrink` (1 - lr decay, else 1), torch.optim.AdamW: the weights are first
 * multiplied by it. */
static void adam(const byol__optimizer_options *options, update_rule rule, float shrink,
                 uint64_t step, size_t count, float *w, const float *g, float *m, float *v) {
    float beta1 = options->beta1, beta2 = options->beta2, epsilon = options->epsilon;
    float step_size = (float)(rule.lr / (1 - pow(beta1, (double)step)));
    float v_scale = (float)(1 / sqrt(1 - pow(beta2, (double)step)));
#pragma omp parallel for simd schedule(static) if (parallel : count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) {
        float gradient = rule.grad_scale * g[i] + rule.decay * w[i];
        float first = beta1 * m[i] + (1 - beta1) * gradient;
        float second = beta2 * v[i] + (1 - beta2) * gradient * gradient;
        m[i] = first;
        v[i] = second;
        w[i] = shrink * w[i] - step_size * first / (sqrtf(second) * v_scale + epsilon);
    }
}

/* Nesterov's momentum, orthogonalised. Its elements are scaled to a root mean square of .2, about
 * Adam's (Liu et al., arXiv 2502.16982, section 2.2), so that one rate and one decay fit matrices
 * and the rest. */
static void muon(const byol__optimizer_options *options, update_rule rule, float shrink,
                 const byol__param *row, float *w, const float *g, float *m) {
    size_t rows = (size_t)row->dims[0], columns = row->count / rows;
    float *direction = options->scratch, momentum = options->momentum;
#pragma omp parallel for simd schedule(static) if (parallel : row->count >= PARALLEL_FROM)
    for (size_t i = 0; i < row->count; i++) {
        float gradient = rule.grad_scale * g[i];
        m[i] = momentum * m[i] + gradient;
        direction[i] = gradient + momentum * m[i];
    }
    byol__muon_orthogonalise(direction, rows, columns, options->dnn, direction + row->count);
    float step = rule.lr * 0.2f * sqrtf((float)(rows > columns ? rows : columns));
#pragma omp parallel for simd schedule(static) if (parallel : row->count >= PARALLEL_FROM)
    for (size_t i = 0; i < row->count; i++) w[i] = shrink * w[i] - step * direction[i];
}

void byol__optimizer_update(const byol__optimizer_options *options, const byol__table *table,
                            float lr, float grad_scale, uint64_t step, float *params,
                            const float *grads, float *const state[2]) {
    for (int r = 0; r < table->count; r++) {
        const byol__param *row = &table->rows[r];
        if (row->flags & BYOL__FROZEN) continue;
        float decay = row->flags & BYOL__NO_DECAY ? 0 : options->weight_decay;
        float row_lr = options->lr_scale == NULL ? lr : options->lr_scale[r] * lr;
        update_rule rule = {row_lr, grad_scale, decay};
        size_t count = row->count;
        float *w = params + row->offset, *m = state[0] + row->offset;
        const float *g = grads + row->offset;
        float ratio = 1;
        switch (options->name) {
        case BYOL_SGD: sgd(rule, options->momentum, options->nesterov, count, w, g, m); break;
        case BYOL_LARS:
            if (!(row->flags & BYOL__NO_TRUST))
                ratio = trust_ratio(rule, options->trust_coefficient, count, w, g);
            lars(rule, ratio, options->momentum, count, w, g, m);
            break;
        case BYOL_ADAM: adam(options, rule, 1, step, count, w, g, m, state[1] + row->offset); break;
        case BYOL_MUON:
        case BYOL_ADAMW:
            rule.decay = 0;
            if (options->name == BYOL_MUON && byol__is_for_muon(row))
                muon(options, rule, 1 - row_lr * decay, row, w, g, m);
            else
                adam(options, rule, 1 - row_lr * decay, step, count, w, g, m,
                     state[1] + row->offset);
            break;
        }
    }
}

void byol__ema_update(float *target, const float *online, size_t count, double tau) {
    /* Both are from the rounded tau, so they add up to exactly 1 and no step shrinks the target. */
    float keep = (float)tau, take = 1 - keep;
#pragma omp parallel for simd schedule(static) if (parallel : count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) target[i] = keep * target[i] + take * online[i];
}

/* 1 at `step` 0, 0 at `steps` and after: half a period of the cosine. */
static double half_cosine(uint64_t step, uint64_t steps) {
    if (step >= steps) return 0;
    return (1 + cos(M_PI * (double)step / (double)steps)) / 2;
}

double byol__lr_at(double lr, uint64_t step, uint64_t steps, uint64_t warmup_steps) {
    if (step < warmup_steps) return lr * (double)step / (double)warmup_steps;
    return step < steps ? lr * half_cosine(step - warmup_steps, steps - warmup_steps) : 0;
}

double byol__lr_trapezoid_at(double lr, uint64_t step, uint64_t steps, uint64_t warmup_steps,
                             uint64_t decay_steps) {
    double rise = step < warmup_steps ? (double)step / (double)warmup_steps : 1;
    if (step >= steps) return 0;
    double fall = steps - step < decay_steps ? (double)(steps - step) / (double)decay_steps : 1;
    return lr * fmin(rise, fall);
}

double byol__tau_at(byol_tau_schedule schedule, double tau0, uint64_t step, uint64_t steps) {
    if (schedule == BYOL_TAU_CONSTANT) return tau0;
    return 1 - (1 - tau0) * half_cosine(step, steps);
}
