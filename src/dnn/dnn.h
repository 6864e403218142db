/* oneDNN 2.6 and 3.x behind one interface. Convolution and linear layer are the same thing here: a
 * contraction of src with weights into dst, with three passes. Only src/dnn includes dnnl.h. */
#ifndef BYOL__DNN_H
#define BYOL__DNN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/dtype.h"
#include "base/profile.h"
#include "byol/status.h"
#include "dnn/layout.h"
#include "dnn/moments.h"

enum { BYOL__DNN_VERSION_MAX = 32 };

/* Fills `text` with "oneDNN 2.6.3" and returns it. */
const char *byol__dnn_version(char text[BYOL__DNN_VERSION_MAX]);

/* True if the CPU multiplies bf16 natively (AVX-512 BF16, AMX). Elsewhere bf16 is emulated: stored
 * values are rounded to bf16 (half the memory for activations), and the arithmetic is fp32. */
bool byol__cpu_has_bf16(void);

/* True if it multiplies whole tiles of bf16 (AMX), many times as fast as fp32. */
bool byol__cpu_has_amx(void);

/* Engine and stream. */
typedef struct byol__dnn byol__dnn;
byol_status byol__dnn_create(byol__dnn **out, byol_error *error);
void byol__dnn_free(byol__dnn *dnn); /* after everything that was made with it */

typedef enum byol__pass {
    BYOL__FORWARD,          /* src, weights, bias -> dst */
    BYOL__BACKWARD_DATA,    /* weights, diff_dst -> diff_src */
    BYOL__BACKWARD_WEIGHTS, /* src, diff_dst -> diff_weights, diff_bias (both fp32) */
} byol__pass;

typedef struct byol__contraction_desc {
    byol__pass pass;
    bool linear;       /* else a convolution; with a kernel, src are patches, channels last */
    bool exchanged;    /* linear: plain weights are (ic, oc, kernel, kernel) */
    bool inference;    /* FORWARD that no backward follows */
    byol__dtype dtype; /* of src, weights and dst; bias is fp32 */
    int n, ic, ih, iw; /* linear: ih = iw = kernel */
    int oc, oh, ow;
    int kernel, stride, padding, groups;
    bool bias;
    bool relu; /* FORWARD: fused */
    byol__format src_format,
        dst_format; /* ANY: oneDNN chooses; byol__contraction_src / _dst give its choice */
} byol__contraction_desc;

typedef struct byol__contraction byol__contraction;

/* Owned: byol__contraction_free. BYOL_ERROR_UNSUPPORTED, with oneDNN's version, if it has no such
 * primitive. */
byol_status byol__contraction_create(byol__contraction **out, byol__dnn *dnn,
                                     const byol__contraction_desc *desc, byol_error *error);
void byol__contraction_free(byol__contraction *contraction);

byol__format byol__contraction_src(const byol__contraction *contraction);
byol__format byol__contraction_dst(const byol__contraction *contraction);
size_t byol__contraction_weights_bytes(
    const byol__contraction *contraction); /* in the primitive's own layout */
size_t byol__contraction_scratch_bytes(const byol__contraction *contraction);
/* oneDNN's name of the implementation: "jit:avx2". */
const char *byol__contraction_implementation(const byol__contraction *contraction);
/* The profile row that its runs are counted in. */
byol__work byol__contraction_work(const byol__contraction *contraction);
/* True if both use weights in the same layout and precision: one staged copy then serves both. */
bool byol__contraction_same_weights(const byol__contraction *a, const byol__contraction *b);

/* Sets the memory that it works on, 64-byte aligned. Call it once. In the backward passes src and
 * dst stand for their gradients. `bias` may be NULL if there is none. `scratch` is in use during a
 * run only. */
byol_status byol__contraction_bind(byol__contraction *contraction, void *src, void *weights,
                                   float *bias, void *dst, void *scratch, byol_error *error);

/* FORWARD, BACKWARD_WEIGHTS: can it read relu(scale src + shift), by channel, instead of src? */
bool byol__contraction_can_norm_input(const byol__contraction *contraction);
/* Makes it do so. `scale` and `shift` (channels of src, padded with zeros to a multiple of 16) are
 * read in each run. */
void byol__contraction_norm_input(byol__contraction *contraction, const float *scale,
                                  const float *shift);

/* FORWARD: bytes for the moments of dst, if it can gather them as it writes; 0: it cannot. */
size_t byol__contraction_moments_bytes(const byol__contraction *contraction);
/* Makes it gather them into `sums` in each run. The result is borrowed from the contraction. */
const byol__moments *byol__contraction_gather_moments(byol__contraction *contraction, float *sums);

/* Run, stage and collect fail only if oneDNN fails. */
byol_status byol__contraction_run(byol__contraction *contraction, byol_error *error);

/* FORWARD, BACKWARD_DATA: plain fp32 weights (oc, ic/groups, kh, kw) or (out, in) -> the bound
 * weights. */
byol_status byol__contraction_stage(byol__contraction *contraction, const float *plain,
                                    byol_error *error);
/* BACKWARD_WEIGHTS: ADDS the bound weights (a gradient) to plain fp32 ones. */
byol_status byol__contraction_collect(byol__contraction *contraction, float *plain,
                                      byol_error *error);

#endif
