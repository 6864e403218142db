/* Measures what this machine can do, and how much of it the library reaches. All functions but
 * byol_bench_load use synthetic images. Nothing is written. */
#ifndef BYOL_BENCH_H
#define BYOL_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/encoder.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_bench_options {
    double seconds;  /* how long to measure at least; default 5 */
    int channels;    /* of the synthetic images, 1 or 3; default 3 */
    int source_size; /* side of the synthetic images; 0 (default): data.image_size */
    /* byol_bench_views: use decoded pictures of this size (bytes interleaved, any shape) in place
     * of the synthetic images; 0 (default): do not */
    int picture_width;
    int picture_height;
    byol_progress progress; /* may be NULL; non-zero stops (BYOL_ERROR_CANCELLED) */
    void *context;
} byol_bench_options;

BYOL_API void byol_bench_options_init(byol_bench_options *options);

typedef struct byol_bench_peak_result {
    /* Multiply-adds from registers on all threads: what the cores can do. In fp32; in bf16, where
     * the processor computes in it, its dot products. */
    double fma_gflops;
    double matmul_gflops; /* a large matrix product by oneDNN in `precision` */
    double peak_gflops;   /* the larger of the two */
    double memory_gbytes; /* GB/s from and to main memory, all threads (STREAM's triad) */
    int threads;
    byol_precision precision; /* resolved: fp32 or bf16 */
    const char *instructions; /* "avx512bf16", "avx512f", "avx2", "baseline"; static */
} byol_bench_peak_result;

/* Measures these peaks with train.threads and train.precision of `config`. */
BYOL_API byol_status byol_bench_peak(const byol_config *config, const byol_bench_options *options,
                                     byol_bench_peak_result *result, byol_error *error);

/* One kind of work in a step. */
typedef struct byol_bench_work {
    const char *name; /* static */
    double ms;        /* of a step, mean */
    /* Achieved, counted as multiply-adds of the direct method; 0 where there are next to none. */
    double gflops;
    /* GB/s achieved; every array read or written counts once a pass. 0: not counted. */
    double gbytes;
} byol_bench_work;

enum { BYOL_BENCH_WORKS = 16 };

typedef struct byol_bench_step_result {
    double images_per_second;
    double step_ms, step_ms_max; /* median of the measured steps, and the slowest */
    int steps;                   /* how many were measured */
    /* FLOPs of the network's convolutions and matrices in a whole step, divided by its time. */
    double gflops;
    double peak_gflops, peak_fraction;
    double memory_gbytes;       /* as in byol_bench_peak_result */
    uint64_t peak_memory_bytes; /* of the process */
    int threads;
    byol_precision precision; /* resolved */
    /* Where the time goes. The rows add up to the mean step; the last row is the rest. */
    byol_bench_work works[BYOL_BENCH_WORKS];
    int work_count;
} byol_bench_step_result;

/* Whole training steps of `config`, views included, through the trainer itself. The learning
 * rate is 0, so noise cannot blow up the weights; the work is the same. data.image_size 0 counts
 * as 32. */
BYOL_API byol_status byol_bench_step(const byol_config *config, const byol_bench_options *options,
                                     byol_bench_step_result *result, byol_error *error);

typedef struct byol_bench_embed_result {
    double images_per_second; /* median of the passes */
    int passes;
    double gflops; /* FLOPs of the backbone's convolutions, divided by the time */
    double peak_gflops, peak_fraction;
    int threads;
} byol_bench_embed_result;

/* Embeds images with the backbone of `config`, freshly initialised, in fp32, through
 * byol_encoder_embed. */
BYOL_API byol_status byol_bench_embed(const byol_config *config, const byol_bench_options *options,
                                      byol_bench_embed_result *result, byol_error *error);

typedef struct byol_bench_attention_result {
    double forward_ms, backward_ms; /* medians */
    int runs;
    uint64_t memory_bytes; /* of activations, their gradients and scratch */
    int threads;
    byol_precision precision;
} byol_bench_attention_result;

/* Attention alone, of train.batch_size rows of data.length tokens of encoder.width channels in
 * encoder.heads heads; with encoder.attention lowrank the products along tokens count too. */
BYOL_API byol_status byol_bench_attention(const byol_config *config,
                                          const byol_bench_options *options,
                                          byol_bench_attention_result *result, byol_error *error);

typedef struct byol_bench_views_result {
    double views_per_second_per_core;
    int threads;
} byol_bench_views_result;

/* Makes views by the first two recipes of `config` in turn, on train.threads threads. */
BYOL_API byol_status byol_bench_views(const byol_config *config, const byol_bench_options *options,
                                      byol_bench_views_result *result, byol_error *error);

typedef struct byol_bench_load_result {
    double images_per_second; /* read, decoded once, and made into two views */
    double epochs;            /* passes over the source in that time */
    double count;             /* images of the source */
    int image_size;           /* side of the views */
    int threads;
    size_t unreadable;           /* images found unreadable */
    uint64_t memory_bytes_early; /* resident, of the process, after a quarter of the time */
    uint64_t memory_bytes_late;  /* and at its end; both 0 where the system does not report it */
} byol_bench_load_result;

/* Loads batches of two views from `data.train` with the loader that training uses, on train.threads
 * threads, and does nothing with them. A batch has train.batch_size images, or all images where
 * they are fewer. BYOL_ERROR_INVALID where no images are named. */
BYOL_API byol_status byol_bench_load(const byol_config *config, const byol_bench_options *options,
                                     byol_bench_load_result *result, byol_error *error);

typedef struct byol_bench_knn_shape {
    size_t train_count, test_count; /* vectors */
    int dimension;
} byol_bench_knn_shape;

typedef struct byol_bench_knn_result {
    double seconds;        /* of one byol_knn, k 20, on vectors of noise */
    double matmul_seconds; /* time of its products alone at matmul_gflops */
    double gflops, matmul_gflops;
    int threads;
} byol_bench_knn_result;

/* Measures kNN of this shape and a large matrix product (byol_bench_peak, fp32), on train.threads
 * threads. */
BYOL_API byol_status byol_bench_knn(const byol_config *config, const byol_bench_knn_shape *shape,
                                    const byol_bench_options *options,
                                    byol_bench_knn_result *result, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
