/* How fast an encoder turns images into vectors. */
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "bench/bench_shared.h"
#include "bench/median.h"
#include "byol/bench.h"
#include "byol/source.h"
#include "encoder/encoder_internal.h"
#include "nets/nets.h"
#include "plan/plan.h"

enum { IMAGES = 512, PASSES_MAX = 1000, PASSES_MIN = 3 };

/* The backbone's FLOPs for one image. */
static byol_status backbone_flops(const byol__graph *graph, double *flops, byol_error *error) {
    byol__plan_options options = {.batch = 1, .mode = BYOL__EVAL, .output = BYOL__REPRESENTATION};
    byol__plan *plan;
    BYOL__TRY(byol__plan_create(&plan, graph, &options, error));
    byol__plan_info info;
    byol__plan_describe(plan, &info);
    *flops = (double)info.forward_flops;
    byol__plan_free(plan);
    return BYOL_OK;
}

static byol_status random_encoder(byol_encoder **out, const byol_config *config, int channels,
                                  double *flops, byol_error *error) {
    byol__graph graph;
    float *params = NULL, *statistics = NULL;
    byol__graph_init(&graph);
    byol_status status =
        byol__online_network(&graph, config, channels, config->data.image_size, error);
    if (status == BYOL_OK) status = backbone_flops(&graph, flops, error);
    if (status == BYOL_OK)
        status = byol__alloc(&params, graph.params.total, sizeof *params, "parameters", error);
    if (status == BYOL_OK)
        status = byol__alloc(&statistics, graph.statistics.total, sizeof *statistics, "statistics",
                             error);
    if (status == BYOL_OK) {
        byol__params_init(&graph.params, config->train.seed, params);
        byol__params_init(&graph.statistics, config->train.seed, statistics);
        const byol__origin origin = {.channels = channels, .config = *config};
        status = byol__encoder_create(out, &origin, params, statistics, error);
    }
    byol__free(params);
    byol__free(statistics);
    byol__graph_release(&graph);
    return status;
}

/* Passes over the source until the time is over. The first one does not count. */
static byol_status time_passes(byol_encoder *encoder, const byol_source *source, float *features,
                               const byol_bench_options *options, byol_bench_embed_result *result,
                               byol_error *error) {
    double seconds[PASSES_MAX], sum = 0;
    for (int pass = -1; pass < PASSES_MAX && (pass < PASSES_MIN || sum < options->seconds);
         pass++) {
        double begin = byol__now();
        BYOL__TRY(
            byol_encoder_embed(encoder, source, BYOL_LAYER_BACKBONE, features, NULL, NULL, error));
        if (pass >= 0) {
            seconds[pass] = byol__now() - begin;
            sum += seconds[pass];
            result->passes = pass + 1;
        }
        if (byol__bench_cancelled(options, sum))
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
    }
    result->images_per_second = IMAGES / byol__median(seconds, result->passes);
    return BYOL_OK;
}

static byol_status measure(byol_encoder *encoder, int size, const byol_bench_options *options,
                           byol_bench_embed_result *result, byol_error *error) {
    size_t bytes = (size_t)options->channels * (size_t)size * (size_t)size;
    uint8_t *pixels = NULL;
    float *features = NULL;
    byol_source *source = NULL;
    byol_status status = byol__bench_images(&pixels, IMAGES, bytes, error);
    if (status == BYOL_OK)
        status = byol__alloc(&features,
                             (size_t)IMAGES *
                                 (size_t)byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE),
                             sizeof *features, "features", error);
    if (status == BYOL_OK)
        status = byol_source_from_memory(&source, pixels, NULL, IMAGES, options->channels, size,
                                         size, error);
    if (status == BYOL_OK) status = time_passes(encoder, source, features, options, result, error);
    byol_source_free(source);
    byol__free(features);
    byol__free(pixels);
    return status;
}

byol_status byol_bench_embed(const byol_config *config, const byol_bench_options *options,
                             byol_bench_embed_result *result, byol_error *error) {
    byol_config changed = *config;
    if (changed.data.image_size == 0) changed.data.image_size = BYOL__BENCH_SIDE;
    changed.train.precision = BYOL_PRECISION_FP32; /* for the peak too */
    *result = (byol_bench_embed_result){0};
    byol_encoder *encoder;
    double flops;
    BYOL__TRY(random_encoder(&encoder, &changed, options->channels, &flops, error));
    byol_status status = measure(encoder, changed.data.image_size, options, result, error);
    byol_encoder_free(encoder);
    if (status != BYOL_OK) return status;
    byol_bench_peak_result peak;
    BYOL__TRY(byol_bench_peak(&changed, options, &peak, error));
    result->threads = peak.threads;
    result->gflops = flops * result->images_per_second * 1e-9;
    result->peak_gflops = peak.peak_gflops;
    result->peak_fraction = result->gflops / peak.peak_gflops;
    return BYOL_OK;
}
