/* Writing a trained tokenizer as tokenizer.json. */
#ifndef BYOL__TOKENIZER_WRITE_H
#define BYOL__TOKENIZER_WRITE_H

#include "text/bpe_learn.h"

enum { BYOL__SPECIAL_COUNT = 5 };

/* The names of the special tokens, in the order of their ids: pad, unk, cls, sep, mask. */
const char *const *byol__special_names(byol_tokenizer_model model);

/* What `options` ask to be done to a text, as it stands in the file; `learned` has the vocabulary.
 * The text is appended to `json`. */
byol_status byol__tokenizer_write(const byol_tokenizer_options *options, const byol__learn *learned,
                                  byol_text_buffer *json, byol_error *error);

#endif
