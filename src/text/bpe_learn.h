/* Learning merges: the most frequent pair of neighbouring tokens becomes a token, again and again
 * (Sennrich, Haddow and Birch 2016). */
#ifndef BYOL__BPE_LEARN_H
#define BYOL__BPE_LEARN_H

#include "text/string_table.h"

/* A word of the texts: `length` ids in `symbols`, from `start`. */
typedef struct byol__learn_word {
    size_t start;
    uint32_t length;
    int64_t count; /* how often it is there */
} byol__learn_word;

typedef struct byol__learn {
    byol_text_buffer symbols;  /* uint32_t; shrink as they are merged */
    byol_text_buffer words;    /* byol__learn_word */
    byol__string_table tokens; /* ids are numbers in it; new tokens are added */
    byol_text_buffer merges;   /* uint64_t: pairs (byol__pair_key), in the order of learning */
    const char *prefix;        /* what a token has that continues a word, or "" */
    size_t vocabulary;         /* stop at so many tokens */
    int64_t min_frequency;     /* or at a pair that is less frequent */
} byol__learn;

/* Of equally frequent pairs the one of the smaller ids comes first. `progress` may be NULL; it is
 * given the tokens so far added to `done`, and `total`. */
byol_status byol__bpe_learn(byol__learn *learn, byol_progress progress, void *context,
                            uint64_t done, uint64_t total, byol_error *error);
void byol__learn_release(byol__learn *learn);

#endif
