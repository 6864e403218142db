#include "text/bpe_learn.h"

#include <string.h>

#include "base/error.h"
#include "text/id_pairs.h"

/* Which words a pair is in: a list. Places are counted from 1; 0 ends a list. */
typedef struct place {
    uint32_t word, next;
} place;

/* How often a pair is there now, and the words that were noted for it in this round. */
typedef struct pair_state {
    int64_t count;
    uint32_t places;
} pair_state;

/* A pair that may be merged. Its count may have sunk since; its words are those in which it came
 * about in one round. As in Hugging Face's trainer a pair has several of these if it came about in
 * several rounds, so that the same merges are learned. */
typedef struct candidate {
    int64_t count;
    uint64_t key;
    uint32_t pair, places;
} candidate;

typedef struct learning {
    byol__learn *learn;
    byol__id_pairs pairs;
    byol_text_buffer states;  /* pair_state, by number in `pairs` */
    byol_text_buffer touched; /* uint32_t: the pairs that have new places */
    byol_text_buffer queue;   /* candidate: a binary heap; its length is in elements */
    byol_text_buffer places;  /* place */
    uint32_t free_places;
    byol_text_buffer text; /* of a new token */
    byol_error *error;
} learning;

/* ---- The queue ---- */

static bool comes_first(const candidate *a, const candidate *b) {
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static byol_status push(learning *l, candidate c) {
    size_t i = l->queue.length;
    BYOL__TRY(byol__text_reserve(&l->queue, i + 1, sizeof c, l->error));
    candidate *heap = l->queue.bytes;
    for (; i > 0 && comes_first(&c, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = c;
    l->queue.length++;
    return BYOL_OK;
}

static candidate pop(learning *l) {
    candidate *heap = l->queue.bytes;
    size_t count = --l->queue.length, i = 0;
    candidate top = heap[0], c = heap[count];
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && comes_first(&heap[child + 1], &heap[child])) child++;
        if (!comes_first(&heap[child], &c)) break;
        heap[i] = heap[child];
    }
    heap[i] = c;
    return top;
}

/* ---- Pairs and where they are ---- */

static byol_status new_place(learning *l, uint32_t word, uint32_t next, uint32_t *number) {
    place *places = l->places.bytes;
    *number = l->free_places;
    if (*number != 0) {
        l->free_places = places[*number - 1].next;
        places[*number - 1] = (place){word, next};
        return BYOL_OK;
    }
    size_t count = l->places.length / sizeof *places;
    if (count == UINT32_MAX)
        return byol__fail(l->error, BYOL_ERROR_UNSUPPORTED,
                          "the texts have too many different words to learn from");
    *number = (uint32_t)count + 1;
    return byol__text_append(&l->places, &(place){word, next}, sizeof(place), l->error);
}

/* Notes that a pair is `change` times more (or less) in a word. */
static byol_status change_pair(learning *l, uint32_t left, uint32_t right, uint32_t word,
                               int64_t change) {
    uint32_t number, known = l->pairs.count;
    BYOL__TRY(byol__pair_add(&l->pairs, byol__pair_key(left, right), &number, l->error));
    if (number == known)
        BYOL__TRY(byol__text_append(&l->states, &(pair_state){0}, sizeof(pair_state), l->error));
    pair_state *state = (pair_state *)l->states.bytes + number;
    state->count += change;
    if (change < 0) return BYOL_OK;
    if (state->places == 0)
        BYOL__TRY(byol__text_append(&l->touched, &number, sizeof number, l->error));
    else if (((const place *)l->places.bytes)[state->places - 1].word == word)
        return BYOL_OK; // words come one after the other, so this is all that can be twice
    return new_place(l, word, state->places, &state->places);
}

/* What was touched in this round becomes candidates. */
static byol_status queue_touched(learning *l) {
    const uint32_t *touched = l->touched.bytes,
                   count = (uint32_t)(l->touched.length / sizeof *touched);
    for (uint32_t i = 0; i < count; i++) {
        pair_state *state = (pair_state *)l->states.bytes + touched[i];
        uint64_t key = ((const uint64_t *)l->pairs.keys.bytes)[touched[i]];
        if (state->count > 0)
            BYOL__TRY(push(l, (candidate){state->count, key, touched[i], state->places}));
        state->places = 0;
    }
    l->touched.length = 0;
    return BYOL_OK;
}

static byol_status count_pairs(learning *l) {
    const byol__learn_word *words = l->learn->words.bytes;
    size_t count = l->learn->words.length / sizeof *words;
    for (size_t w = 0; w < count; w++) {
        const uint32_t *symbols = (const uint32_t *)l->learn->symbols.bytes + words[w].start;
        for (uint32_t i = 0; i + 1 < words[w].length; i++)
            BYOL__TRY(change_pair(l, symbols[i], symbols[i + 1], (uint32_t)w, words[w].count));
    }
    return queue_touched(l);
}

/* ---- Merging ---- */

/* The new token's text is that of both, without the prefix of the second. */
static byol_status name_token(learning *l, uint32_t left, uint32_t right, uint32_t *token) {
    byol__string_table *tokens = &l->learn->tokens;
    size_t length, prefix = strlen(l->learn->prefix);
    const char *text = byol__string(tokens, left, &length);
    l->text.length = 0;
    BYOL__TRY(byol__text_append(&l->text, text, length, l->error));
    text = byol__string(tokens, right, &length);
    if (length < prefix || memcmp(text, l->learn->prefix, prefix) != 0) prefix = 0;
    BYOL__TRY(byol__text_append(&l->text, text + prefix, length - prefix, l->error));
    return byol__string_add(tokens, l->text.bytes, l->text.length, token, l->error);
}

static byol_status merge_in_word(learning *l, uint32_t w, uint32_t left, uint32_t right,
                                 uint32_t token) {
    byol__learn_word *word = (byol__learn_word *)l->learn->words.bytes + w;
    uint32_t *s = (uint32_t *)l->learn->symbols.bytes + word->start, to = 0;
    for (uint32_t from = 0; from < word->length;) {
        if (s[from] != left || from + 1 == word->length || s[from + 1] != right) {
            s[to++] = s[from++];
            continue;
        }
        from += 2;
        if (to > 0) {
            BYOL__TRY(change_pair(l, s[to - 1], left, w, -word->count));
            BYOL__TRY(change_pair(l, s[to - 1], token, w, word->count));
        }
        if (from < word->length) {
            BYOL__TRY(change_pair(l, right, s[from], w, -word->count));
            BYOL__TRY(change_pair(l, token, s[from], w, word->count));
        }
        s[to++] = token;
    }
    word->length = to;
    return BYOL_OK;
}

static byol_status merge(learning *l, const candidate *c) {
    uint32_t left = (uint32_t)(c->key >> 32), right = (uint32_t)c->key, token;
    BYOL__TRY(name_token(l, left, right, &token));
    BYOL__TRY(byol__text_append(&l->learn->merges, &c->key, sizeof c->key, l->error));
    for (uint32_t at = c->places, next; at != 0; at = next) {
        place *places = l->places.bytes;
        uint32_t word = places[at - 1].word;
        next = places[at - 1].next;
        places[at - 1].next = l->free_places;
        l->free_places = at;
        BYOL__TRY(merge_in_word(l, word, left, right, token));
    }
    return queue_touched(l);
}

static byol_status learn_all(learning *l, byol_progress progress, void *context, uint64_t done,
                             uint64_t total) {
    enum { BETWEEN = 64 }; /* merges between two calls of progress */
    BYOL__TRY(count_pairs(l));
    for (size_t round = 0; l->learn->tokens.count < l->learn->vocabulary && l->queue.length > 0;
         round++) {
        if (progress != NULL && round % BETWEEN == 0 &&
            progress(context, done + l->learn->tokens.count, total) != 0)
            return byol__fail(l->error, BYOL_ERROR_CANCELLED, "stopped after %u of %zu tokens",
                              l->learn->tokens.count, l->learn->vocabulary);
        candidate c = pop(l);
        int64_t now = ((const pair_state *)l->states.bytes)[c.pair].count;
        if (c.count != now) { // other merges have taken some of it
            c.count = now;
            BYOL__TRY(push(l, c));
            continue;
        }
        if (now < 1 || now < l->learn->min_frequency) break;
        BYOL__TRY(merge(l, &c));
    }
    return BYOL_OK;
}

byol_status byol__bpe_learn(byol__learn *learn, byol_progress progress, void *context,
                            uint64_t done, uint64_t total, byol_error *error) {
    learning l = {.learn = learn, .error = error};
    byol_status status = learn_all(&l, progress, context, done, total);
    byol__id_pairs_release(&l.pairs);
    byol__text_release(&l.states);
    byol__text_release(&l.touched);
    byol__text_release(&l.queue);
    byol__text_release(&l.places);
    byol__text_release(&l.text);
    return status;
}

void byol__learn_release(byol__learn *learn) {
    byol__text_release(&learn->symbols);
    byol__text_release(&learn->words);
    byol__string_table_release(&learn->tokens);
    byol__text_release(&learn->merges);
}
