/* Cutting a text into the words that a model encodes each by itself. */
#ifndef BYOL__WORDS_H
#define BYOL__WORDS_H

#include <stdbool.h>

#include "text/text_buffer.h"

/* Hugging Face's BertPreTokenizer is the first two of these, ByteLevel the last two, Sequence any
 * list of them. */
typedef enum byol__cut {
    BYOL__CUT_SPACE,       /* white space is between words */
    BYOL__CUT_PUNCTUATION, /* each punctuation character is a word */
    BYOL__CUT_WORDS,       /* \w+|[^\w\s]+ */
    BYOL__PREFIX_SPACE,    /* a piece that does not begin with a space gets one; at most once */
    BYOL__CUT_GPT2         /* GPT-2's pattern: words with the space before them */
} byol__cut;

enum { BYOL__CUTS_MAX = 16 };

typedef struct byol__cutter {
    byol__cut cut[BYOL__CUTS_MAX];
    int count;
} byol__cutter;

/* Takes the words of a text, one after the other. */
typedef struct byol__word_sink {
    byol_status (*word)(void *context, const char *word, size_t length, byol_error *error);
    void *context;
} byol__word_sink;

/* `text` is valid UTF-8; `room` is memory to work in. */
byol_status byol__cut_words(const byol__cutter *cutter, byol_text_buffer *room, const char *text,
                            size_t length, const byol__word_sink *sink, byol_error *error);

#endif
