/* What a source holds, found by reading all of it; and the mean and deviation for normalising its
 * images; how long its texts are. */
#ifndef BYOL_SURVEY_H
#define BYOL_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/status.h"
#include "byol/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Smallest, middle and largest of the readable images (in pixels) or sounds. */
typedef struct byol_span {
    int min, median, max;
} byol_span;

typedef struct byol_unreadable {
    size_t index;
    char reason[240];
} byol_unreadable;

/* Sample `index` has exactly the bytes of sample `of`, which comes before it. */
typedef struct byol_duplicate {
    size_t index, of;
} byol_duplicate;

typedef struct byol_survey {
    size_t count, readable;
    size_t gray; /* readable images of one channel */
    byol_span height, width;
    /* Of sounds. */
    byol_span rate, channels;    /* as the files have them */
    byol_span milliseconds;      /* how long they are */
    double seconds;              /* all of them together */
    size_t silent;               /* readable ones in which every sample is 0 */
    byol_unreadable *unreadable; /* owned, by index */
    size_t unreadable_count;
    byol_duplicate *duplicates; /* owned, by index */
    size_t duplicate_count;
} byol_survey;

/* Reads and decodes every image or sound once, with `threads` threads (0: as many as OpenMP has).
 * Those that cannot be read are no failure; afterwards byol_source_unreadable returns 1 for them.
 * `survey` may be NULL if only that is needed (a source that does not decode is then not read at
 * all). `progress` may be NULL. BYOL_ERROR_INVALID where the source holds texts. */
BYOL_API byol_status byol_source_survey(const byol_source *source, int threads, byol_survey *survey,
                                        byol_progress progress, void *context, byol_error *error);
BYOL_API void byol_survey_release(byol_survey *survey);

/* Mean and standard deviation of the pixels (0 .. 1) of each channel, over at most 1024 images
 * spread over the source. Each image has the same weight. With one channel the same value stands
 * three times. The numbers are the same for any number of threads. Images that cannot be read are
 * left out; BYOL_ERROR_FORMAT where none is left. */
BYOL_API byol_status byol_source_statistics(const byol_source *source, int threads, float mean[3],
                                            float std[3], byol_error *error);

/* 95 % of the texts are no longer than `p95`. */
typedef struct byol_lengths {
    size_t min, median, p95, max;
} byol_lengths;

typedef struct byol_text_survey {
    size_t count;
    byol_lengths bytes, words;  /* a word is what stands between blanks and ends of lines */
    byol_duplicate *duplicates; /* owned, by index */
    size_t duplicate_count;
} byol_text_survey;

/* Measures all texts. BYOL_ERROR_INVALID where the source holds images. */
BYOL_API byol_status byol_source_survey_texts(const byol_source *source, byol_text_survey *survey,
                                              byol_error *error);
BYOL_API void byol_text_survey_release(byol_text_survey *survey);

/* What a tokenizer makes of texts, without the special tokens around them. */
typedef struct byol_token_survey {
    byol_lengths tokens;    /* of each text */
    uint64_t count;         /* of all texts */
    uint64_t unknown_count; /* of these, how many are the unknown token */
} byol_token_survey;

/* Encodes all texts. Nothing is left to release. BYOL_ERROR_INVALID where the source holds images;
 * otherwise what byol_tokenizer_encode returns. */
BYOL_API byol_status byol_source_survey_tokens(const byol_source *source,
                                               const byol_tokenizer *tokenizer,
                                               byol_token_survey *survey, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
