/* The configuration of a run: one plain struct, filled from defaults, a YAML file and key=value
 * settings.
 *
 * A table inside the library holds every option once (name, type, default, range, help). Parsing,
 * checking, `--set`, `--help`, the written config.yaml and the docs all use that table. Strings
 * live inside the struct, so it can be copied with `=` and needs no release. */
#ifndef BYOL_CONFIG_H
#define BYOL_CONFIG_H

#include <stdbool.h>
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
typedef enum byol_pool { BYOL_POOL_CLASS, BYOL_POOL_MEAN, BYOL_POOL_MAX } byol_pool;
typedef enum byol_norm_place { BYOL_NORM_POST, BYOL_NORM_PRE } byol_norm_place;
typedef enum byol_attention_kind {
    BYOL_ATTENTION_FULL,
    BYOL_ATTENTION_LOWRANK
} byol_attention_kind;
typedef enum byol_rank_sharing {
    BYOL_RANK_SHARED_NONE,
    BYOL_RANK_SHARED_HEADS,
    BYOL_RANK_SHARED_KEY_VALUE
} byol_rank_sharing;
typedef enum byol_target_attention {
    BYOL_TARGET_ATTENTION_SAME,
    BYOL_TARGET_ATTENTION_FULL
} byol_target_attention;
typedef enum byol_positions { BYOL_POSITIONS_LEARNED, BYOL_POSITIONS_SINE } byol_positions;
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

/* The distance between a prediction and a target projection. Formulas and sources:
 * docs/family.md. */
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
    /* short or byol: the starting values of encoder, heads, loss, views, optimizer and target. */
    char recipe[BYOL_NAME_MAX];
    struct {
        /* Source: a path or name, with an optional :split; see byol_source_open. */
        char train[BYOL_PATH_MAX];
        /* Side of the square views in pixels, 8 .. 1024; 0: byol_source_view_size. */
        int image_size;
        /* auto: mean and std are measured (byol_source_statistics) if the source has no known ones
         * (info.statistics_known) and views.* are at their preset's. */
        byol_statistics statistics;
        /* Share of the images, 0 .. 1, that may turn out unreadable before the run stops. */
        float max_unreadable;
        /* Of texts. */
        int length;     /* tokens that a network is given, 8 .. 4096; longer texts are cut */
        int vocabulary; /* tokens to learn from data.train, or what data.tokenizer has */
        char tokenizer[BYOL_PATH_MAX]; /* a tokenizer.json; empty: it is learned */
        bool byte_level;               /* learn byte-level BPE, not WordPiece */
        /* Of sounds: log-mel spectrograms. */
        int sample_rate;         /* sounds are brought to so many samples a second */
        int window, hop;         /* samples: length of a frame (even), and from frame to frame */
        int mels;                /* bands, evenly spaced on Slaney's mel scale */
        float mel_low, mel_high; /* Hz: their lower and upper end */
        int frames; /* that a network is given; longer sounds are cut, shorter ones stand in
                       silence. 0: these are no sounds, or of sounds what is typical of them */
        /* Of log-mels, for normalising; std 0: measured on data.train. */
        float sound_mean, sound_std;
        int cache; /* MiB of spectrograms that are kept, so that they are not made again */
    } data;
    struct {
        char name[BYOL_NAME_MAX]; /* resnet18, resnet34, resnet50, conv1, conv4, conv5, vit,
                                     transformer, audio */
        /* Channels of the first stage, 4 .. 1024; 64 is the standard. Of a vit: of a token. */
        int width;
        /* Of a resnet. small: 3x3 stride 1, no pool; imagenet: 7x7 stride 2, 3x3 max pool. */
        byol_stem stem;
        int out; /* size of a last linear layer "fc"; 0: none (conv1: 1024) */
        /* Of a vit or a transformer. */
        int depth;                /* blocks, 1 .. 30 */
        int heads;                /* of attention; they divide the width; 0: one for 64 channels */
        int patch;                /* side of a patch in pixels; it divides the image's */
        byol_pool pool;           /* the representation: the class token, or of all tokens the mean
                                     or each channel's maximum */
        byol_norm_place norm;     /* of a transformer: behind each sum, or before each branch */
        float embedding_std;      /* of a transformer's words and places before training */
        byol_positions positions; /* sine: two-dimensional, and never trained */
        bool freeze_patches;      /* the projection of patches stays as it began (MoCo v3) */
        /* Of a transformer: what each sublayer adds, while it trains; of audio: of the first layer
         * on frames. */
        float dropout;
        float drop_path; /* share of samples whose last block adds nothing, while it trains; of
                            block i of n it is i / (n - 1) of that */
        /* Of a transformer. lowrank: keys and values are `rank` mixtures of positions (Linformer),
         * by matrices of each head's keys and values, of keys and values, or one for both. */
        byol_attention_kind attention;
        int rank;
        byol_rank_sharing rank_shared;
        float attention_noise; /* deviation of noise on attention's weights, while it trains */
        /* random, or weights to begin with: a run folder or a .safetensors file. */
        char init[BYOL_PATH_MAX];
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
        /* 1: view 1 against view 2 plus view 2 against view 1; 0: the first alone. */
        bool symmetric;
        /* 1: each view against its own target projection, a mistake known from other programs. */
        bool mispaired;
        float temperature;        /* infonce, nce */
        float margin;             /* triplet */
        byol_negatives negatives; /* triplet */
        /* infonce: the other predictions of the same view are negatives too (SimCLR). */
        bool own_negatives;
        float candidates;  /* softmax_pair: T */
        float second_term; /* mse, smooth_l1: weight of the term whose prediction is detached */
        float beta;        /* smooth_l1: differences below it are squared */
        float redundancy;  /* cross_correlation: weight of the off-diagonal terms */
        /* Weights of regularizers of the online projections; 0: none. */
        float variance, covariance, coding_rate;
        float coding_precision; /* coding_rate: its epsilon squared */
    } loss;
    struct {
        char preset[BYOL_NAME_MAX]; /* byol, simclr, small: where the views start from */
        byol_view_recipe view[BYOL_VIEW_KINDS];   /* keys views.view1.* to views.view3.* */
        byol_text_recipe text[BYOL_VIEW_KINDS];   /* of texts, under the same keys */
        byol_sound_recipe sound[BYOL_VIEW_KINDS]; /* of sounds, too */
        /* Of sounds: each batch of views is brought to mean 0 and deviation 1. */
        bool batch_statistics;
        /* Views of each kind per image; at most BYOL_VIEWS_MAX in all. */
        int count[BYOL_VIEW_KINDS];
        int size[BYOL_VIEW_KINDS]; /* side in pixels, 8 .. 1024; 0: data.image_size */
    } views;
    struct {
        byol_optimizer_name name;
        float lr; /* for batch 256; the run uses lr * batch_size * accumulate / 256 */
        float momentum;
        bool nesterov;               /* sgd only */
        float weight_decay;          /* on kernels and matrices only, not on biases or batch norm */
        float trust_coefficient;     /* eta of LARS */
        float beta1, beta2, epsilon; /* adam, adamw; muon: what is not a matrix */
        byol_lr_schedule schedule;   /* after the warm-up */
        float decay;         /* trapezoid: share of the run, at its end, in which the rate falls */
        float warmup_epochs; /* linear from 0; may be a fraction */
        float clip_norm;     /* global gradient norm is scaled down to this; 0: off */
    } optimizer;
    struct {
        byol_target_kind kind;
        /* 0 only if the target is the online network: both sides are then trained. */
        bool stop_gradient;
        float tau;                  /* tau0; ema only */
        byol_tau_schedule schedule; /* ema only */
        /* copy (of the online network), random, or weights: a run or a .safetensors file. */
        char init[BYOL_PATH_MAX];
        char encoder[BYOL_NAME_MAX];     /* same, or the name of another encoder; frozen only */
        int width;                       /* of that encoder; 0: encoder.width */
        byol_target_attention attention; /* full: beside an online network of low rank */
        float attention_noise;           /* of the target's own attention */
        /* 0: one vector for each sample. Above: of a transformer, the target of each token that
         * view 1 hides is the mean of so many of the target's last layers there (data2vec). */
        int layers;
        char vectors[BYOL_PATH_MAX]; /* vectors only: a .npy file of float32, a row for each image
                                        of data.train */
        int dimension;               /* vectors only: length of a row; 0: the file's */
    } target;
    struct {
        int epochs;
        float minutes; /* 0: the run ends after `epochs`; above 0: after so many minutes */
        int batch_size;
        /* Batches whose gradients are averaged into one step; BN statistics stay per batch. */
        int accumulate;
        /* target.kind online: 1 keeps one view's activations and repeats forward passes. */
        bool recompute;
        byol_precision precision;
        int threads; /* 0: every processor the process may use */
        uint64_t seed;
        bool stop_on_collapse;
        int log_every; /* steps between lines of metrics.jsonl */
    } train;
    struct {
        int every_epochs; /* kNN during pre-training; 0: never */
        /* Labelled sources for it; empty: data.train and its test split. */
        char train[BYOL_PATH_MAX];
        char test[BYOL_PATH_MAX];
    } eval;
    struct {
        float every_minutes; /* 0: not by time */
        int every_steps;     /* 0: not by steps */
        int keep;            /* checkpoints kept in the run folder, at least 1 */
    } checkpoint;
} byol_config;

/* Sets every option to its default. */
BYOL_API void byol_config_init(byol_config *config);

/* Reads a YAML file over what is in `config`. An unknown key or a wrong value is
 * BYOL_ERROR_INVALID. The error names the file, line, key, allowed values and the nearest known
 * key; `config` is then unchanged. `recipe` is applied before all other keys, and `views.preset`
 * before the other keys of views, wherever they stand in the file. */
BYOL_API byol_status byol_config_load(byol_config *config, const char *path, byol_error *error);

/* The same from memory; `name` stands for the path in errors. */
BYOL_API byol_status byol_config_parse(byol_config *config, const char *yaml, size_t length,
                                       const char *name, byol_error *error);

/* Sets one option from text: key "encoder.width", value "16". BYOL_ERROR_INVALID as above; `config`
 * is then unchanged. Setting `recipe` resets everything that a recipe sets: "short" to the
 * defaults, "byol" to BYOL as published. Setting `views.preset` resets the recipes of all views to
 * that preset. */
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

/* Checks combinations of options: BYOL_ERROR_INVALID for those that do not go together. */
BYOL_API byol_status byol_config_check(const byol_config *config, byol_error *error);

/* Fills `usual` with what the recipe and the preset of `config` give every option; these two are at
 * their own defaults. What differs in `config` was set beside them. */
BYOL_API void byol_config_usual(const byol_config *config, byol_config *usual);

/* true: encoder.name reads tokens of texts. */
BYOL_API bool byol_config_reads_texts(const byol_config *config);

/* Heads of attention of a vit or a transformer: encoder.heads, or one for each 64 channels. */
BYOL_API int byol_config_heads(const byol_config *config);

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
