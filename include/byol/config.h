/* The configuration of a run: one plain struct, filled from defaults, a YAML file and key=value
 * settings.
 *
 * Every option stands once in a table inside the library (name, type, default, range, help);
 * parsing, checking,
 * `--set`,
 * `--help`, the written config.yaml and the docs are all made from that table. Strings live inside
 * the struct, so it can be copied with `=` and needs no release. */
#ifndef BYOL_CONFIG_H
#define BYOL_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "byol/status.h"
#include "byol/views.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BYOL_NAME_MAX = 32, BYOL_PATH_MAX = 1024, BYOL_VIEW_KINDS = 3, BYOL_VIEWS_MAX = 16 };

typedef enum byol_stem { BYOL_STEM_SMALL, BYOL_STEM_IMAGENET } byol_stem;
typedef enum byol_optimizer_name {
    BYOL_SGD,
    BYOL_LARS,
    BYOL_ADAM,
    BYOL_ADAMW,
    BYOL_MUON
} byol_optimizer_name;
typedef enum byol_lr_schedule { BYOL_LR_COSINE, BYOL_LR_TRAPEZOID } byol_lr_schedule;
typedef enum byol_tau_schedule { BYOL_TAU_CONSTANT, BYOL_TAU_COSINE } byol_tau_schedule;
typedef enum byol_head_kind { BYOL_HEAD_MLP, BYOL_HEAD_LINEAR, BYOL_HEAD_NONE } byol_head_kind;
typedef enum byol_target_kind {
    BYOL_TARGET_EMA,
    BYOL_TARGET_ONLINE,
    BYOL_TARGET_FROZEN,
    BYOL_TARGET_VECTORS
} byol_target_kind;
typedef enum byol_negatives { BYOL_NEGATIVES_HARDEST, BYOL_NEGATIVES_RANDOM } byol_negatives;

/* What lies between a prediction and a target projection. Formulas and sources: docs/family.md. */
typedef enum byol_distance_kind {
    BYOL_COSINE, /* BYOL's */
    BYOL_MSE,
    BYOL_SMOOTH_L1,
    BYOL_INFONCE, /* this and the two below also push different images apart */
    BYOL_NCE,
    BYOL_TRIPLET,
    BYOL_SOFTMAX_PAIR,
    BYOL_CROSS_CORRELATION, /* Barlow Twins: dimensions are told apart, not images */
} byol_distance_kind;

typedef enum byol_precision {
    BYOL_PRECISION_AUTO,
    BYOL_PRECISION_FP32,
    BYOL_PRECISION_BF16
} byol_precision;

typedef enum byol_statistics { BYOL_STATISTICS_AUTO, BYOL_STATISTICS_PRESET } byol_statistics;

typedef struct byol_config {
    char recipe[BYOL_NAME_MAX]; /* short, byol: what encoder, heads, loss, views, optimizer and
                                   target were set from */
    struct {
        char train[BYOL_PATH_MAX]; /* source: path or name, with optional :split; see
                                      byol_source_open */
        int image_size; /* side of the square views in pixels, 8 .. 1024; 0: byol_source_view_size
                         */
        byol_statistics statistics; /* auto: mean and std are measured (byol_source_statistics)
                                     * where the source has no known ones (info.statistics_known)
                                     * and views.* are at their preset's */
        float max_unreadable; /* share of the images, 0 .. 1, that may turn out unreadable before
                                 the run stops */
    } data;
    struct {
        char name[BYOL_NAME_MAX]; /* resnet18, resnet34, resnet50, conv1, conv4, conv5 */
        int width;                /* channels of the first stage, 4 .. 512; 64 is the standard */
        byol_stem stem; /* of a resnet. small: 3x3 stride 1, no pool; imagenet: 7x7 stride 2, 3x3
                           max pool */
        int out;        /* size of a last linear layer "fc"; 0: none (conv1: 1024) */
        char init[BYOL_PATH_MAX]; /* random, or weights to begin with: a run folder or a
                                     .safetensors file */
    } encoder;
    struct {
        byol_head_kind kind; /* none: the representation is the projection */
        int hidden;          /* width of the hidden layer */
        int out;             /* size of the projection */
    } projector;
    struct {
        byol_head_kind kind; /* none: the projection is the prediction */
        int hidden;
    } predictor;
    struct {
        byol_distance_kind distance;
        int symmetric;     /* 1: view 1 against view 2 and the other way round, summed; 0: the first
                              alone */
        int mispaired;     /* 1: each view against its own target projection, which others did by
                              mistake */
        float temperature; /* infonce, nce */
        float margin;      /* triplet */
        byol_negatives negatives; /* triplet */
        int own_negatives;        /* infonce: the other predictions of the same view push apart too
                                     (SimCLR) */
        float candidates;         /* softmax_pair: T */
        float second_term; /* mse, smooth_l1: weight of the term whose prediction is detached */
        float redundancy;  /* cross_correlation: weight of what is off the diagonal */
        float variance, covariance,
            coding_rate;        /* weights of regularizers of the online projections; 0: none */
        float coding_precision; /* coding_rate: its epsilon squared */
    } loss;
    struct {
        char preset[BYOL_NAME_MAX]; /* byol, simclr, small: what the views were set from */
        byol_view_recipe view[BYOL_VIEW_KINDS]; /* keys views.view1.* to views.view3.* */
        int count[BYOL_VIEW_KINDS]; /* how often each is made of an image; at most BYOL_VIEWS_MAX in
                                       all */
        int size[BYOL_VIEW_KINDS];  /* side in pixels, 8 .. 1024; 0: data.image_size */
    } views;
    struct {
        byol_optimizer_name name;
        float lr; /* for batch 256; the run uses lr * batch_size * accumulate / 256 */
        float momentum;
        int nesterov;            /* 0 or 1; sgd only */
        float weight_decay;      /* on kernels and matrices only: never on biases or batch norm */
        float trust_coefficient; /* eta of LARS */
        float beta1, beta2, epsilon; /* adam, adamw; of muon what is no matrix */
        byol_lr_schedule schedule;   /* after the warm-up */
        float decay;         /* trapezoid: share of the run, at its end, while the rate falls */
        float warmup_epochs; /* linear from 0; may be a fraction */
        float clip_norm;     /* global gradient norm is scaled down to this; 0: off */
    } optimizer;
    struct {
        byol_target_kind kind;
        int stop_gradient; /* 0 only where the target is the online network: both sides are then
                              trained */
        float tau;         /* tau0; ema only */
        byol_tau_schedule schedule;  /* ema only */
        char init[BYOL_PATH_MAX];    /* copy (of the online network), random, or weights: a run or a
                                        .safetensors file */
        char encoder[BYOL_NAME_MAX]; /* same, or the name of another encoder: frozen only */
        int width;                   /* of that encoder; 0: encoder.width */
        char vectors[BYOL_PATH_MAX]; /* vectors only: a .npy file of float32, a row for each image
                                        of data.train */
        int dimension;               /* vectors only: length of a row; 0: the file's */
    } target;
    struct {
        int epochs;
        float minutes; /* 0: `epochs` decides when the run ends; else this does */
        int batch_size;
        int accumulate; /* batches whose gradients are averaged into one step; BN statistics stay
                           per batch */
        int recompute;  /* target.kind online: 1 keeps one view's activations and repeats forward
                           passes */
        byol_precision precision;
        int threads; /* 0: every processor the process may use */
        uint64_t seed;
        int stop_on_collapse; /* 0 or 1 */
        int log_every;        /* steps between lines of metrics.jsonl */
    } train;
    struct {
        int every_epochs;          /* kNN during pre-training; 0: never */
        char train[BYOL_PATH_MAX]; /* labelled sources for it; empty: data.train and its test split
                                    */
        char test[BYOL_PATH_MAX];
    } eval;
    struct {
        float every_minutes; /* 0: not by time */
        int every_steps;     /* 0: not by steps */
        int keep;            /* how many checkpoints stay in the run folder, at least 1 */
    } checkpoint;
} byol_config;

/* Every option at its default. */
BYOL_API void byol_config_init(byol_config *config);

/* Reads a YAML file over what is in `config`. An unknown key or a wrong value is BYOL_ERROR_INVALID
 * and the error names file, line, key, what is allowed and the nearest known key; `config` is then
 * unchanged. `recipe` is applied before all other keys, and `views.preset` before the other keys of
 * views, wherever they stand in the file. */
BYOL_API byol_status byol_config_load(byol_config *config, const char *path, byol_error *error);

/* The same from memory; `name` stands for the path in errors. */
BYOL_API byol_status byol_config_parse(byol_config *config, const char *yaml, size_t length,
                                       const char *name, byol_error *error);

/* Sets one option from text: key "encoder.width", value "16". BYOL_ERROR_INVALID as above; `config`
 * is then unchanged. Setting `recipe` resets all that a recipe says: "short" to the defaults,
 * "byol" to BYOL as published. Setting `views.preset` resets both recipes to that preset. */
BYOL_API byol_status byol_config_set(byol_config *config, const char *key, const char *value,
                                     byol_error *error);

/* Writes the value of `key` as text into `value` (at most `size` bytes with the NUL).
 * BYOL_ERROR_INVALID for an unknown key.
 */
BYOL_API byol_status byol_config_get(const byol_config *config, const char *key, char *value,
                                     size_t size, byol_error *error);

/* Writes the whole configuration as YAML that byol_config_load reads back to the same struct, bit
 * for bit. */
BYOL_API byol_status byol_config_write(const byol_config *config, FILE *stream, byol_error *error);

/* What cannot be seen one option at a time: combinations that do not go together. */
BYOL_API byol_status byol_config_check(const byol_config *config, byol_error *error);

/* One row of the table, for help texts and documentation. Strings are static. */
typedef struct byol_option_info {
    const char *key;           /* "encoder.width" */
    const char *type;          /* "integer", "number", "text", "choice", "switch" */
    const char *choices;       /* "sgd, lars, adam, adamw"; empty where there are none */
    const char *default_value; /* as text */
    const char *range;         /* "4 .. 512"; empty where there is none */
    const char *help;          /* one line */
} byol_option_info;

BYOL_API size_t byol_option_count(void);
/* Row `index` (below byol_option_count()), in the order of the written YAML. */
BYOL_API void byol_option_describe(size_t index, byol_option_info *info);

#ifdef __cplusplus
}
#endif

#endif
