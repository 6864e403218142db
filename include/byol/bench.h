/* What this machine can do, and what the library reaches of it. Synthetic images but for
 * byol_bench_load; nothing written. */
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
    double seconds;    /* how long to measure at least; default 5 */
    int channels;      /* of the synthetic images, 1 or 3; default 3 */
    int source_size;   /* side of the synthetic images; 0 (default): data.image_size */
    int picture_width; /* views: instead of these, decoded pictures of this size (bytes interleaved,
                          of any */
    int picture_height;     /* shape); 0 (default): none */
    byol_progress progress; /* may be NULL; non-zero stops (BYOL_ERROR_CANCELLED) */
    void *context;
} byol_bench_options;

BYOL_API void byol_bench_options_init(byol_bench_options *options);

typedef struct byol_bench_peak_result {
    double fma_gflops; /* multiply-adds from registers, all threads: what the cores can do. fp32's;
                          in bf16, where the processor computes in it, its dot products */
    double matmul_gflops; /* a large matrix product by oneDNN in `precision` */
    double peak_gflops;   /* the larger of the two */
    double memory_gbytes; /* GB/s from and to main memory, all threads (STREAM's triad) */
    int threads;
    byol_precision precision; /* resolved: fp32 or bf16 */
    const char *instructions; /* "avx512bf16", "avx512f", "avx2", "baseline"; static */
} byol_bench_peak_result;

/* Uses train.threads and train.precision of `config`. */
BYOL_API byol_status byol_bench_peak(const byol_config *config, const byol_bench_options *options,
                                     byol_bench_peak_result *result, byol_error *error);

/* One kind of work in a step. */
typedef struct byol_bench_work {
    const char *name; /* static */
    double ms;        /* of a step, mean */
    double gflops; /* achieved, counted as multiply-adds of the direct way; 0 where there are none
                      to speak of */
    double
        gbytes; /* GB/s achieved, every array read or written counted once a pass; 0: not counted */
} byol_bench_work;

enum { BYOL_BENCH_WORKS = 16 };

typedef struct byol_bench_step_result {
    double images_per_second;
    double step_ms, step_ms_max; /* median of the measured steps, and the slowest */
    int steps;                   /* how many were measured */
    double gflops; /* FLOPs of the network's convolutions and matrices in a whole step, by the time
                      it took */
    double peak_gflops, peak_fraction;
    double memory_gbytes;       /* as in byol_bench_peak_result */
    uint64_t peak_memory_bytes; /* of the process */
    int threads;
    byol_precision precision; /* resolved */
    /* Where the time goes: adds up to the mean step, the last row being what no other one has. */
    byol_bench_work works[BYOL_BENCH_WORKS];
    int work_count;
} byol_bench_step_result;

/* Whole training steps of `config`, views included, through the trainer itself. The learning rate
 * is 0 so that noise cannot blow up the weights: the work is the same. data.image_size 0 counts
 * as 32. */
BYOL_API byol_status byol_bench_step(const byol_config *config, const byol_bench_options *options,
                                     byol_bench_step_result *result, byol_error *error);

typedef struct byol_bench_embed_result {
    double images_per_second; /* median of the passes */
    int passes;
    double gflops; /* FLOPs of the backbone's convolutions by the time it took */
    double peak_gflops, peak_fraction;
    int threads;
} byol_bench_embed_result;

/* Images into vectors by the backbone of `config`, freshly initialised, fp32: byol_encoder_embed,
 * as it is used. */
BYOL_API byol_status byol_bench_embed(const byol_config *config, const byol_bench_options *options,
                                      byol_bench_embed_result *result, byol_error *error);

typedef struct byol_bench_views_result {
    double views_per_second_per_core;
    int threads;
} byol_bench_views_result;

/* Views by the recipes of `config`, both in turn, on train.threads threads. */
BYOL_API byol_status byol_bench_views(const byol_config *config, const byol_bench_options *options,
                                      byol_bench_views_result *result, byol_error *error);

typedef struct byol_bench_load_result {
    double images_per_second; /* read, decoded once, and made into two views */
    double epochs;            /* how often the source was passed through in that time */
    double count;             /* images of the source */
    int image_size;           /* side of the views */
    int threads;
    size_t unreadable;           /* images found so */
    uint64_t memory_bytes_early; /* of the process, resident: after a quarter of the time, */
    uint64_t memory_bytes_late;  /* and at its end; 0: the system does not tell */
} byol_bench_load_result;

/* Batches of two views from `data.train`, by the loader as training uses it on train.threads
 * threads, and nothing done with them. Batches of train.batch_size, or of all images where they are
 * fewer. BYOL_ERROR_INVALID where no images are named. */
BYOL_API byol_status byol_bench_load(const byol_config *config, const byol_bench_options *options,
                                     byol_bench_load_result *result, byol_error *error);

typedef struct byol_bench_knn_shape {
    size_t train_count, test_count; /* vectors */
    int dimension;
} byol_bench_knn_shape;

typedef struct byol_bench_knn_result {
    double seconds;        /* of one byol_knn, k 20, on vectors of noise */
    double matmul_seconds; /* what its products alone would take at matmul_gflops */
    double gflops, matmul_gflops;
    int threads;
} byol_bench_knn_result;

/* kNN of this shape, and how fast a large matrix product is (byol_bench_peak, fp32) on
 * train.threads threads. */
BYOL_API byol_status byol_bench_knn(const byol_config *config, const byol_bench_knn_shape *shape,
                                    const byol_bench_options *options,
                                    byol_bench_knn_result *result, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
