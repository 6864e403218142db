/* Maps of features: what each stage of an encoder gives at every place of a picture, of any height
 * and width. Stages are called "stage1", "stage2" ...; "stage0" is a ResNet's stem and a vit's
 * patches, so that stage1 .. stage4 are a ResNet's layer1 .. layer4 (these names are understood,
 * too) and a vit's blocks. */
#ifndef BYOL_DENSE_H
#define BYOL_DENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BYOL_STAGES_MAX = 4 }; /* of those that a task reads */

/* How many stages the encoder has; 0: it is one of texts. */
BYOL_API int byol_encoder_stage_count(const byol_encoder *encoder);

/* Writes the name of stage `index` (0 .. count-1), cut to `size` bytes. */
BYOL_API void byol_encoder_stage_name(const byol_encoder *encoder, int index, char *name,
                                      size_t size);

/* The index of the stage called `name`. BYOL_ERROR_NOT_FOUND names those that there are. */
BYOL_API byol_status byol_encoder_stage_find(const byol_encoder *encoder, const char *name,
                                             int *index, byol_error *error);

/* An encoder that gives maps, for pictures of one size. */
typedef struct byol_dense byol_dense;

typedef struct byol_dense_options {
    int height, width; /* that pictures are resized to, in pixels; a vit's patches fill them */
    int stage;         /* index */
    int threads;       /* 0: every processor the process may use */
} byol_dense_options;

typedef struct byol_dense_info {
    int channels, height, width; /* of a map */
    int batch;                   /* pictures at a time: byol_dense_embed is fast by so many */
} byol_dense_info;

/* The encoder may be freed afterwards. A vit's places are interpolated where its grid is another
 * one. BYOL_ERROR_INVALID where the network does not take such pictures (too small, patches that do
 * not fill them), BYOL_ERROR_UNSUPPORTED for an encoder of texts. Owned: byol_dense_free. */
BYOL_API byol_status byol_dense_create(byol_dense **out, const byol_encoder *encoder,
                                       const byol_dense_options *options, byol_error *error);
BYOL_API void byol_dense_free(byol_dense *dense);

BYOL_API void byol_dense_describe(const byol_dense *dense, byol_dense_info *info);

/* Images first .. first + count - 1 of `source`, each resized as a whole (bicubic, antialiased),
 * into `maps`: (count, channels, height, width) floats of the caller's. An image that cannot be
 * read gives zeros. BYOL_ERROR_MISMATCH where the channels differ, BYOL_ERROR_INVALID for texts. */
BYOL_API byol_status byol_dense_embed(byol_dense *dense, const byol_source *source, size_t first,
                                      size_t count, float *maps, byol_error *error);

/* ---- Tasks ---- */

/* How a head is trained on maps of an encoder, for segmentation (byol/segment.h) and detection
 * (byol/detect.h). */
typedef struct byol_task_options {
    const char *stages; /* "stage2,stage3": one to four, brought to the size of the finest; NULL:
                           the last ones whose stride is 4 or more */
    int height, width;  /* of what the network is given; 0: the first picture's. Pictures keep their
                           proportions, the rest of the frame counts for nothing */
    bool fine_tune;     /* the backbone learns, too; else it stays as it is */
    int epochs;         /* default 30 */
    int batch_size;     /* default 8 */
    float lr;           /* AdamW's, of the head; default .001; falls as (1 - t)^.9 */
    float lr_decay;     /* fine-tuning: each stage learns at this times the rate of the one behind;
                           default .8 */
    float weight_decay; /* default .01 */
    float label_fraction; /* share of the training pictures that is used, drawn by the seed; default
                             1 */
    float crop_min;       /* random crops show this share of a picture or more; default .25 */
    float jitter; /* brightness, contrast and each colour change by up to this share; default .2 */
    byol_precision precision; /* of training */
    uint64_t seed;
    int threads; /* 0: every processor the process may use */
    /* Where the network goes, or NULL: as safetensors, with the backbone's names and head.*; and as
     * ONNX: images in 0 .. 1, (batch, channels, height, width) -> (batch, c, h, w). */
    const char *save, *onnx;
} byol_task_options;

BYOL_API void byol_task_options_init(byol_task_options *options);

#ifdef __cplusplus
}
#endif

#endif
