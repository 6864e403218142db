#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "text/characters.h"
#include "text/tokenizer_parts.h"

/* A token of the word, in a list from left to right. */
typedef struct symbol {
    int32_t id; /* -1: it is part of the one before */
    int32_t previous, next;
} symbol;

/* A merge that was possible when it was noted. */
typedef struct chance {
    int32_t rank, at, id;
} chance;

typedef struct queue {
    chance *chance; /* a binary heap */
    size_t count;
} queue;

static bool comes_first(const chance *a, const chance *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(queue *q, chance c) {
    size_t i = q->count++;
    for (; i > 0 && comes_first(&c, &q->chance[(i - 1) / 2]); i = (i - 1) / 2)
        q->chance[i] = q->chance[(i - 1) / 2];
    q->chance[i] = c;
}

static chance pop(queue *q) {
    chance top = q->chance[0], c = q->chance[--q->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < q->count; i = child) {
        if (child + 1 < q->count && comes_first(&q->chance[child + 1], &q->chance[child])) child++;
        if (!comes_first(&q->chance[child], &c)) break;
        q->chance[i] = q->chance[child];
    }
    q->chance[i] = c;
    return top;
}

/* The merge of the symbol at `at` with the one behind it, or NULL. */
static const byol__merge *merge_at(const byol__bpe *bpe, const symbol *symbols, int32_t at) {
    if (at < 0 || symbols[at].next < 0) return NULL;
    uint64_t key = byol__pair_key((uint32_t)symbols[at].id, (uint32_t)symbols[symbols[at].next].id);
    int64_t number = byol__pair_find(&bpe->pairs, key);
    return number < 0 ? NULL : (const byol__merge *)bpe->merges.bytes + number;
}

static void note_chance(const byol__bpe *bpe, const symbol *symbols, int32_t at, queue *q) {
    const byol__merge *merge = merge_at(bpe, symbols, at);
    if (merge != NULL) push(q, (chance){merge->rank, at, merge->id});
}

/* Of all possible merges the one of the lowest rank is done, of equal ones the leftmost, until none
 * is possible. Every merge makes at most two new chances. */
static void merge_all(const byol__bpe *bpe, symbol *symbols, int32_t count, queue *q) {
    q->count = 0;
    for (int32_t i = 0; i + 1 < count; i++) note_chance(bpe, symbols, i, q);
    while (q->count > 0) {
        chance c = pop(q);
        if (symbols[c.at].id < 0) continue;
        const byol__merge *merge = merge_at(bpe, symbols, c.at);
        if (merge == NULL || merge->id != c.id) continue; // its symbols have changed since
        symbol *left = &symbols[c.at], *right = &symbols[left->next];
        left->id = c.id;
        left->next = right->next;
        right->id = -1;
        if (left->next >= 0) symbols[left->next].previous = c.at;
        note_chance(bpe, symbols, left->previous, q);
        note_chance(bpe, symbols, c.at, q);
    }
}

/* The word's bytes as symbols. Bytes that the vocabulary lacks are unknown, or left out. */
static int32_t begin(const byol_tokenizer *tokenizer, const char *word, size_t length,
                     symbol *symbols) {
    const byol__bpe *bpe = &tokenizer->bpe;
    int32_t count = 0;
    bool unknown = false;
    for (size_t i = 0; i < length; i++) {
        int32_t id = bpe->byte_ids[(unsigned char)word[i]];
        bool fused = id < 0 && unknown && bpe->fuse_unknown;
        unknown = id < 0;
        if (unknown) id = tokenizer->unknown;
        if (id < 0 || fused) continue;
        symbols[count] = (symbol){id, count - 1, count + 1};
        count++;
    }
    if (count > 0) symbols[count - 1].next = -1;
    return count;
}

/* The id of the whole word as it would stand in the vocabulary, or -1. */
static byol_status find_whole(const byol_tokenizer *tokenizer, byol_text_buffer *room,
                              const char *word, size_t length, int32_t *id, byol_error *error) {
    BYOL__TRY(byol__text_reserve(room, 2 * length, 1, error));
    char *text = room->bytes;
    size_t used = 0;
    for (size_t i = 0; i < length; i++)
        used += byol__utf8_write(text + used, byol__byte_character((unsigned char)word[i]));
    const byol__vocabulary *vocabulary = &tokenizer->vocabulary;
    int64_t number = byol__string_find(&vocabulary->tokens, text, used);
    bool known = number >= 0 && number < vocabulary->of_model;
    *id = known ? ((const int32_t *)vocabulary->ids.bytes)[number] : -1;
    return BYOL_OK;
}

byol_status byol__bpe_encode(const byol_tokenizer *tokenizer, byol_tokenizer_scratch *scratch,
                             const char *word, size_t length, byol__ids *out, byol_error *error) {
    if (length > INT32_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "a word has %zu bytes; %d are possible",
                          length, INT32_MAX);
    byol_text_buffer *room = &scratch->buffer[BYOL__SYMBOLS];
    if (tokenizer->bpe.whole_words) {
        int32_t id;
        BYOL__TRY(find_whole(tokenizer, room, word, length, &id, error));
        if (id >= 0) byol__ids_put(out, id);
        if (id >= 0) return BYOL_OK;
    }
    queue q = {0};
    BYOL__TRY(byol__text_reserve(room, length, sizeof(symbol), error));
    BYOL__TRY(byol__text_reserve(&scratch->buffer[BYOL__QUEUE], 3 * length, sizeof(chance), error));
    symbol *symbols = room->bytes;
    q.chance = scratch->buffer[BYOL__QUEUE].bytes;
    int32_t count = begin(tokenizer, word, length, symbols);
    merge_all(&tokenizer->bpe, symbols, count, &q);
    for (int32_t i = 0; i < count; i++)
        if (symbols[i].id >= 0) byol__ids_put(out, symbols[i].id);
    return BYOL_OK;
}
