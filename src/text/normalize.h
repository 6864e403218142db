/* What is done to a text before it is cut into words: a list of steps, each from text to text. */
#ifndef BYOL__NORMALIZE_H
#define BYOL__NORMALIZE_H

#include <stdbool.h>

#include "text/text_buffer.h"

/* Hugging Face's BertNormalizer is up to five of these. */
typedef enum byol__normal_step {
    BYOL__CLEAN,         /* no control characters; all white space is ' ' */
    BYOL__SPACE_CHINESE, /* spaces around Chinese characters */
    BYOL__STRIP_ACCENTS, /* no marks without width */
    BYOL__STRIP_MARKS,   /* no marks at all */
    BYOL__LOWERCASE,
    BYOL__NFC,
    BYOL__NFD,
    BYOL__NFKC,
    BYOL__NFKD
} byol__normal_step;

enum { BYOL__NORMAL_STEPS_MAX = 32 };

typedef struct byol__normalizer {
    byol__normal_step step[BYOL__NORMAL_STEPS_MAX];
    int count;
} byol__normalizer;

/* Applies all steps to valid UTF-8. `*out` is `text` itself or lies in `buffer[0 .. 1]`;
 * `characters` is memory to work in. */
byol_status byol__normalize(const byol__normalizer *normalizer, byol_text_buffer buffer[2],
                            byol_text_buffer *characters, const char *text, size_t length,
                            const char **out, size_t *out_length, byol_error *error);

#endif
