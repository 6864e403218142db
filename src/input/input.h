/* A kind of input: how a sample of a source becomes a network's input. One table holds what the
 * loader, the encoder and the trainer need to know about it. Pictures (image_input.c) are the first
 * kind, texts (text_input.c) and sounds (sound_input.c) the others. */
#ifndef BYOL__INPUT_H
#define BYOL__INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "byol/config.h"
#include "byol/source.h"
#include "byol/tokenizer.h"
#include "byol/views.h"
#include "config/view_list.h"
#include "input/view_buffers.h"

/* The key of the random draws of a sample's views, which depend on nothing else. */
typedef struct byol__sample_key {
    uint64_t seed;
    uint32_t epoch, index;
} byol__sample_key;

/* How a sample is prepared for evaluation: one fixed view (for a picture: short side resized,
 * centre cropped), its mirror image, or a random view of pass `pass`. */
typedef struct byol__preparation {
    int channels, side;              /* of the network's input, if that is images */
    const byol_tokenizer *tokenizer; /* of texts, borrowed; NULL: images or sounds */
    int length;                      /* tokens of a text */
    const byol__mel *mel;            /* of sounds, borrowed; NULL: images or texts */
    int frames;
    float sound_mean, sound_std;
    const float *places; /* of sounds: where each sample's unit is, 0 .. 1; NULL: in the middle */
    float place;         /* of the sample at hand; byol__prepare_batch sets it */
    byol_view_recipe recipe; /* for random views; mean and std for all */
    byol_text_recipe text;   /* of texts, for random views */
    byol_sound_recipe sound; /* of sounds, for random views */
    bool augmented, mirrored;
    uint64_t seed; /* for random views, with the pass and the sample's index */
    uint32_t pass;
} byol__preparation;

typedef struct byol__input_kind {
    const char *name;
    byol__dtype dtype; /* of the elements of the network's input */

    /* ---- Training: several random views of a sample ---- */

    /* The number of elements of view `view` of one sample. */
    size_t (*view_elements)(const byol_source_info *info, const byol__view_list *views, int view);
    /* Makes a thread's buffers as large as the source is known to need, so that no step
     * allocates. */
    byol_status (*reserve)(const byol_source_info *info, const byol__view_list *views,
                           byol__view_buffers *buffers, byol_error *error);
    /* How long a sample is, so that those of like length meet in a batch. NULL: all are alike. */
    byol_status (*length)(const byol_source *source, size_t index, uint32_t *length,
                          byol_error *error);
    /* Reads sample `index`, so that the views of `key` can be made from it. If it fails and
     * byol_source_unreadable is true, another sample is read under the same key. */
    byol_status (*read)(const byol_source *source, size_t index, const byol__view_list *views,
                        const byol__sample_key *key, byol__view_buffers *buffers,
                        byol_error *error);
    /* Makes one view, view_elements long, from the sample that was read. */
    byol_status (*make)(const byol__view_list *views, int view, const byol__sample_key *key,
                        byol__view_buffers *buffers, void *dst, byol_error *error);

    /* Changes a whole batch of one view, in place. NULL: nothing is to be done. */
    void (*complete)(const byol__view_list *views, int view, size_t batch, void *samples);

    /* ---- Evaluation ---- */

    /* Writes sample `index` to `dst`. An unreadable one gives zeros. */
    byol_status (*prepare)(const byol__preparation *how, const byol_source *source, size_t index,
                           byol__view_buffers *buffers, void *dst, byol_error *error);

    /* ---- A run ---- */

    /* Measures what the configuration leaves to the data (mean and std of pictures), or takes it
     * from `began`, the configuration of the resumed run; NULL: a new run. */
    byol_status (*settle)(const byol_source *source, const byol_config *began, byol_config *config,
                          byol_error *error);
    /* A digest of some samples: distinguishes this data from other data. NULL: every such source
     * has its own. */
    byol_status (*digest)(const byol_source *source, uint64_t *digest, byol_error *error);
} byol__input_kind;

/* What is prepared, by what it is prepared with. */
byol_sample_kind byol__prepared_samples(const byol__preparation *how);

/* The elements of one prepared sample. */
size_t byol__prepared_elements(const byol__preparation *how);

/* text_input.c: loads data.tokenizer, or learns one of data.vocabulary tokens from the source,
 * which holds texts. */
byol_status byol__tokenizer_make(byol_tokenizer **out, const byol_source *source,
                                 const byol_config *config, byol_error *error);

/* BYOL_ERROR_UNSUPPORTED: its padding is not token 0. BYOL_ERROR_MISMATCH: it has more tokens than
 * a network of `config`. */
byol_status byol__tokenizer_check(const byol_tokenizer *tokenizer, const byol_config *config,
                                  byol_error *error);

/* The kind of input that `source` holds. */
const byol__input_kind *byol__input_of(const byol_source *source);

/* BYOL_ERROR_INVALID: the source holds something else than what is prepared.
 * BYOL_ERROR_MISMATCH: its images have other channels and are not decoded. */
byol_status byol__check_input(const byol__preparation *how, const byol_source *source,
                              byol_error *error);

/* Prepares samples indices[0 .. count-1] (NULL: `first` .. first + count - 1) into `samples`, of
 * byol__prepared_elements each, with all threads. `buffers`: one for each thread. The error is that
 * of one of those that failed. */
byol_status byol__prepare_batch(const byol__preparation *how, const byol_source *source,
                                const uint32_t *indices, size_t first, size_t count,
                                byol__view_buffers *buffers, void *samples, byol_error *error);

#endif
