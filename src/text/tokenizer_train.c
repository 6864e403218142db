#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "text/characters.h"
#include "text/tokenizer_parts.h"
#include "text/tokenizer_write.h"

enum {
    LONGEST_WORD = 1024,     /* bytes; what is longer is learned from in parts, to stay fast */
    VOCABULARY_MAX = 1 << 24 /* what a file may have */
};

void byol_tokenizer_options_init(byol_tokenizer_options *options) {
    *options = (byol_tokenizer_options){.model = BYOL_TOKENIZER_WORDPIECE,
                                        .vocabulary = 30000,
                                        .lowercase = true,
                                        .min_frequency = 2,
                                        .alphabet = 1000,
                                        .prefix_space = true};
}

typedef struct training {
    const byol_tokenizer_options *options;
    byol_tokenizer *rules; /* a tokenizer with the same rules and no vocabulary to speak of */
    byol_tokenizer_scratch scratch;
    byol__string_table words;
    byol_text_buffer counts; /* int64_t, by word */
    byol__learn learn;
    byol_progress progress;
    void *context;
    uint64_t done, total;
} training;

static bool is_bytes(const training *t) { return t->options->model == BYOL_TOKENIZER_BYTE_BPE; }

/* ---- Words ---- */

static byol_status count_word(void *context, const char *word, size_t length, byol_error *error) {
    training *t = context;
    for (size_t at = 0, size; at < length; at += size) {
        size = length - at < LONGEST_WORD ? length - at : LONGEST_WORD;
        while (!is_bytes(t) && at + size < length && byol__utf8_continues(word[at + size])) size--;
        uint32_t number, known = t->words.count;
        BYOL__TRY(byol__string_add(&t->words, word + at, size, &number, error));
        if (number == known)
            BYOL__TRY(byol__text_append(&t->counts, &(int64_t){0}, sizeof(int64_t), error));
        ((int64_t *)t->counts.bytes)[number]++;
    }
    return BYOL_OK;
}

static byol_status count_words_of(training *t, const char *text, size_t length, byol_error *error) {
    size_t valid = byol__utf8_valid(text, length);
    if (valid < length)
        return byol__fail(error, BYOL_ERROR_FORMAT, "byte %zu, 0x%02X, is not UTF-8", valid,
                          (unsigned)(unsigned char)text[valid]);
    byol_text_buffer *buffer = t->scratch.buffer;
    BYOL__TRY(byol__normalize(&t->rules->normalizer, &buffer[BYOL__NORMAL],
                              &buffer[BYOL__CHARACTERS], text, length, &text, &length, error));
    return byol__cut_words(&t->rules->cutter, &buffer[BYOL__PREFIXED], text, length,
                           &(byol__word_sink){count_word, t}, error);
}

static byol_status count_words(training *t, const byol_texts *texts, byol_error *error) {
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = NULL;
        size_t length = 0;
        BYOL__TRY(texts->text(texts->context, i, &text, &length, error));
        byol_status status = count_words_of(t, text, length, error);
        if (status != BYOL_OK) return byol__fail_within(error, status, "text %zu", i);
        t->done = i + 1;
        if (t->progress != NULL && t->progress(t->context, t->done, t->total) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu texts", i + 1,
                              texts->count);
    }
    if (t->words.count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the texts have no word in them; there is nothing to learn");
    return BYOL_OK;
}

/* ---- The alphabet ---- */

/* A character of the texts, as text. */
typedef struct letter {
    const char *text; /* borrowed from the table that counts */
    size_t length;
    int64_t count;
} letter;

/* UTF-8 is ordered as the characters are. */
static int by_character(const void *a, const void *b) {
    return strcmp(((const letter *)a)->text, ((const letter *)b)->text);
}

static int by_count(const void *a, const void *b) {
    const letter *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return by_character(a, b);
}

static byol_status add_token(training *t, const char *prefix, const char *text, byol_error *error) {
    char token[16];
    uint32_t number;
    size_t length = strlen(prefix);
    memcpy(token, prefix, length);
    memcpy(token + length, text, strlen(text) + 1);
    return byol__string_add(&t->learn.tokens, token, strlen(token), &number, error);
}

/* Counts characters; those that continue a word are counted in `inside` too. */
static byol_status count_letters(training *t, byol__string_table *table, byol_text_buffer *letters,
                                 byol__string_table *inside, byol_error *error) {
    for (uint32_t w = 0; w < t->words.count; w++) {
        size_t length, size;
        const char *word = byol__string(&t->words, w, &length);
        for (size_t at = 0; at < length; at += size) {
            int32_t c;
            uint32_t number, known = table->count;
            size = byol__utf8_read(word + at, &c);
            BYOL__TRY(byol__string_add(table, word + at, size, &number, error));
            if (number == known)
                BYOL__TRY(byol__text_append(letters, &(letter){0}, sizeof(letter), error));
            ((letter *)letters->bytes)[number].count += ((const int64_t *)t->counts.bytes)[w];
            if (at > 0) BYOL__TRY(byol__string_add(inside, word + at, size, &number, error));
        }
    }
    for (uint32_t i = 0; i < table->count; i++) {
        letter *each = (letter *)letters->bytes + i;
        each->text = byol__string(table, i, &each->length);
    }
    return BYOL_OK;
}

/* The most frequent characters in their order, then those that continue a word, with the prefix. */
static byol_status add_letters(training *t, byol_text_buffer *letters,
                               const byol__string_table *inside, byol_error *error) {
    letter *letter_of = letters->bytes;
    size_t count = letters->length / sizeof *letter_of, limit = (size_t)t->options->alphabet;
    qsort(letter_of, count, sizeof *letter_of, by_count);
    if (limit > 0 && count > limit) count = limit;
    qsort(letter_of, count, sizeof *letter_of, by_character);
    for (size_t i = 0; i < count; i++) BYOL__TRY(add_token(t, "", letter_of[i].text, error));
    for (size_t i = 0; i < count; i++)
        if (byol__string_find(inside, letter_of[i].text, letter_of[i].length) >= 0)
            BYOL__TRY(add_token(t, t->learn.prefix, letter_of[i].text, error));
    return BYOL_OK;
}

static byol_status add_alphabet(training *t, byol_error *error) {
    byol__string_table table = {0}, inside = {0};
    byol_text_buffer letters = {0};
    byol_status status = count_letters(t, &table, &letters, &inside, error);
    if (status == BYOL_OK) status = add_letters(t, &letters, &inside, error);
    byol__string_table_release(&table);
    byol__string_table_release(&inside);
    byol__text_release(&letters);
    return status;
}

static byol_status add_bytes(training *t, byol_error *error) {
    for (int32_t c = 0; c < 512; c++) {
        char text[8];
        if (byol__character_byte(c) < 0) continue;
        text[byol__utf8_write(text, c)] = '\0';
        BYOL__TRY(add_token(t, "", text, error));
    }
    return BYOL_OK;
}

static byol_status add_first_tokens(training *t, byol_error *error) {
    const char *const *names = byol__special_names(t->options->model);
    for (int i = 0; i < BYOL__SPECIAL_COUNT; i++) BYOL__TRY(add_token(t, "", names[i], error));
    BYOL__TRY(is_bytes(t) ? add_bytes(t, error) : add_alphabet(t, error));
    if (t->learn.tokens.count <= (size_t)t->options->vocabulary) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "a vocabulary of %d tokens is too small: the special tokens and the "
                      "characters are %u%s",
                      t->options->vocabulary, t->learn.tokens.count,
                      is_bytes(t) ? "" : " (a limit to the alphabet makes them fewer)");
}

/* ---- Words as ids ---- */

/* The id of a character, or -1 where the alphabet has been limited and lacks it. */
static int64_t id_of(const training *t, const char *text, size_t length, bool inside) {
    const byol__string_table *tokens = &t->learn.tokens;
    const char *prefix = inside ? t->learn.prefix : "";
    uint64_t hash = byol__hash(byol__hash_begin(), prefix, strlen(prefix));
    return byol__string_find_joined(tokens, byol__hash(hash, text, length), prefix, strlen(prefix),
                                    text, length);
}

static byol_status add_word(training *t, const char *word, size_t length, int64_t count,
                            const int64_t byte_ids[256], byol_error *error) {
    byol_text_buffer *symbols = &t->learn.symbols;
    byol__learn_word out = {symbols->length / sizeof(uint32_t), 0, count};
    for (size_t at = 0, size; at < length; at += size) {
        int32_t c;
        size = is_bytes(t) ? 1 : byol__utf8_read(word + at, &c);
        int64_t id =
            is_bytes(t) ? byte_ids[(unsigned char)word[at]] : id_of(t, word + at, size, at > 0);
        if (id < 0) continue;
        BYOL__TRY(byol__text_append(symbols, &(uint32_t){(uint32_t)id}, sizeof(uint32_t), error));
        out.length++;
    }
    return byol__text_append(&t->learn.words, &out, sizeof out, error);
}

static byol_status add_words(training *t, byol_error *error) {
    int64_t byte_ids[256];
    for (int byte = 0; byte < 256; byte++) {
        char text[4];
        size_t length = byol__utf8_write(text, byol__byte_character((unsigned char)byte));
        byte_ids[byte] = id_of(t, text, length, false);
    }
    for (uint32_t w = 0; w < t->words.count; w++) {
        size_t length;
        const char *word = byol__string(&t->words, w, &length);
        BYOL__TRY(
            add_word(t, word, length, ((const int64_t *)t->counts.bytes)[w], byte_ids, error));
    }
    return BYOL_OK;
}

/* ---- The whole ---- */

static byol_status check_options(const byol_tokenizer_options *o, const byol_texts *texts,
                                 byol_error *error) {
    if (o->model != BYOL_TOKENIZER_WORDPIECE && o->model != BYOL_TOKENIZER_BYTE_BPE)
        return byol__fail(error, BYOL_ERROR_INVALID, "there is no model of the number %d",
                          (int)o->model);
    if (o->vocabulary < 1 || o->vocabulary > VOCABULARY_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a vocabulary of %d tokens is impossible; it has from 1 to %d",
                          o->vocabulary, VOCABULARY_MAX);
    if (o->min_frequency < 0 || o->alphabet < 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the least frequency (%d) and the alphabet's limit (%d) are not negative",
                          o->min_frequency, o->alphabet);
    if (texts->count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "there are no texts to learn from");
    return BYOL_OK;
}

/* Reads the file of a tokenizer that has learned nothing, so that texts are prepared for training
 * by the same rules as later for encoding. */
static byol_status make_rules(training *t, byol_error *error) {
    const char *const *names = byol__special_names(t->options->model);
    byol__learn nothing = {.prefix = ""};
    byol_text_buffer json = {0};
    byol_status status = BYOL_OK;
    uint32_t number;
    for (int i = 0; i < BYOL__SPECIAL_COUNT && status == BYOL_OK; i++)
        status = byol__string_add(&nothing.tokens, names[i], strlen(names[i]), &number, error);
    if (status == BYOL_OK) status = byol__tokenizer_write(t->options, &nothing, &json, error);
    if (status == BYOL_OK)
        status = byol_tokenizer_parse(&t->rules, json.bytes, json.length, "rules", error);
    byol__learn_release(&nothing);
    byol__text_release(&json);
    return status;
}

static byol_status train(training *t, const byol_texts *texts, byol_tokenizer **out,
                         byol_error *error) {
    byol__learn *learn = &t->learn;
    learn->prefix = is_bytes(t) ? "" : "##";
    learn->vocabulary = (size_t)t->options->vocabulary;
    learn->min_frequency = t->options->min_frequency;
    BYOL__TRY(make_rules(t, error));
    BYOL__TRY(count_words(t, texts, error));
    BYOL__TRY(add_first_tokens(t, error));
    BYOL__TRY(add_words(t, error));
    byol__string_table_release(&t->words);
    BYOL__TRY(byol__bpe_learn(learn, t->progress, t->context, t->done, t->total, error));
    byol_text_buffer json = {0};
    byol_status status = byol__tokenizer_write(t->options, learn, &json, error);
    if (status == BYOL_OK)
        status = byol_tokenizer_parse(out, json.bytes, json.length, "trained tokenizer", error);
    byol__text_release(&json);
    return status;
}

byol_status byol_tokenizer_train(byol_tokenizer **out, const byol_tokenizer_options *options,
                                 const byol_texts *texts, byol_progress progress, void *context,
                                 byol_error *error) {
    *out = NULL;
    BYOL__TRY(check_options(options, texts, error));
    training t = {.options = options, .progress = progress, .context = context};
    t.total = texts->count + (uint64_t)options->vocabulary;
    byol_status status = train(&t, texts, out, error);
    byol_tokenizer_free(t.rules);
    byol_tokenizer_scratch_release(&t.scratch);
    byol__string_table_release(&t.words);
    byol__text_release(&t.counts);
    byol__learn_release(&t.learn);
    return status;
}
