/* kNN, compared with the matrix product that it needs in any case. */
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "byol/bench.h"
#include "byol/eval.h"

enum { CLASSES = 10 };

typedef struct vectors {
    float *values;
    int32_t *labels;
} vectors;

static byol_status make_vectors(vectors *v, size_t count, int dimension, uint32_t lane,
                                byol_error *error) {
    size_t length = (size_t)dimension;
    BYOL__TRY(byol__alloc(&v->values, count * length, sizeof *v->values, "vectors", error));
    BYOL__TRY(byol__alloc(&v->labels, count, sizeof *v->labels, "labels", error));
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, (uint32_t)i, lane);
        v->labels[i] = (int32_t)byol__random_below(&random, CLASSES);
        for (size_t d = 0; d < length; d++)
            v->values[i * length + d] = byol__random_range(&random, -1, 1);
    }
    return BYOL_OK;
}

static void free_vectors(vectors *v) {
    byol__free(v->values);
    byol__free(v->labels);
}

static byol_status time_knn(const byol_bench_knn_shape *shape, const byol_bench_options *options,
                            int threads, byol_bench_knn_result *result, byol_error *error) {
    vectors train = {0}, test = {0};
    byol_knn_options knn;
    byol_knn_options_init(&knn);
    knn.threads = threads;
    double accuracy, began = 0;
    byol_status status = make_vectors(&train, shape->train_count, shape->dimension, 1, error);
    if (status == BYOL_OK)
        status = make_vectors(&test, shape->test_count, shape->dimension, 2, error);
    if (status == BYOL_OK) {
        byol_features bank = {train.values, train.labels, shape->train_count, shape->dimension,
                              CLASSES};
        byol_features asked = {test.values, test.labels, shape->test_count, shape->dimension,
                               CLASSES};
        began = byol__now();
        status = byol_knn(&bank, &asked, &knn, &accuracy, NULL, options->progress, options->context,
                          error);
        result->seconds = byol__now() - began;
    }
    free_vectors(&train);
    free_vectors(&test);
    return status;
}

byol_status byol_bench_knn(const byol_config *config, const byol_bench_knn_shape *shape,
                           const byol_bench_options *options, byol_bench_knn_result *result,
                           byol_error *error) {
    *result = (byol_bench_knn_result){0};
    if (shape->train_count < 20 || shape->test_count < 1 || shape->dimension < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "kNN is measured on 20 or more training vectors, not %zu x %zu x %d",
                          shape->train_count, shape->test_count, shape->dimension);
    byol_config fp32 = *config;
    byol_bench_peak_result peak;
    fp32.train.precision = BYOL_PRECISION_FP32;
    BYOL__TRY(byol_bench_peak(&fp32, options, &peak, error));
    BYOL__TRY(time_knn(shape, options, peak.threads, result, error));
    double products =
        2e-9 * (double)shape->train_count * (double)shape->test_count * shape->dimension;
    result->gflops = products / result->seconds;
    result->matmul_gflops = peak.matmul_gflops;
    result->matmul_seconds = products / peak.matmul_gflops;
    result->threads = peak.threads;
    return BYOL_OK;
}
