/* Evaluates features: kNN and a linear probe, over any (count, dimension) matrix of floats;
 * fine-tuning; baselines that need no network; a report on any predictions. */
#ifndef BYOL_EVAL_H
#define BYOL_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A labelled set of feature vectors: (count, dimension) floats and `count` labels 0 .. classes-1.
 * Everything is borrowed. */
typedef struct byol_features {
    const float *values;
    const int32_t *labels;
    size_t count;
    int dimension;
    int classes;
} byol_features;

/* Histograms of oriented gradients (Dalal and Triggs, CVPR 2005, section 6): 9 orientations in
 * cells of 4 x 4 pixels (8 x 8 from a side of 64 on), normalised in blocks of 2 x 2 cells. A
 * baseline without any training: 1,764 numbers for 32 pixels, 4,356 for 96. Takes (channels, side,
 * side) floats; `features` holds byol_hog_dimension(side) floats. That is 0 where the picture is
 * too small or its side is above 1024. */
BYOL_API int byol_hog_dimension(int side);
BYOL_API void byol_hog(const float *image, int channels, int side, float *features);

typedef struct byol_knn_options {
    int k;             /* neighbours; default 20 */
    float temperature; /* votes are weighted exp(similarity / temperature); default 0.07 */
    int threads;       /* default 0: every processor the process may use */
} byol_knn_options;

BYOL_API void byol_knn_options_init(byol_knn_options *options);

/* Weighted kNN with cosine similarity (Wu et al., "Unsupervised feature learning via non-parametric
 * instance discrimination", CVPR 2018, section 3.4). `*accuracy` in percent. `predicted`
 * (test->count labels) may be NULL. */
BYOL_API byol_status byol_knn(const byol_features *train, const byol_features *test,
                              const byol_knn_options *options, double *accuracy, int32_t *predicted,
                              byol_progress progress, void *context, byol_error *error);

typedef struct byol_linear_options {
    int epochs;     /* default 80 */
    int batch_size; /* default 256 */
    float momentum; /* default 0.9, Nesterov */
    /* Base learning rates (for batch 256) to choose from on held-out training images; borrowed.
     * Default: 9 values, 0.0006 .. 6. If the choice is at their edge, try a wider range. */
    const float *lrs;
    int lr_count;   /* number of `lrs` */
    float held_out; /* share of the training set held out for the choice; default 0.1 */
    uint64_t seed;
    bool
        standardize; /* features scaled to mean 0, variance 1 with training statistics; default 1 */
    int threads; /* default 0: every processor the process may use; changes nothing but the time */
    /* NULL (default), or floats of the caller's, (classes, dimension) and (classes), for the probe
     * as one layer: logits = weight x + bias, with the scaling of the features within. */
    float *weight, *bias;
} byol_linear_options;

BYOL_API void byol_linear_options_init(byol_linear_options *options);

typedef struct byol_linear_result {
    double accuracy; /* on the test set, percent; the probe retrained on all training images */
    double held_out_accuracy; /* of the chosen learning rate, percent */
    float lr;                 /* the chosen base learning rate */
} byol_linear_result;

/* A linear (softmax) classifier on frozen features: SGD with Nesterov momentum, cosine schedule, no
 * warm-up, no weight decay (BYOL, appendix C.1). `train` is an array of `passes` feature sets of
 * the same images under different augmentations (1: none); epoch e uses train[e % passes]. The test
 * set is used once, at the end. `predicted` (test->count labels) may be NULL. */
BYOL_API byol_status byol_linear(const byol_features *train, int passes, const byol_features *test,
                                 const byol_linear_options *options, byol_linear_result *result,
                                 int32_t *predicted, byol_progress progress, void *context,
                                 byol_error *error);

typedef struct byol_regression_options {
    /* C to choose from on held-out training samples; borrowed. Default: 5 values, 1e-5 .. 0.1. */
    const float *cs;
    int c_count;    /* number of `cs` */
    float held_out; /* share held out for the choice, in five draws one after the other; default
                       0.1 */
    uint64_t seed;
    int threads; /* default 0: every processor the process may use; changes nothing but the time */
    float *weight, *bias; /* as of byol_linear_options */
} byol_regression_options;

BYOL_API void byol_regression_options_init(byol_regression_options *options);

typedef struct byol_regression_result {
    double accuracy;          /* on the test set, percent; fitted to all training samples */
    double held_out_accuracy; /* of the chosen C, percent */
    float c;                  /* the chosen C */
} byol_regression_result;

/* The same classifier as logistic regression, |W|^2 / 2 + C times the sum of the samples' losses at
 * its minimum (what scikit-learn's LogisticRegression(C=C) finds), on features scaled to mean 0 and
 * variance 1. For up to some thousand samples: SGD's rate would be chosen on a handful, and it
 * takes 12 bytes of memory for each number of the training set. The test set is used once.
 * `predicted` (test->count labels) may be NULL. BYOL_ERROR_INVALID for options out of range or if
 * no class has two training samples. */
BYOL_API byol_status byol_regression(const byol_features *train, const byol_features *test,
                                     const byol_regression_options *options,
                                     byol_regression_result *result, int32_t *predicted,
                                     byol_progress progress, void *context, byol_error *error);

/* ---- Fine-tuning ---- */

typedef struct byol_finetune_options {
    /* Share of the training images of each class that is used, 0 .. 1, at least two of each;
     * default 1. The same seed draws the same images; a smaller fraction is a part of a larger. */
    float label_fraction;
    float held_out; /* share of these used only to choose the epoch; default 0.1 */
    /* How many of the backbone's last stages learn besides the head (a ResNet has 5: four and the
     * stem). The others stay as they are, batch norm statistics too. -1 (default): all. */
    int train_stages;
    byol_optimizer_name optimizer; /* BYOL_ADAMW (default) or BYOL_SGD (with Nesterov momentum) */
    /* Of the head; 0 (default): 0.001 for adamw, 0.05 for sgd. Warm-up over a twentieth of the
     * steps, then half a cosine to 0. */
    float lr;
    /* Each stage learns at this times the next stage's rate; 0 .. 1, default 0.8; 1: all alike. */
    float lr_decay;
    /* On kernels and matrices; below 0 (default): 0.05 for adamw, 0.0005 for sgd. */
    float weight_decay;
    float momentum; /* sgd; default 0.9 */
    int epochs;     /* 0 (default): 20, or as many as make 1000 steps where that is more */
    int batch_size; /* default 64; at most the number of images learned from */
    /* Augmentation is a flip and a crop of at least this share of the image; default 0.4. */
    float crop_area_min;
    float mask; /* of texts: about this share of the tokens is masked in training; default 0.1 */
    /* Sounds are seen in training through crops of 0.8 to 1.2 of their height and width, with a
     * fader of 0.5. */
    byol_precision precision; /* of training; default auto */
    int threads;              /* default 0: every processor the process may use */
    /* Of the drawing, the order, the augmentation and the head's first weights; default 1. */
    uint64_t seed;
    /* NULL (default), or a .safetensors file for the chosen weights: the backbone's, "fc.weight"
     * and "fc.bias", with torchvision's names, and the names of the classes. byol_classifier_load
     * and byol_encoder_load read it. */
    const char *save;
} byol_finetune_options;

BYOL_API void byol_finetune_options_init(byol_finetune_options *options);

typedef struct byol_finetune_result {
    double accuracy;          /* on the test set, percent, of the chosen epoch's weights */
    double held_out_accuracy; /* of these weights, percent */
    int epochs, best_epoch;   /* epochs trained; the chosen one, from 1 */
    uint64_t steps;           /* optimizer steps of all epochs */
    /* Labelled training images that were used, and how many of these were held out. */
    size_t label_count, held_out_count;
    double seconds;
} byol_finetune_result;

/* Trains a softmax classifier, the encoder's backbone and one linear layer, on images:
 * cross-entropy, random crops and flips. Each epoch is judged on the held-out images and the best
 * one is kept; among equals the lower loss decides. The test images are used once, at the end. From
 * a random encoder (byol_encoder_create_random) this is training from scratch, the baseline for the
 * result. Encoder and sources are borrowed and stay as they are. `predicted` (one label for each
 * test image) may be NULL; progress counts images.
 *
 * BYOL_ERROR_INVALID for options out of range, sources without labels, or too few images to hold
 * one out; BYOL_ERROR_MISMATCH where channels differ, or the test set has more classes;
 * BYOL_ERROR_NUMERIC where it diverges. */
BYOL_API byol_status byol_finetune(const byol_encoder *encoder, const byol_source *train,
                                   const byol_source *test, const byol_finetune_options *options,
                                   byol_finetune_result *result, int32_t *predicted,
                                   byol_progress progress, void *context, byol_error *error);

/* ---- Baselines ---- */

/* Names the most frequent class of `train` (of equals, the first) for every sample of `test`:
 * `*accuracy` in percent, and that class in `*label`, which may be NULL. For sources of any kind.
 * Classes are the same if their names are or, where a source has no names, if their numbers are.
 * BYOL_ERROR_INVALID for sources without labels. */
BYOL_API byol_status byol_majority(const byol_source *train, const byol_source *test,
                                   double *accuracy, int32_t *label, byol_error *error);

typedef struct byol_tfidf_options {
    /* A word that is n times in a text counts 1 + ln(n), not n; default 0. */
    bool sublinear;
    /* Inverse strengths of the penalty (scikit-learn's C) to choose from on held-out training
     * texts; borrowed. Default: 1, 4, 16, 64. */
    const float *cs;
    int c_count;    /* number of `cs` */
    float held_out; /* share of each class's training texts held out for the choice; default 0.1 */
    uint64_t seed;  /* of what is held out; default 1 */
    int threads; /* default 0: every processor the process may use; changes nothing but the time */
} byol_tfidf_options;

BYOL_API void byol_tfidf_options_init(byol_tfidf_options *options);

typedef struct byol_tfidf_result {
    double accuracy;          /* on the test set, percent; learned anew from all training texts */
    double held_out_accuracy; /* of the chosen C, percent */
    float c;                  /* the chosen C; of equals, the first */
    size_t terms;             /* different words and pairs of words in the training texts */
    /* Of `labels` and `predicted`: training's classes, then those that only the test source has. */
    int classes;
} byol_tfidf_result;

/* Words and pairs of neighbouring words, weighed by how rare they are (TF-IDF), and logistic
 * regression on them: what is possible without any network, and what a text classifier must stand
 * beside. The numbers are those of scikit-learn's TfidfVectorizer(ngram_range=(1, 2)) and
 * LogisticRegression. The test set is used once, at the end; words that only it has are ignored.
 *
 * Classes are matched as byol_majority has it; a text of a class that no training text has counts
 * as an error. `labels` and `predicted` (one for each test text) may be NULL: the test texts'
 * labels in the common numbering, and what was predicted, for byol_classification_init.
 *
 * BYOL_ERROR_INVALID for options out of range, sources of images or without labels, or where no
 * class has two training texts, one to learn from and one to hold out; BYOL_ERROR_NUMERIC where a C
 * is so large that the minimum is not found. */
BYOL_API byol_status byol_tfidf(const byol_source *train, const byol_source *test,
                                const byol_tfidf_options *options, byol_tfidf_result *result,
                                int32_t *labels, int32_t *predicted, byol_progress progress,
                                void *context, byol_error *error);

/* ---- Sounds without any network ---- */

typedef enum byol_sound_kind {
    BYOL_SOUND_MELS,    /* mean and standard deviation over time of each log-mel band */
    BYOL_SOUND_CEPSTRA, /* the same of 20 cepstral coefficients (MFCC), their slopes over nine
                           frames and the slopes of those */
} byol_sound_kind;

/* Length of such a vector for data.mels of `config`. */
BYOL_API int byol_sound_dimension(byol_sound_kind kind, const byol_config *config);

/* Describes every sound of `source`, in its whole length, into `features`, (count, dimension)
 * floats of the caller's. The bands are those of data.* of `config`; train.threads counts.
 * `progress` may be NULL. A sound that cannot be read gets zeros. BYOL_ERROR_INVALID where the
 * source holds no sounds. */
BYOL_API byol_status byol_sound_describe(const byol_source *source, byol_sound_kind kind,
                                         const byol_config *config, float *features,
                                         byol_progress progress, void *context, byol_error *error);

/* ---- Classification report ---- */

/* Scores of one class, or a mean over classes, in percent. With TP, FP, FN counted for the class:
 * precision TP / (TP + FP), recall TP / (TP + FN), F1 2 TP / (2 TP + FP + FN); each is 0 where that
 * is 0 / 0. */
typedef struct byol_class_scores {
    double precision, recall, f1;
    uint64_t support; /* images of the class */
} byol_class_scores;

typedef struct byol_classification {
    int classes;
    uint64_t count;              /* images */
    double accuracy;             /* percent */
    byol_class_scores *of_class; /* (classes) */
    /* Means over all classes, also those without images; support: count. */
    byol_class_scores macro;
    byol_class_scores weighted; /* means weighted by support */
    uint64_t *confusion;        /* (classes, classes): images at [label * classes + predicted] */
} byol_classification;

/* Compares `count` predictions with the labels; both are 0 .. classes-1 (else BYOL_ERROR_INVALID).
 * The figures are those of scikit-learn's classification_report and confusion_matrix with
 * labels=range(classes), zero_division=0. `report` is owned: byol_classification_release. */
BYOL_API byol_status byol_classification_init(byol_classification *report, const int32_t *labels,
                                              const int32_t *predicted, size_t count, int classes,
                                              byol_error *error);
BYOL_API void byol_classification_release(byol_classification *report);

#ifdef __cplusplus
}
#endif

#endif
