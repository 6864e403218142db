/* Tokenizers: from text to the numbers of its tokens, and back. They are read from and written to
 * the file tokenizer.json of Hugging Face's libraries, and give the same numbers as those. */
#ifndef BYOL_TOKENIZER_H
#define BYOL_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_tokenizer byol_tokenizer;

typedef enum byol_tokenizer_model {
    BYOL_TOKENIZER_WORDPIECE, /* as BERT's: the longest known piece of a word, then the next */
    BYOL_TOKENIZER_BYTE_BPE,  /* as GPT-2's and RoBERTa's: merges of bytes; nothing is unknown */
} byol_tokenizer_model;

/* ---- What there is ---- */

/* The tokens that mean something to a program; -1 where the tokenizer has none. They are known by
 * their names: [PAD] or <pad>, [UNK] or <unk>, [CLS] or <s>, [SEP] or </s>, [MASK] or <mask>. */
typedef struct byol_special_tokens {
    int32_t pad, unk, cls, sep, mask;
} byol_special_tokens;

typedef struct byol_tokenizer_info {
    byol_tokenizer_model model;
    /* Ids are below this: the rows of a table of embeddings. A file may leave some unused. */
    size_t vocabulary;
    byol_special_tokens special;
    size_t added_before, added_after; /* special tokens that encoding puts around a text */
} byol_tokenizer_info;

BYOL_API void byol_tokenizer_describe(const byol_tokenizer *tokenizer, byol_tokenizer_info *info);

/* Id of a token by its text, or -1. */
BYOL_API int32_t byol_tokenizer_id(const byol_tokenizer *tokenizer, const char *token);

/* Text of a token as it stands in the vocabulary ("##ing", "Ġthe"), or NULL where `id` is none.
 * Borrowed, with a NUL at its end. */
BYOL_API const char *byol_tokenizer_token(const byol_tokenizer *tokenizer, int32_t id);

/* ---- Files ---- */

/* Reads a tokenizer.json. Its settings for truncation and padding are left to the caller, who has
 * them in byol_tokenizer_encode. BYOL_ERROR_FORMAT: the file is no such file, is damaged or
 * contradicts itself. BYOL_ERROR_UNSUPPORTED: it names a model, a normalizer, a pre-tokenizer, a
 * post-processor or a decoder that is not known here (the message says which). BYOL_ERROR_IO,
 * BYOL_ERROR_NOT_FOUND, BYOL_ERROR_MEMORY. `*out` is owned: byol_tokenizer_free. */
BYOL_API byol_status byol_tokenizer_load(byol_tokenizer **out, const char *path, byol_error *error);

/* The same from memory: `json` is the file's text, `name` what messages call it. */
BYOL_API byol_status byol_tokenizer_parse(byol_tokenizer **out, const char *json, size_t length,
                                          const char *name, byol_error *error);

/* Writes the file: byte by byte what was read, or what training made. */
BYOL_API byol_status byol_tokenizer_save(const byol_tokenizer *tokenizer, const char *path,
                                         byol_error *error);

/* The text of the file; borrowed. */
BYOL_API const char *byol_tokenizer_json(const byol_tokenizer *tokenizer, size_t *length);

BYOL_API void byol_tokenizer_free(byol_tokenizer *tokenizer); /* NULL is fine */

/* ---- Encoding and decoding ---- */

typedef struct byol_text_buffer {
    void *bytes;
    size_t length, capacity;
} byol_text_buffer;

/* Memory for one thread. Zero-initialise it, use it for one text after the other, then
 * byol_tokenizer_scratch_release. It grows to what the longest text needs and is then allocated no
 * more. */
typedef struct byol_tokenizer_scratch {
    byol_text_buffer buffer[8];
} byol_tokenizer_scratch;

BYOL_API void byol_tokenizer_scratch_release(byol_tokenizer_scratch *scratch); /* NULL is fine */

/* Encodes `length` bytes of UTF-8 (a NUL among them is a character like others). With `special` the
 * tokens that the file puts around a text are put around it; an empty text has only these.
 *
 * `*count` is how many ids the whole text has. At most `capacity` are written to `ids`: where
 * *count > capacity the text's last tokens are cut off, not the special tokens. With a capacity of
 * 0 `ids` may be NULL, and nothing is written.
 *
 * Safe from several threads at once, each with its own scratch. BYOL_ERROR_FORMAT: the text is not
 * UTF-8 (the message has the offset of the byte). BYOL_ERROR_INVALID: `capacity` is not 0 and has
 * no room for the special tokens. BYOL_ERROR_MEMORY; BYOL_ERROR_UNSUPPORTED: a single word of more
 * than 2 GiB. */
BYOL_API byol_status byol_tokenizer_encode(const byol_tokenizer *tokenizer, const char *text,
                                           size_t length, bool special,
                                           byol_tokenizer_scratch *scratch, int32_t *ids,
                                           size_t capacity, size_t *count, byol_error *error);

/* Makes text of ids, with or without the special tokens among them. `*text` is valid UTF-8 with a
 * NUL after its `*length` bytes; it lies in `scratch` until that is used again. Bytes of byte-level
 * tokens that are not UTF-8 become U+FFFD. BYOL_ERROR_INVALID: an id is not in the vocabulary. */
BYOL_API byol_status byol_tokenizer_decode(const byol_tokenizer *tokenizer, const int32_t *ids,
                                           size_t count, bool special,
                                           byol_tokenizer_scratch *scratch, const char **text,
                                           size_t *length, byol_error *error);

/* ---- Training ---- */

typedef struct byol_tokenizer_options {
    byol_tokenizer_model model;
    int vocabulary;    /* tokens, special ones included; fewer where the texts do not have them */
    bool lowercase;    /* for WordPiece without accents, too */
    int min_frequency; /* a pair of tokens that is met less often is not merged */
    int alphabet;      /* WordPiece: at most so many different characters; 0: all that are met */
    bool prefix_space; /* byte-level: a text begins with a space, so that its first word is like
                          others */
} byol_tokenizer_options;

/* WordPiece, 30,000 tokens, lowercase, a frequency of at least 2, at most 1,000 characters, a space
 * before the text. */
BYOL_API void byol_tokenizer_options_init(byol_tokenizer_options *options);

/* Texts to learn from. */
typedef struct byol_texts {
    size_t count;
    /* Sets `*text` and `*length` to text `index`; it stays as it is until the next call. Called
     * once for each index, in order. */
    byol_status (*text)(void *context, size_t index, const char **text, size_t *length,
                        byol_error *error);
    void *context;
} byol_texts;

/* Learns a vocabulary. Its first ids are 0 [PAD], 1 [UNK], 2 [CLS], 3 [SEP], 4 [MASK] (<pad>,
 * <unk>, <s>, </s>, <mask> for byte-level), then come the characters, then the merges. The same
 * texts give the same tokenizer: of pairs that are as frequent, that of the smaller ids is merged
 * first, as in Hugging Face's trainer.
 *
 * `progress` may be NULL; it counts texts, then tokens. BYOL_ERROR_INVALID: the options are
 * impossible, or there is no text. BYOL_ERROR_FORMAT: a text is not UTF-8. BYOL_ERROR_CANCELLED,
 * BYOL_ERROR_MEMORY, and what `text` returns. `*out` is owned: byol_tokenizer_free. */
BYOL_API byol_status byol_tokenizer_train(byol_tokenizer **out,
                                          const byol_tokenizer_options *options,
                                          const byol_texts *texts, byol_progress progress,
                                          void *context, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
