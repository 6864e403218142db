#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/smaller.h"
#include "base/threads.h"
#include "byol/eval.h"
#include "dnn/matmul.h"
#include "eval/features.h"
#include "eval/softmax.h"
#include "optim/optim.h"

/* Lanes of the random streams of BYOL__PURPOSE_PROBE; lower lanes belong to augmentation. */
enum { LANE_SPLIT = 128, LANE_ORDER = 129 };

/* From what suits standardised raw pixels of 32 x 32 x 3 (their covariance is steep), past the
 * paper's 0.2, to what may suit the features of a narrow trained encoder. */
static const float default_lrs[] = {0.0006f, 0.002f, 0.006f, 0.02f, 0.06f, 0.2f, 0.6f, 2, 6};
enum { DEFAULT_LRS = sizeof default_lrs / sizeof *default_lrs };

/* Several classifiers ("heads", one for each learning rate) that see the same batches at the same
 * time. One matrix multiplication serves them all, and they do not affect each other. The bias is
 * the weight of a last input that is 1. */
typedef struct probe {
    const byol_linear_options *options;
    int classes, heads, inputs; /* inputs: dimension + 1 */
    const float *lrs;           /* (heads) base learning rates */
    float *mean, *scale;        /* (dimension): an input is (feature - mean) scale */
    float *weights, *momentum;  /* (heads * classes, inputs) */
    float *gradient;            /* the same */
    float *batch;               /* (batch_size, inputs) */
    float *logits;              /* (batch_size, heads * classes) */
    uint32_t *order;            /* (train count) indices of training images */
    size_t *right;              /* (heads) */
    int32_t *predicted;         /* (count of the last count_right): of the last head */
    byol_progress progress;
    void *context;
    uint64_t done, total; /* epochs, for progress */
} probe;

static size_t outputs(const probe *p) { return (size_t)p->heads * (size_t)p->classes; }

/* Mean and 1 / standard deviation of each feature over all passes. The scale of a constant feature
 * is 0. */
static void standardise(const byol_features *train, int passes, double *sums, float *mean,
                        float *scale) {
    int dimension = train->dimension;
    double *squares = sums + dimension, count = (double)train->count * passes;
    for (int moment = 1; moment <= 2; moment++) {
        for (int pass = 0; pass < passes; pass++)
            for (size_t i = 0; i < train->count; i++) {
                const float *x = train[pass].values + i * (size_t)dimension;
                if (moment == 1)
                    for (int d = 0; d < dimension; d++) sums[d] += (double)x[d];
                else
                    for (int d = 0; d < dimension; d++)
                        squares[d] += ((double)x[d] - sums[d]) * ((double)x[d] - sums[d]);
            }
        for (int d = 0; moment == 1 && d < dimension; d++) sums[d] /= count;
    }
    for (int d = 0; d < dimension; d++) {
        double variance = squares[d] / count, rounding = 1e-12 * sums[d] * sums[d];
        mean[d] = (float)sums[d];
        scale[d] = variance > rounding ? (float)(1 / sqrt(variance)) : 0;
    }
}

/* Copies `count` vectors to the batch, beginning at its row `row`: those of `indices` (NULL: from
 * `first` on). */
static void gather(const probe *p, const byol_features *features, const uint32_t *indices,
                   size_t first, size_t row, size_t count) {
    size_t inputs = (size_t)p->inputs, dimension = inputs - 1;
    for (size_t i = row; i < row + count; i++) {
        size_t index = indices != NULL ? indices[first + i] : first + i;
        const float *x = features->values + index * dimension;
        float *dst = p->batch + i * inputs;
        for (size_t d = 0; d < dimension; d++) dst[d] = (x[d] - p->mean[d]) * p->scale[d];
        dst[dimension] = 1;
    }
}

static byol_status all_multiplied(int failures, byol_error *error) {
    if (failures == 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_MEMORY,
                      "the matrix multiplication of the linear probe failed");
}

/* Logits of `count` images. With `gradients`, the gradients of their cross-entropies replace them.
 * The batch is cut into blocks of rows; one thread takes a block through all steps. */
static byol_status forward(const probe *p, const byol_features *features, const uint32_t *indices,
                           size_t first, size_t count, int gradients, byol_error *error) {
    enum { TILE = 32 };
    size_t inputs = (size_t)p->inputs, width = outputs(p), classes = (size_t)p->classes;
    int failures = 0;
#pragma omp parallel for schedule(dynamic) reduction(+ : failures)
    for (size_t row = 0; row < count; row += TILE) {
        size_t rows = byol__smaller_size(TILE, count - row);
        gather(p, features, indices, first, row, rows);
        failures += byol__sgemm(rows, width, inputs, 1,
                                (byol__matrix){p->batch + row * inputs, inputs, BYOL__AS_IS},
                                (byol__matrix){p->weights, inputs, BYOL__TRANSPOSED}, 0,
                                p->logits + row * width, width, NULL) != BYOL_OK;
        for (size_t i = row; gradients && i < row + rows; i++)
            for (size_t c = 0; c < width; c += classes)
                byol__softmax_gradient(p->logits + i * width + c, p->classes,
                                       features->labels[indices[first + i]]);
    }
    return all_multiplied(failures, error);
}

/* As torch.optim.SGD with Nesterov momentum, on inputs begin .. end-1. Each head has its own rate,
 * times `schedule`. */
static void update(const probe *p, size_t begin, size_t end, double schedule) {
    float mu = p->options->momentum;
    for (size_t row = 0; row < outputs(p); row++) {
        float lr = (float)(schedule * (double)p->lrs[row / (size_t)p->classes]);
        size_t start = row * (size_t)p->inputs;
        for (size_t i = start + begin; i < start + end; i++) {
            p->momentum[i] = mu * p->momentum[i] + p->gradient[i];
            p->weights[i] -= lr * (p->gradient[i] + mu * p->momentum[i]);
        }
    }
}

/* The mean cross-entropy's gradient is (softmax - label)^T inputs / count. Each thread computes
 * some of its columns and updates the weights there. */
static byol_status backward(const probe *p, size_t count, double schedule, byol_error *error) {
    enum { TILE = 64 };
    size_t inputs = (size_t)p->inputs, width = outputs(p);
    int failures = 0;
#pragma omp parallel for schedule(dynamic) reduction(+ : failures)
    for (size_t column = 0; column < inputs; column += TILE) {
        size_t columns = byol__smaller_size(TILE, inputs - column);
        failures += byol__sgemm(width, columns, count, 1 / (float)count,
                                (byol__matrix){p->logits, width, BYOL__TRANSPOSED},
                                (byol__matrix){p->batch + column, inputs, BYOL__AS_IS}, 0,
                                p->gradient + column, inputs, NULL) != BYOL_OK;
        update(p, column, column + columns, schedule);
    }
    return all_multiplied(failures, error);
}

/* Shuffles indices of training images. A lane and an epoch name the random numbers. */
static void shuffle(const probe *p, uint32_t epoch, uint32_t lane, uint32_t *order, size_t count) {
    byol__random random =
        byol__random_stream(p->options->seed, BYOL__PURPOSE_PROBE, epoch, 0, lane);
    byol__random_shuffle(&random, order, count);
}

/* Trains all heads from zero on the `count` images of `order`, which is shuffled each epoch. */
static byol_status fit(probe *p, const byol_features *train, int passes, uint32_t *order,
                       size_t count, byol_error *error) {
    const byol_linear_options *options = p->options;
    size_t batch_size = (size_t)options->batch_size;
    uint64_t batches = (count + batch_size - 1) / batch_size,
             steps = batches * (uint64_t)options->epochs, step = 0;
    memset(p->weights, 0, outputs(p) * (size_t)p->inputs * sizeof *p->weights);
    memset(p->momentum, 0, outputs(p) * (size_t)p->inputs * sizeof *p->momentum);
    for (int epoch = 0; epoch < options->epochs; epoch++) {
        shuffle(p, (uint32_t)epoch, LANE_ORDER, order, count);
        for (size_t first = 0; first < count; first += batch_size, step++) {
            double schedule = byol__lr_at((double)options->batch_size / 256, step, steps, 0);
            size_t rows = byol__smaller_size(batch_size, count - first);
            BYOL__TRY(forward(p, &train[epoch % passes], order, first, rows, 1, error));
            BYOL__TRY(backward(p, rows, schedule, error));
        }
        p->done++;
        if (p->progress != NULL && p->progress(p->context, p->done, p->total) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED,
                              "the linear probe was stopped after %d of %d epochs", epoch + 1,
                              options->epochs);
    }
    return BYOL_OK;
}

/* Counts for each head how many of the images `indices` (NULL: the first `count`) it predicts
 * right. */
static byol_status count_right(const probe *p, const byol_features *features,
                               const uint32_t *indices, size_t count, byol_error *error) {
    size_t batch_size = (size_t)p->options->batch_size;
    memset(p->right, 0, (size_t)p->heads * sizeof *p->right);
    for (size_t first = 0; first < count; first += batch_size) {
        size_t rows = byol__smaller_size(batch_size, count - first);
        BYOL__TRY(forward(p, features, indices, first, rows, 0, error));
        for (size_t i = 0; i < rows; i++) {
            int32_t label = features->labels[indices != NULL ? indices[first + i] : first + i];
            for (int head = 0; head < p->heads; head++) {
                const float *logits =
                    p->logits + i * outputs(p) + (size_t)head * (size_t)p->classes;
                p->predicted[first + i] = byol__highest_logit(logits, p->classes);
                p->right[head] += p->predicted[first + i] == label;
            }
        }
    }
    return BYOL_OK;
}

/* Trains on all but the held-out images, and chooses the learning rate that does best on those; of
 * equals, the lower index. */
static byol_status choose_lr(probe *p, const byol_features *train, int passes,
                             byol_linear_result *result, byol_error *error) {
    size_t count = train->count,
           held_out = (size_t)llround((double)p->options->held_out * (double)count);
    int best = 0;
    held_out = byol__smaller_size(held_out < 1 ? 1 : held_out, count - 1);
    shuffle(p, 0, LANE_SPLIT, p->order, count);
    BYOL__TRY(fit(p, train, passes, p->order + held_out, count - held_out, error));
    BYOL__TRY(count_right(p, train, p->order, held_out, error));
    for (int head = 1; head < p->heads; head++)
        if (p->right[head] > p->right[best]) best = head;
    result->lr = p->lrs[best];
    result->held_out_accuracy = 100 * (double)p->right[best] / (double)held_out;
    return BYOL_OK;
}

/* The probe on features as they come: weights times the scale, and the mean in the bias. */
static void fold_scaling(const probe *p) {
    size_t inputs = (size_t)p->inputs, dimension = inputs - 1;
    for (size_t c = 0; c < (size_t)p->classes; c++) {
        const float *row = p->weights + c * inputs;
        double bias = (double)row[dimension];
        for (size_t d = 0; d < dimension; d++) {
            double weight = (double)row[d] * (double)p->scale[d];
            p->options->weight[c * dimension + d] = (float)weight;
            bias -= weight * (double)p->mean[d];
        }
        p->options->bias[c] = (float)bias;
    }
}

static byol_status train_and_test(probe *p, const byol_features *train, int passes,
                                  const byol_features *test, byol_linear_result *result,
                                  byol_error *error) {
    BYOL__TRY(choose_lr(p, train, passes, result, error));
    p->heads = 1;
    p->lrs = &result->lr;
    BYOL__TRY(fit(p, train, passes, p->order, train->count, error));
    for (size_t i = 0; i < outputs(p) * (size_t)p->inputs; i++)
        if (!isfinite(p->weights[i]))
            return byol__fail(error, BYOL_ERROR_NUMERIC,
                              "the linear probe diverged at learning rate %g: standardize the "
                              "features or give lower "
                              "learning rates",
                              (double)result->lr);
    BYOL__TRY(count_right(p, test, NULL, test->count, error));
    result->accuracy = 100 * (double)p->right[0] / (double)test->count;
    if (p->options->weight != NULL) fold_scaling(p);
    return BYOL_OK;
}

static byol_status prepare(probe *p, const byol_features *train, int passes, size_t test_count,
                           byol_error *error) {
    size_t most = train->count > test_count ? train->count : test_count;
    size_t dimension = (size_t)train->dimension, inputs = dimension + 1,
           batch_size = (size_t)p->options->batch_size;
    const char *what = "linear probe";
    double *sums = NULL;
    BYOL__TRY(byol__alloc(&p->mean, dimension, sizeof *p->mean, what, error));
    BYOL__TRY(byol__alloc(&p->scale, dimension, sizeof *p->scale, what, error));
    BYOL__TRY(byol__alloc(&p->weights, outputs(p) * inputs, sizeof *p->weights, what, error));
    BYOL__TRY(byol__alloc(&p->momentum, outputs(p) * inputs, sizeof *p->momentum, what, error));
    BYOL__TRY(byol__alloc(&p->gradient, outputs(p) * inputs, sizeof *p->gradient, what, error));
    BYOL__TRY(byol__alloc(&p->batch, batch_size * inputs, sizeof *p->batch, what, error));
    BYOL__TRY(byol__alloc(&p->logits, batch_size * outputs(p), sizeof *p->logits, what, error));
    BYOL__TRY(byol__alloc(&p->order, train->count, sizeof *p->order, what, error));
    BYOL__TRY(byol__alloc(&p->right, (size_t)p->heads, sizeof *p->right, what, error));
    BYOL__TRY(byol__alloc(&p->predicted, most, sizeof *p->predicted, what, error));
    BYOL__TRY(byol__alloc(&sums, 2 * dimension, sizeof *sums, what, error));
    for (size_t i = 0; i < train->count; i++) p->order[i] = (uint32_t)i;
    if (p->options->standardize)
        standardise(train, passes, sums, p->mean, p->scale);
    else
        for (size_t d = 0; d < dimension; d++) p->scale[d] = 1;
    byol__free(sums);
    return BYOL_OK;
}

static void release(probe *p) {
    void *all[] = {p->mean,  p->scale,  p->weights, p->momentum, p->gradient,
                   p->batch, p->logits, p->order,   p->right,    p->predicted};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) byol__free(all[i]);
}

static byol_status check_options(const byol_linear_options *options, byol_error *error) {
    if (options->epochs < 1 || options->batch_size < 1 || options->lr_count < 1 ||
        options->lrs == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the linear probe needs at least one epoch, one image a batch and one "
                          "learning rate; it was "
                          "given %d, %d and %d",
                          options->epochs, options->batch_size, options->lr_count);
    for (int i = 0; i < options->lr_count; i++)
        if (!(options->lrs[i] > 0) || !isfinite(options->lrs[i]))
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "learning rate %d of the linear probe is %g; it must be above 0", i,
                              (double)options->lrs[i]);
    if (!(options->held_out > 0 && options->held_out < 1))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the held-out share is %g; it must be between 0 and 1: the learning rate "
                          "is chosen on it",
                          (double)options->held_out);
    if (!(options->momentum >= 0 && options->momentum < 1))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the momentum of the linear probe is %g; it must be 0 or more, below 1",
                          (double)options->momentum);
    return BYOL_OK;
}

static byol_status check(const byol_features *train, int passes, const byol_features *test,
                         const byol_linear_options *options, byol_error *error) {
    BYOL__TRY(check_options(options, error));
    if (passes < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the linear probe was given %d passes; 1 or more", passes);
    for (int pass = 0; pass < passes; pass++) {
        BYOL__TRY(byol__features_check(&train[pass], "training", error));
        if (train[pass].count != train->count || train[pass].dimension != train->dimension ||
            train[pass].classes != train->classes)
            return byol__fail(error, BYOL_ERROR_MISMATCH,
                              "pass %d of the training features is %zu vectors of dimension %d, "
                              "pass 0 is %zu of %d: "
                              "passes are of the same images",
                              pass, train[pass].count, train[pass].dimension, train->count,
                              train->dimension);
    }
    if (train->count < 2)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "one training sample cannot be split into training and held-out samples");
    BYOL__TRY(byol__features_check(test, "test", error));
    return byol__features_agree(train, test, "test", error);
}

void byol_linear_options_init(byol_linear_options *options) {
    *options = (byol_linear_options){.epochs = 80,
                                     .batch_size = 256,
                                     .momentum = 0.9f,
                                     .lrs = default_lrs,
                                     .lr_count = DEFAULT_LRS,
                                     .held_out = 0.1f,
                                     .seed = 1,
                                     .standardize = 1};
}

static byol_status run_probe(const byol_features *train, int passes, const byol_features *test,
                             const byol_linear_options *options, byol_linear_result *result,
                             int32_t *predicted, byol_progress progress, void *context,
                             byol_error *error) {
    BYOL__TRY(check(train, passes, test, options, error));
    byol_linear_result found = {0};
    probe state = {.options = options,
                   .classes = train->classes,
                   .heads = options->lr_count,
                   .inputs = train->dimension + 1,
                   .lrs = options->lrs,
                   .progress = progress,
                   .context = context,
                   .total = 2 * (uint64_t)options->epochs};
    byol_status status = prepare(&state, train, passes, test->count, error);
    if (status == BYOL_OK) status = train_and_test(&state, train, passes, test, &found, error);
    if (status == BYOL_OK) {
        *result = found;
        if (predicted != NULL) memcpy(predicted, state.predicted, test->count * sizeof *predicted);
    }
    release(&state);
    return status;
}

byol_status byol_linear(const byol_features *train, int passes, const byol_features *test,
                        const byol_linear_options *options, byol_linear_result *result,
                        int32_t *predicted, byol_progress progress, void *context,
                        byol_error *error) {
    byol__threads threads = byol__threads_begin(options->threads);
    byol_status status =
        run_probe(train, passes, test, options, result, predicted, progress, context, error);
    byol__threads_end(threads);
    return status;
}
