#include "byol/bench.h"

#include <string.h>

#include <omp.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/threads.h"
#include "bench/bench_rate.h"
#include "bench/bench_shared.h"
#include "bench/median.h"
#include "bench/peak.h"
#include "byol/source.h"
#include "byol/trainer.h"
#include "byol/views.h"
#include "dnn/dnn.h"
#include "dnn/precision.h"
#include "train/trainer_internal.h"

void byol_bench_options_init(byol_bench_options *options) {
    *options = (byol_bench_options){.seconds = 5, .channels = 3};
}

/* ---- peak ---- */

/* One product (SIDE, SIDE) x (SIDE, SIDE), repeated: large enough for oneDNN's best, small enough
 * for a quick start. */
enum { SIDE = 2048 };

typedef struct product {
    byol__dnn *dnn;
    byol__contraction *contraction;
    void *src, *dst, *weights, *scratch;
} product;

static byol_status product_init(product *p, byol__dtype dtype, byol_error *error) {
    byol__contraction_desc desc = {
        .pass = BYOL__FORWARD,
        .linear = true,
        .inference = true,
        .dtype = dtype,
        .n = SIDE,
        .ic = SIDE,
        .ih = 1,
        .iw = 1,
        .oc = SIDE,
        .oh = 1,
        .ow = 1,
        .kernel = 1,
        .stride = 1,
        .groups = 1,
        .src_format = BYOL__NCHW,
        .dst_format = BYOL__NCHW,
    };
    BYOL__TRY(byol__dnn_create(&p->dnn, error));
    BYOL__TRY(byol__contraction_create(&p->contraction, p->dnn, &desc, error));
    size_t values = (size_t)SIDE * SIDE;
    BYOL__TRY(byol__alloc(&p->src, values, sizeof(float), "matrix", error));
    BYOL__TRY(byol__alloc(&p->dst, values, sizeof(float), "matrix", error));
    BYOL__TRY(byol__alloc(&p->weights, byol__contraction_weights_bytes(p->contraction), 1, "matrix",
                          error));
    BYOL__TRY(byol__alloc(&p->scratch, byol__contraction_scratch_bytes(p->contraction), 1,
                          "scratch", error));
    return byol__contraction_bind(p->contraction, p->src, p->weights, NULL, p->dst, p->scratch,
                                  error);
}

static void product_release(product *p) {
    byol__contraction_free(p->contraction);
    byol__dnn_free(p->dnn);
    byol__free(p->src);
    byol__free(p->dst);
    byol__free(p->weights);
    byol__free(p->scratch);
}

/* The best of the runs: other work on the machine can only slow a run down. */
static byol_status matmul_gflops(byol__dtype dtype, double seconds, double *gflops,
                                 byol_error *error) {
    product p = {0};
    byol_status status = product_init(&p, dtype, error);
    if (status == BYOL_OK) {
        status = byol__contraction_run(p.contraction, error); /* warms up */
        double best = 0, begin = byol__now(), now = begin;
        do {
            double before = now;
            status = byol__contraction_run(p.contraction, error);
            now = byol__now();
            double rate = 2.0 * SIDE * SIDE * SIDE / (now - before) * 1e-9;
            if (rate > best) best = rate;
        } while (status == BYOL_OK && now - begin < seconds);
        *gflops = best;
    }
    product_release(&p);
    return status;
}

static byol_status measure_peak(byol_precision precision, int threads,
                                const byol_bench_options *options, byol_bench_peak_result *result,
                                byol_error *error) {
    *result = (byol_bench_peak_result){.threads = threads, .precision = precision};
    byol__dtype dtype = byol__precision_dtype(precision);
    double third = options->seconds / 3;
    if (byol__bench_cancelled(options, 0))
        return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
    result->fma_gflops =
        byol__fma_gflops(threads, dtype == BYOL__BF16, third, &result->instructions);
    if (byol__bench_cancelled(options, third))
        return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
    BYOL__TRY(matmul_gflops(dtype, third, &result->matmul_gflops, error));
    if (byol__bench_cancelled(options, 2 * third))
        return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
    BYOL__TRY(byol__triad_gbytes(threads, third, &result->memory_gbytes, error));
    result->peak_gflops =
        result->matmul_gflops > result->fma_gflops ? result->matmul_gflops : result->fma_gflops;
    return BYOL_OK;
}

byol_status byol_bench_peak(const byol_config *config, const byol_bench_options *options,
                            byol_bench_peak_result *result, byol_error *error) {
    byol__threads threads = byol__threads_begin(config->train.threads);
    byol_status status = measure_peak(byol__precision_resolve(config->train.precision),
                                      threads.count, options, result, error);
    byol__threads_end(threads);
    return status;
}

/* ---- step ---- */

enum { WARM_STEPS = 2, STEPS_MIN = 3, STEPS_MAX = 100000 };

typedef struct stopwatch {
    const byol_bench_options *options;
    byol__profile profile;
    double last, sum; /* time of the last step, seconds measured so far */
    double *seconds;  /* of each measured step, STEPS_MAX */
    int seen, count;
    int asked_to_stop;
} stopwatch;

static int after_step(void *context, const byol_metrics *metrics) {
    (void)metrics;
    stopwatch *watch = context;
    double now = byol__now();
    if (watch->seen < WARM_STEPS) memset(&watch->profile, 0, sizeof watch->profile);
    if (watch->seen++ >= WARM_STEPS) {
        watch->seconds[watch->count++] = now - watch->last;
        watch->sum += now - watch->last;
    }
    watch->last = now;
    watch->asked_to_stop = byol__bench_cancelled(watch->options, watch->sum);
    int enough = watch->sum >= watch->options->seconds && watch->count >= STEPS_MIN;
    return watch->asked_to_stop || enough || watch->count == STEPS_MAX;
}

static void list_works(const stopwatch *watch, byol_bench_step_result *result) {
    static const char *const names[BYOL__WORKS] = {
        [BYOL__WORK_CONV_FORWARD] = "convolution, forward",
        [BYOL__WORK_CONV_DATA] = "convolution, data gradient",
        [BYOL__WORK_CONV_WEIGHTS] = "convolution, weight gradient",
        [BYOL__WORK_WINOGRAD_FORWARD] = "3x3 by Winograd, forward",
        [BYOL__WORK_WINOGRAD_DATA] = "3x3 by Winograd, data gradient",
        [BYOL__WORK_WINOGRAD_WEIGHTS] = "3x3 by Winograd, weight gradient",
        [BYOL__WORK_LINEAR] = "linear, all passes",
        [BYOL__WORK_NORM_FORWARD] = "batch norm + add + ReLU, forward",
        [BYOL__WORK_NORM_BACKWARD] = "batch norm + add + ReLU, backward",
        [BYOL__WORK_POOL] = "pools",
        [BYOL__WORK_LAYOUT] = "layout of the views",
        [BYOL__WORK_STAGE] = "layout of the weights",
        [BYOL__WORK_UPDATE] = "optimizer, moving average",
        [BYOL__WORK_WAIT] = "waiting for views",
    };
    double rest = watch->sum;
    for (int i = 0; i < BYOL__WORKS; i++) {
        double seconds = watch->profile.rows[i].seconds;
        if (seconds == 0) continue;
        result->works[result->work_count++] =
            (byol_bench_work){names[i], seconds / watch->count * 1e3,
                              (double)watch->profile.rows[i].flops / seconds * 1e-9,
                              (double)watch->profile.rows[i].bytes / seconds * 1e-9};
        rest -= seconds;
    }
    result->works[result->work_count++] =
        (byol_bench_work){"loss, monitor, all else", rest / watch->count * 1e3, 0, 0};
}

static byol_status time_steps(const byol_config *config, const byol_source *source,
                              stopwatch *watch, byol_bench_step_result *result, byol_error *error) {
    byol_trainer *trainer;
    byol_trainer_hooks hooks = {.context = watch, .on_step = after_step};
    BYOL__TRY(byol_trainer_create(&trainer, config, source, NULL, 0, &hooks, error));
    byol__trainer_profile(trainer, &watch->profile);
    byol_status status = byol_trainer_run(trainer, NULL, error);
    if (status == BYOL_ERROR_CANCELLED && !watch->asked_to_stop) status = BYOL_OK;
    if (status == BYOL_OK) {
        byol_trainer_info info;
        byol_trainer_describe(trainer, &info);
        const byol_config *resolved = byol_trainer_config(trainer);
        double images = (double)config->train.batch_size * config->train.accumulate;
        double median = byol__median(watch->seconds, watch->count), slowest = 0;
        for (int i = 0; i < watch->count; i++)
            slowest = watch->seconds[i] > slowest ? watch->seconds[i] : slowest;
        list_works(watch, result);
        result->steps = watch->count;
        result->step_ms = median * 1e3;
        result->step_ms_max = slowest * 1e3;
        result->images_per_second = images / median;
        result->gflops = (double)info.flops_per_image * images / median * 1e-9;
        result->threads = resolved->train.threads;
        result->precision = resolved->train.precision;
    }
    byol_trainer_free(trainer);
    return status;
}

/* Endless training that changes no weights. */
static byol_config endless(const byol_config *config) {
    byol_config changed = *config;
    if (changed.data.image_size == 0) changed.data.image_size = BYOL__BENCH_SIDE;
    changed.optimizer.lr = 0;
    changed.train.epochs = STEPS_MAX;
    changed.train.minutes = 0;
    changed.eval.every_epochs = 0;
    changed.train.stop_on_collapse = 0;
    return changed;
}

byol_status byol_bench_step(const byol_config *config, const byol_bench_options *options,
                            byol_bench_step_result *result, byol_error *error) {
    byol_config changed = endless(config);
    int side = options->source_size > 0 ? options->source_size : changed.data.image_size;
    /* One batch more than a step takes, so that not all epochs have the same images. */
    size_t count = (size_t)changed.train.batch_size * (size_t)(changed.train.accumulate + 1);
    byol__bench_data data = {0};
    stopwatch watch = {.options = options};
    *result = (byol_bench_step_result){0};
    byol_status status =
        byol__bench_data_make(&data, config, count, options->channels, side, error);
    if (status == BYOL_OK)
        status = byol__alloc(&watch.seconds, STEPS_MAX, sizeof *watch.seconds, "timings", error);
    if (status == BYOL_OK) status = time_steps(&changed, data.source, &watch, result, error);
    byol__free(watch.seconds);
    byol__bench_data_release(&data);
    if (status != BYOL_OK) return status;
    result->peak_memory_bytes = byol__peak_memory(); /* before the products below add theirs */
    byol_bench_peak_result peak;
    BYOL__TRY(byol_bench_peak(&changed, options, &peak, error));
    result->peak_gflops = peak.peak_gflops;
    result->peak_fraction = result->gflops / peak.peak_gflops;
    result->memory_gbytes = peak.memory_gbytes;
    return BYOL_OK;
}

byol_status byol__bench_rate(const byol_config *config, const byol_source *source, double seconds,
                             double *images_per_second, byol_error *error) {
    byol_config changed = endless(config);
    byol_bench_options options;
    byol_bench_step_result result = {0};
    byol_bench_options_init(&options);
    options.seconds = seconds;
    stopwatch watch = {.options = &options};
    byol_status status =
        byol__alloc(&watch.seconds, STEPS_MAX, sizeof *watch.seconds, "timings", error);
    if (status == BYOL_OK) status = time_steps(&changed, source, &watch, &result, error);
    byol__free(watch.seconds);
    *images_per_second = result.images_per_second;
    return status;
}

/* ---- views ---- */

enum { NOISE_IMAGES = 64 };

/* Makes both views of one image after the other, as the loader does, in one thread until the time
 * is over. */
static double make_views(const byol_config *config, const byol_image *images, int size,
                         double seconds, float *dst, void *scratch) {
    double begin = byol__now();
    uint32_t sample = 0;
    for (; byol__now() - begin < seconds; sample++)
        for (int view = 0; view < 2; view++)
            byol_view_make(&config->views.view[view], &images[sample % NOISE_IMAGES], size,
                           config->train.seed, 0, sample, view, dst, scratch);
    return 2.0 * sample;
}

/* One image as a source gives it: a square of planes, or a picture of interleaved bytes like a
 * decoder's. */
static byol_image noise_image(const byol_bench_options *options, int size) {
    byol_image image = {.channels = options->channels};
    if (options->picture_width > 0 && options->picture_height > 0) {
        image.height = options->picture_height;
        image.width = options->picture_width;
        image.channel_stride = 1;
        image.pixel_stride = (size_t)image.channels;
    } else {
        image.height = image.width = options->source_size > 0 ? options->source_size : size;
        image.channel_stride = (size_t)image.height * (size_t)image.width;
        image.pixel_stride = 1;
    }
    image.row_stride = (size_t)image.width * image.pixel_stride;
    return image;
}

byol_status byol_bench_views(const byol_config *config, const byol_bench_options *options,
                             byol_bench_views_result *result, byol_error *error) {
    int size = config->data.image_size > 0 ? config->data.image_size : BYOL__BENCH_SIDE;
    byol__threads used = byol__threads_begin(config->train.threads);
    int threads = used.count;
    byol_image images[NOISE_IMAGES], image = noise_image(options, size);
    size_t image_bytes = (size_t)image.channels * (size_t)image.height * (size_t)image.width;
    size_t view_bytes =
        byol__align_up((size_t)options->channels * (size_t)size * (size_t)size * sizeof(float));
    size_t scratch_bytes =
        byol__align_up(byol_view_scratch_bytes(image.channels, image.height, image.width, size));
    uint8_t *pixels = NULL;
    unsigned char *memory = NULL;
    byol_status status = byol__bench_images(&pixels, NOISE_IMAGES, image_bytes, error);
    if (status == BYOL_OK)
        status = byol__alloc(&memory, (size_t)threads, view_bytes + scratch_bytes, "views", error);
    if (status == BYOL_OK && byol__bench_cancelled(options, 0))
        status = byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
    if (status == BYOL_OK) {
        for (size_t i = 0; i < NOISE_IMAGES; i++) {
            images[i] = image;
            images[i].pixels = pixels + i * image_bytes;
        }
        double made = 0, begin = byol__now();
#pragma omp parallel num_threads(threads) reduction(+ : made)
        {
            unsigned char *own =
                memory + (size_t)omp_get_thread_num() * (view_bytes + scratch_bytes);
            made = make_views(config, images, size, options->seconds, (float *)(void *)own,
                              own + view_bytes);
        }
        *result = (byol_bench_views_result){made / (byol__now() - begin) / threads, threads};
    }
    byol__free(memory);
    byol__free(pixels);
    byol__threads_end(used);
    return status;
}
