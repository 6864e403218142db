/* What a tokenizer is made of. */
#ifndef BYOL__TOKENIZER_PARTS_H
#define BYOL__TOKENIZER_PARTS_H

#include "byol/tokenizer.h"
#include "text/id_pairs.h"
#include "text/normalize.h"
#include "text/string_table.h"
#include "text/words.h"

/* What each buffer of a scratch is for. */
enum { BYOL__NORMAL = 0, BYOL__CHARACTERS = 2, BYOL__PREFIXED, BYOL__SYMBOLS, BYOL__QUEUE };

/* Tokens by their text and by their id. */
typedef struct byol__vocabulary {
    byol__string_table tokens;
    byol_text_buffer ids;     /* by number in `tokens`: int32_t id */
    byol_text_buffer numbers; /* by id: int32_t number, -1 where the id is no token's */
    size_t size;              /* the largest id + 1 */
    uint32_t of_model;        /* tokens below this number are the model's; then come added ones */
} byol__vocabulary;

/* A token that is looked for in the text before all else. */
typedef struct byol__added_token {
    size_t start, length; /* of its text */
    int32_t id;
    bool single_word, left_strip, right_strip;
} byol__added_token;

typedef struct byol__added_tokens {
    byol_text_buffer tokens; /* (count); by first byte, the longest first */
    byol_text_buffer texts;
    size_t count;
    size_t first[257]; /* where the tokens that begin with a byte begin */
} byol__added_tokens;

/* A merge of two ids; which pair it is for stands in `merges` under the same number. */
typedef struct byol__merge {
    int32_t rank, id;
} byol__merge;

typedef struct byol__bpe {
    byol__id_pairs pairs;
    byol_text_buffer merges; /* byol__merge by number in `pairs` */
    int32_t byte_ids[256];   /* -1: the vocabulary lacks the byte */
    bool fuse_unknown, whole_words;
} byol__bpe;

typedef struct byol__wordpiece {
    char prefix[16]; /* of a piece that continues a word: "##" */
    size_t prefix_length;
    uint64_t prefix_hash;
    size_t longest_word; /* characters; a longer one is unknown */
} byol__wordpiece;

typedef enum byol__decoder { BYOL__JOIN, BYOL__WORDPIECE, BYOL__BYTES } byol__decoder;

enum { BYOL__AROUND_MAX = 16 };

struct byol_tokenizer {
    byol_text_buffer json; /* the file, with a NUL at its end */
    byol_tokenizer_model model;
    byol__vocabulary vocabulary;
    byol__normalizer normalizer;
    byol__cutter cutter;
    byol__added_tokens plain;     /* looked for in the text as it is */
    byol__added_tokens normal;    /* looked for in the normalized text */
    byol_text_buffer special_ids; /* int32_t: what decoding may leave out */
    byol__wordpiece wordpiece;
    byol__bpe bpe;
    int32_t unknown; /* -1: there is none */
    byol_special_tokens special;
    int32_t before[BYOL__AROUND_MAX], after[BYOL__AROUND_MAX];
    size_t before_count, after_count;
    byol__decoder decoder;
    bool cleanup; /* of the WordPiece decoder: no space before a full stop and the like */
};

/* ---- vocabulary.c ---- */

/* BYOL_ERROR_FORMAT where the id or the text is there already. */
byol_status byol__vocabulary_add(byol__vocabulary *vocabulary, const char *token, size_t length,
                                 int64_t id, byol_error *error);
/* The id of a token, -1 where there is none. */
int32_t byol__vocabulary_find(const byol__vocabulary *vocabulary, const char *token, size_t length);
const char *byol__vocabulary_token(const byol__vocabulary *vocabulary, int32_t id, size_t *length);
void byol__vocabulary_release(byol__vocabulary *vocabulary);

/* ---- added_tokens.c ---- */

/* Adds a token with its text, of which an empty one is left out. Afterwards put them in order. */
byol_status byol__added_add(byol__added_tokens *added, const byol__added_token *token,
                            const char *text, size_t length, byol_error *error);
void byol__added_order(byol__added_tokens *added);
void byol__added_release(byol__added_tokens *added);

/* The pieces of a text: stretches without added tokens, and the tokens. */
typedef struct byol__piece {
    size_t start, end;
    const byol__added_token *token; /* NULL: text */
} byol__piece;

/* Calls for every piece in turn. */
typedef byol_status (*byol__piece_sink)(void *context, const char *text, const byol__piece *piece,
                                        byol_error *error);
byol_status byol__added_split(const byol__added_tokens *added, const char *text, size_t length,
                              byol__piece_sink sink, void *context, byol_error *error);

/* ---- the models ---- */

/* Where ids go: at most `room` are kept, all are counted. */
typedef struct byol__ids {
    int32_t *ids;
    size_t room, count;
} byol__ids;

static inline void byol__ids_put(byol__ids *ids, int32_t id) {
    if (ids->count < ids->room) ids->ids[ids->count] = id;
    ids->count++;
}

void byol__wordpiece_encode(const byol_tokenizer *tokenizer, const char *word, size_t length,
                            byol__ids *out);
byol_status byol__bpe_encode(const byol_tokenizer *tokenizer, byol_tokenizer_scratch *scratch,
                             const char *word, size_t length, byol__ids *out, byol_error *error);

/* ---- byte_characters.c: GPT-2 writes each byte as a character that can be seen ---- */

int32_t byol__byte_character(unsigned char byte);
int byol__character_byte(int32_t character); /* -1: it is not one of the 256 */

/* ---- the file ---- */

/* Fills a zeroed tokenizer from the text of a tokenizer.json. */
byol_status byol__tokenizer_read(byol_tokenizer *tokenizer, const char *json, size_t length,
                                 byol_error *error);

#endif
