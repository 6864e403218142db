/* Tokenizers: what they make of a text is worked out by hand here; tests/cli/test_tokenizers.sh
 * holds them against Hugging Face's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byol/tokenizer.h"
#include "folder.h"

/* ---- Small tokenizers ---- */

#define BERT "{\"type\": \"BertNormalizer\", \"lowercase\": true}"
#define BERT_WORDS "{\"type\": \"BertPreTokenizer\"}"
#define AROUND "{\"type\": \"BertProcessing\", \"cls\": [\"[CLS]\", 2], \"sep\": [\"[SEP]\", 3]}"
#define PIECES "{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true}"
#define VOCABULARY                                                                                 \
    "{\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, \"[MASK]\": 4, \"un\": 5, "          \
    "\"##aff\": 6, \"##able\": 7, \"a\": 8, \"##a\": 9, \"##f\": 10, \"cafe\": 11, \",\": 12, "    \
    "\".\": 13, \"\xE4\xB8\xAD\": 14, \"unaff\": 15}"
#define MODEL                                                                                      \
    "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", "  \
    "\"max_input_chars_per_word\": 12, \"vocab\": " VOCABULARY "}"

/* Two of the 256 characters and what can be made of them. */
#define BPE_VOCABULARY                                                                             \
    "{\"<pad>\": 0, \"a\": 1, \"b\": 2, \"\xC4\xA0\": 3, \"ab\": 4, \"aba\": 5, \"ba\": 6, "       \
    "\"\xC4\xA0"                                                                                   \
    "ab\": 7, \"\xC3\xA3\": 8}"
#define BPE_MERGES "\"a b\", \"ab a\", \"b a\", \"\xC4\xA0 ab\""
#define BPE(merges)                                                                                \
    "{\"dropout\": null, \"unk_token\": null, \"vocab\": " BPE_VOCABULARY ", \"merges\": [" merges \
    "]}"
#define BYTES "{\"type\": \"ByteLevel\", \"add_prefix_space\": false}"

/* A file of these parts; a NULL leaves the part out. */
typedef struct parts {
    const char *normalizer, *words, *around, *decoder, *model, *added;
} parts;

static const parts bert = {BERT, BERT_WORDS, AROUND, PIECES, MODEL, NULL};
static const parts bytes = {NULL, BYTES, NULL, BYTES, BPE(BPE_MERGES), NULL};

static byol_status parse(byol_tokenizer **out, const parts *p, byol_error *error) {
    char json[8192];
    const char *const name[] = {"normalizer", "pre_tokenizer", "post_processor", "decoder"};
    const char *const part[] = {p->normalizer, p->words, p->around, p->decoder};
    int used = snprintf(json, sizeof json, "{\"added_tokens\": [%s]", p->added ? p->added : "");
    for (int i = 0; i < 4; i++)
        used += snprintf(json + used, sizeof json - (size_t)used, ", \"%s\": %s", name[i],
                         part[i] ? part[i] : "null");
    used += snprintf(json + used, sizeof json - (size_t)used, ", \"model\": %s}", p->model);
    assert_true(used < (int)sizeof json);
    return byol_tokenizer_parse(out, json, (size_t)used, "test", error);
}

static byol_tokenizer *made(const parts *p) {
    byol_tokenizer *tokenizer;
    byol_error error = {0};
    byol_status status = parse(&tokenizer, p, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, BYOL_OK);
    return tokenizer;
}

static void assert_refused(const parts *p, byol_status expected, const char *words) {
    byol_tokenizer *tokenizer;
    byol_error error = {0};
    assert_int_equal(parse(&tokenizer, p, &error), expected);
    assert_null(tokenizer);
    if (strstr(error.text, words) == NULL) fail_msg("'%s' does not say '%s'", error.text, words);
}

/* ---- Texts and ids ---- */

enum { ROOM = 64 };

/* The ids of a text as "1 2 3". */
static const char *ids_of(const byol_tokenizer *tokenizer, const char *text, size_t length,
                          bool special, size_t capacity, size_t *count) {
    static char out[16 * ROOM];
    byol_tokenizer_scratch scratch = {0};
    byol_error error = {0};
    int32_t ids[ROOM];
    assert_int_equal(byol_tokenizer_encode(tokenizer, text, length, special, &scratch, ids,
                                           capacity, count, &error),
                     BYOL_OK);
    int used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < *count && i < capacity; i++)
        used += snprintf(out + used, sizeof out - (size_t)used, i > 0 ? " %d" : "%d", (int)ids[i]);
    byol_tokenizer_scratch_release(&scratch);
    return out;
}

static void assert_ids(const byol_tokenizer *tokenizer, const char *text, const char *expected) {
    size_t count;
    assert_string_equal(ids_of(tokenizer, text, strlen(text), false, ROOM, &count), expected);
}

static void assert_ids_of_part(const parts *p, const char *text, const char *expected) {
    byol_tokenizer *tokenizer = made(p);
    assert_ids(tokenizer, text, expected);
    byol_tokenizer_free(tokenizer);
}

/* ---- Encoding ---- */

static void a_word_is_cut_into_its_longest_known_pieces(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    assert_ids(t, "unaffable", "15 7");
    assert_ids(t, "un", "5");
    assert_ids(t, "unaf", "5 9 10");
    assert_ids(t, "unable", "5 7");
    assert_ids(t, "a aa", "8 8 9");
    byol_tokenizer_free(t);
}

static void a_word_with_an_unknown_part_is_unknown_as_a_whole(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    assert_ids(t, "unx a", "1 8");
    assert_ids(t, "able", "1"); // known only inside of a word
    assert_ids(t, "aaaaaaaaaaaa", "8 9 9 9 9 9 9 9 9 9 9 9");
    assert_ids(t, "aaaaaaaaaaaaa", "1"); // 13 characters
    byol_tokenizer_free(t);
}

static void a_text_is_made_ready_as_bert_does(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    assert_ids(t, "CAF\xC3\x89", "11");                  // capital, composed accent
    assert_ids(t, "cafe\xCC\x81", "11");                 // an accent of its own
    assert_ids(t, "a,a.", "8 12 8 13");                  // punctuation stands alone
    assert_ids(t, "\ta\xC2\xA0\n a\xE3\x80\x80", "8 8"); // white space of all kinds
    assert_ids(t, "u\xE2\x80\x8Bn\x01", "5");            // control characters go
    assert_ids(t, "a\xE4\xB8\xAD\xE4\xB8\xAD", "8 14 14");
    byol_tokenizer_free(t);
}

static void merges_are_done_in_the_order_of_learning(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bytes);
    assert_ids(t, "ab", "4");
    assert_ids(t, "aba", "5");   // a b first, then ab a
    assert_ids(t, "bab", "2 4"); // not ba b, which was learned later
    assert_ids(t, "bba", "2 6");
    assert_ids(t, "abaab", "5 4");
    assert_ids(t, "ab ab", "4 7");
    assert_ids(t, "axb", "4"); // a byte that the vocabulary lacks is left out
    byol_tokenizer_free(t);
}

static void merges_may_be_texts_or_pairs(void **state) {
    (void)state;
    parts p = bytes;
    p.model = BPE("\"#version: 0.2\", [\"a\", \"b\"], [\"ab\", \"a\"], [\"b\", \"a\"], "
                  "[\"\xC4\xA0\", \"ab\"]");
    assert_ids_of_part(&p, "aba bab", "5 3 2 4");
    assert_ids_of_part(&bytes, "aba bab", "5 3 2 4");
}

static void a_prefix_space_makes_the_first_word_like_others(void **state) {
    (void)state;
    parts p = bytes;
    p.words = "{\"type\": \"ByteLevel\", \"add_prefix_space\": true}";
    assert_ids_of_part(&p, "ab ab", "7 7");
    assert_ids_of_part(&p, " ab", "7");
    assert_ids_of_part(&p, "", "");
}

static void special_tokens_stand_around_a_text(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    size_t count;
    assert_string_equal(ids_of(t, "un a", 4, true, ROOM, &count), "2 5 8 3");
    assert_int_equal(count, 4);
    assert_string_equal(ids_of(t, "", 0, true, ROOM, &count), "2 3");
    assert_string_equal(ids_of(t, NULL, 0, true, ROOM, &count), "2 3");
    assert_string_equal(ids_of(t, "", 0, false, ROOM, &count), "");
    assert_int_equal(count, 0);
    byol_tokenizer_free(t);
}

static void a_template_and_a_list_of_post_processors_are_followed(void **state) {
    (void)state;
    parts p = bert;
    p.around = "{\"type\": \"Sequence\", \"processors\": [" AROUND
               ", {\"type\": \"ByteLevel\"}, {\"type\": \"TemplateProcessing\", \"single\": ["
               "{\"SpecialToken\": {\"id\": \"x\", \"type_id\": 0}}, "
               "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}, "
               "{\"SpecialToken\": {\"id\": \"y\", \"type_id\": 0}}], \"pair\": [], "
               "\"special_tokens\": {\"x\": {\"id\": \"x\", \"ids\": [8, 9], \"tokens\": []}, "
               "\"y\": {\"id\": \"y\", \"ids\": [10], \"tokens\": []}}}]}";
    byol_tokenizer *t = made(&p);
    size_t count;
    assert_string_equal(ids_of(t, "un", 2, true, ROOM, &count), "8 9 2 5 3 10");
    byol_tokenizer_info info;
    byol_tokenizer_describe(t, &info);
    assert_int_equal(info.added_before, 3);
    assert_int_equal(info.added_after, 2);
    byol_tokenizer_free(t);
}

static void what_does_not_fit_is_cut_from_the_text(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    size_t count;
    assert_string_equal(ids_of(t, "un a , . a", 10, true, 4, &count), "2 5 8 3");
    assert_int_equal(count, 7); // as many as there would be
    assert_string_equal(ids_of(t, "un a", 4, true, 2, &count), "2 3");
    assert_string_equal(ids_of(t, "un unx a", 8, false, 2, &count), "5 1");
    assert_int_equal(count, 3);
    assert_string_equal(ids_of(t, "un a", 4, true, 0, &count), "");
    assert_int_equal(count, 4);
    int32_t id;
    byol_error error = {0};
    byol_tokenizer_scratch scratch = {0};
    assert_int_equal(byol_tokenizer_encode(t, "a", 1, true, &scratch, &id, 1, &count, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "2 of them are special tokens"));
    byol_tokenizer_free(t);
}

static void added_tokens_are_found_before_all_else(void **state) {
    (void)state;
    parts p = bert;
    p.added = "{\"id\": 4, \"content\": \"[MASK]\", \"special\": true, \"lstrip\": true}, "
              "{\"id\": 20, \"content\": \"UN\", \"normalized\": true, \"single_word\": true}, "
              "{\"id\": 21, \"content\": \"a.a\", \"normalized\": false, \"rstrip\": true}, "
              "{\"id\": 22, \"content\": \"a.a.\", \"normalized\": false}, "
              "{\"id\": 23, \"content\": \"A.A\", \"normalized\": false}";
    byol_tokenizer *t = made(&p);
    assert_ids(t, "a[MASK]a", "8 4 8");
    assert_ids(t, "[mask]", "1 1 1"); // it is looked for in the text as it is
    assert_ids(t, "un Un unaf", "20 20 5 9 10");
    assert_ids(t, "a.aa", "21 8");
    assert_ids(t, "a.a.a", "22 8"); // the longest
    assert_ids(t, "A.Aa.a", "23 21");
    byol_tokenizer_info info;
    byol_tokenizer_describe(t, &info);
    assert_int_equal(info.vocabulary, 24);
    assert_null(byol_tokenizer_token(t, 19)); // a gap
    assert_string_equal(byol_tokenizer_token(t, 20), "UN");
    byol_tokenizer_free(t);
}

static void an_added_token_is_no_piece_of_a_word(void **state) {
    (void)state;
    parts p = bert;
    p.added = "{\"id\": 20, \"content\": \"una\", \"single_word\": true}";
    assert_ids_of_part(&p, "unaf una", "5 9 10 20");
}

static void invalid_utf8_is_named_by_its_offset(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *offset;
    } bad[] = {{"\xFF", "byte 0"},
               {"abcdefghij\x80", "byte 10"},
               {"ab\xC3", "byte 2"},
               {"a\xC0\x80", "byte 1"},
               {"\xED\xA0\x80", "byte 0"},
               {"\xE4\xB8", "byte 0"},
               {"\xF4\x90\x80\x80", "byte 0"},
               {"\xF0\x8F\x80\x80", "byte 0"},
               {"\xE0\x9F\xBF", "byte 0"}};
    byol_tokenizer *t = made(&bert);
    byol_tokenizer_scratch scratch = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        byol_error error = {0};
        size_t count;
        assert_int_equal(byol_tokenizer_encode(t, bad[i].text, strlen(bad[i].text), true, &scratch,
                                               NULL, 0, &count, &error),
                         BYOL_ERROR_FORMAT);
        assert_non_null(strstr(error.text, bad[i].offset));
    }
    byol_tokenizer_scratch_release(&scratch);
    byol_tokenizer_free(t);
}

static void a_nul_does_not_end_a_text(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    size_t count;
    assert_string_equal(ids_of(t, "u\0n a", 5, false, ROOM, &count), "5 8");
    byol_tokenizer_free(t);
    t = made(&bytes);
    assert_string_equal(ids_of(t, "ab\0ab", 5, false, ROOM, &count), "4 4");
    byol_tokenizer_free(t);
}

static size_t count_ids(const byol_tokenizer *t, const char *text, size_t length) {
    byol_tokenizer_scratch scratch = {0};
    size_t count = 0;
    assert_int_equal(byol_tokenizer_encode(t, text, length, false, &scratch, NULL, 0, &count, NULL),
                     BYOL_OK);
    byol_tokenizer_scratch_release(&scratch);
    return count;
}

/* Were one of these quadratic, the test would take days. */
static void a_line_of_ten_megabytes_takes_a_moment(void **state) {
    (void)state;
    enum { LENGTH = 10 << 20 };
    char *text = malloc(LENGTH);
    assert_non_null(text);
    byol_tokenizer *word = made(&bert), *byte = made(&bytes);
    memset(text, 'a', LENGTH); // a word without an end
    assert_int_equal(count_ids(word, text, LENGTH), 1);
    assert_int_equal(count_ids(byte, text, LENGTH), LENGTH);
    for (size_t i = 0; i < LENGTH; i++) text[i] = "ab"[i % 2];
    assert_int_equal(count_ids(byte, text, LENGTH), LENGTH / 2);
    for (size_t i = 0; i < LENGTH; i++) text[i] = "a "[i % 2];
    assert_int_equal(count_ids(word, text, LENGTH), LENGTH / 2);
    for (size_t i = 0; i < LENGTH; i++) text[i] = "\xCC\x81\xCC\xA3"[i % 4]; // marks out of order
    text[0] = text[1] = 'a';
    assert_int_equal(count_ids(word, text, LENGTH), 2);
    byol_tokenizer_free(word);
    byol_tokenizer_free(byte);
    free(text);
}

static void the_second_text_needs_no_more_memory(void **state) {
    (void)state;
    static const char text[] = "A caf\xC3\xA9, un\xC3\xA4"
                               "ffable ab ab aba. A caf\xC3\xA9, unaffable";
    const parts *both[] = {&bert, &bytes};
    for (int i = 0; i < 2; i++) {
        byol_tokenizer *t = made(both[i]);
        byol_tokenizer_scratch scratch = {0}, before;
        for (int repeat = 0; repeat < 2; repeat++) {
            before = scratch;
            size_t count;
            assert_int_equal(byol_tokenizer_encode(t, text, sizeof text - 1, true, &scratch, NULL,
                                                   0, &count, NULL),
                             BYOL_OK);
        }
        for (int b = 0; b < 8; b++) {
            assert_ptr_equal(scratch.buffer[b].bytes, before.buffer[b].bytes);
            assert_int_equal(scratch.buffer[b].capacity, before.buffer[b].capacity);
        }
        byol_tokenizer_scratch_release(&scratch);
        byol_tokenizer_free(t);
    }
}

static void threads_share_a_tokenizer(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    int wrong = 0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
    for (int i = 0; i < 400; i++) {
        byol_tokenizer_scratch scratch = {0};
        int32_t ids[4] = {0};
        size_t count = 0;
        byol_status status =
            byol_tokenizer_encode(t, "Caf\xC3\xA9 un", 8, true, &scratch, ids, 4, &count, NULL);
        wrong += status != BYOL_OK || count != 4 || ids[1] != 11 || ids[2] != 5;
        byol_tokenizer_scratch_release(&scratch);
    }
    assert_int_equal(wrong, 0);
    byol_tokenizer_free(t);
}

/* ---- Decoding ---- */

static void assert_text(const byol_tokenizer *t, const int32_t *ids, size_t count, bool special,
                        const char *expected) {
    byol_tokenizer_scratch scratch = {0};
    byol_error error = {0};
    const char *text;
    size_t length;
    assert_int_equal(
        byol_tokenizer_decode(t, ids, count, special, &scratch, &text, &length, &error), BYOL_OK);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    byol_tokenizer_scratch_release(&scratch);
}

static void ids_become_text_again(void **state) {
    (void)state;
    parts p = bert;
    p.added = "{\"id\": 2, \"content\": \"[CLS]\", \"special\": true}, "
              "{\"id\": 3, \"content\": \"[SEP]\", \"special\": true}";
    byol_tokenizer *t = made(&p);
    const int32_t ids[] = {2, 5, 6, 7, 12, 8, 13, 3};
    assert_text(t, ids, 8, false, "unaffable, a.");
    assert_text(t, ids, 8, true, "[CLS] unaffable, a. [SEP]");
    assert_text(t, ids, 0, true, "");
    assert_text(t, ids + 2, 2, true, "##affable"); // the first keeps its prefix
    byol_tokenizer_free(t);
    p.decoder = NULL;
    t = made(&p);
    assert_text(t, ids, 3, true, "[CLS] un ##aff");
    byol_tokenizer_free(t);
}

static void bytes_that_are_no_text_become_replacement_characters(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bytes);
    const int32_t ids[] = {7, 5, 8, 1}; // 8 is the byte 0xE3, which begins a character
    assert_text(t, ids, 4, true,
                " ababa\xEF\xBF\xBD"
                "a");
    assert_text(t, ids + 2, 1, true, "\xEF\xBF\xBD");
    byol_tokenizer_free(t);
}

static void an_id_that_there_is_not_is_refused(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    byol_tokenizer_scratch scratch = {0};
    const int32_t wrong[] = {16, -1, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        byol_error error = {0};
        const char *text;
        size_t length;
        assert_int_equal(
            byol_tokenizer_decode(t, &wrong[i], 1, true, &scratch, &text, &length, &error),
            BYOL_ERROR_INVALID);
        assert_non_null(strstr(error.text, "not in the vocabulary; it has ids from 0 to 15"));
    }
    byol_tokenizer_scratch_release(&scratch);
    byol_tokenizer_free(t);
}

static void tokens_are_found_by_text_and_by_id(void **state) {
    (void)state;
    byol_tokenizer *t = made(&bert);
    byol_tokenizer_info info;
    byol_tokenizer_describe(t, &info);
    assert_int_equal(info.model, BYOL_TOKENIZER_WORDPIECE);
    assert_int_equal(info.vocabulary, 16);
    assert_int_equal(info.special.pad, 0);
    assert_int_equal(info.special.unk, 1);
    assert_int_equal(info.special.cls, 2);
    assert_int_equal(info.special.sep, 3);
    assert_int_equal(info.special.mask, 4);
    for (int32_t id = 0; id < 16; id++)
        assert_int_equal(byol_tokenizer_id(t, byol_tokenizer_token(t, id)), id);
    assert_int_equal(byol_tokenizer_id(t, "nothing"), -1);
    assert_null(byol_tokenizer_token(t, 16));
    assert_null(byol_tokenizer_token(t, -1));
    byol_tokenizer_free(t);
    t = made(&bytes);
    byol_tokenizer_describe(t, &info);
    assert_int_equal(info.special.pad, 0);
    assert_int_equal(info.special.unk, -1);
    assert_int_equal(info.special.mask, -1);
    byol_tokenizer_free(t);
}

/* ---- Files ---- */

static void parts_that_are_not_known_are_named(void **state) {
    (void)state;
    parts p = bert;
    p.normalizer = "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Precompiled\"}]}";
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "normalizer 'Precompiled'");
    p = bert;
    p.words = "{\"type\": \"Metaspace\"}";
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "pre-tokenizer 'Metaspace'");
    p = bert;
    p.around = "{\"type\": \"Other\"}";
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "post-processor 'Other'");
    p = bert;
    p.decoder = "{\"type\": \"CTC\"}";
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "decoder 'CTC'");
    p = bert;
    p.model = "{\"type\": \"Unigram\", \"vocab\": []}";
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "model 'Unigram'");
    p = bert;
    p.words = BYTES;
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "WordPiece with the pre-tokenizer ByteLevel");
    p = bytes;
    p.words = BERT_WORDS;
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "BPE without the pre-tokenizer ByteLevel");
    p.words = "{\"type\": \"Sequence\", \"pretokenizers\": [" BYTES ", " BERT_WORDS "]}";
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "'BertPreTokenizer' stands behind ByteLevel");
    p = bytes;
    p.model = "{\"type\": \"BPE\", \"dropout\": 0.1, \"vocab\": {\"a\": 0}, \"merges\": []}";
    assert_refused(&p, BYOL_ERROR_UNSUPPORTED, "'dropout'");
}

static void a_model_that_contradicts_itself_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *model, *words;
    } bad[] = {
        {"{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"vocab\": {\"a\": 0}}",
         "does not have '[UNK]'"},
        {"{\"type\": \"WordPiece\", \"vocab\": {\"a\": 0}}", "names no token for what is unknown"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\", \"vocab\": {}}", "no vocabulary"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\"}", "no vocabulary"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\", \"vocab\": {\"a\": \"b\"}}",
         "the id of token 'a' is not a number"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\", \"vocab\": {\"a\": -1}}", "the id -1"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\", \"vocab\": {\"a\": 99999999999}}",
         "the id 99999999999"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\", \"vocab\": {\"a\": 1, \"b\": 1}}",
         "'a' and 'b' have the same id 1"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\", \"vocab\": {\"a\": 1, \"a\": 2}}",
         "duplicate"},
        {"{\"type\": \"WordPiece\", \"unk_token\": \"a\", \"max_input_chars_per_word\": -3, "
         "\"vocab\": {\"a\": 0}}",
         "max_input_chars_per_word"},
        {"null", "no model"},
    };
    parts p = {.model = NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p.model = bad[i].model;
        assert_refused(&p, BYOL_ERROR_FORMAT, bad[i].words);
    }
}

static void a_merge_of_what_is_not_there_is_refused(void **state) {
    (void)state;
    parts p = bytes;
    p.model = BPE("\"a b\", \"b x\"");
    assert_refused(&p, BYOL_ERROR_FORMAT, "merge 1: it needs 'x'");
    p.model = BPE("\"b b\"");
    assert_refused(&p, BYOL_ERROR_FORMAT, "merge 0: it needs 'bb'");
    p.model = BPE("\"ab\"");
    assert_refused(&p, BYOL_ERROR_FORMAT, "merge 0: it is not two tokens");
    p.model = BPE("[\"a\"]");
    assert_refused(&p, BYOL_ERROR_FORMAT, "merge 0: it is not two tokens");
    p.model = BPE("[\"a\", 1]");
    assert_refused(&p, BYOL_ERROR_FORMAT, "merge 0: it is not two tokens");
    p.model = "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}}";
    assert_refused(&p, BYOL_ERROR_FORMAT, "no list 'merges'");
}

static void added_tokens_and_post_processors_must_agree_with_the_vocabulary(void **state) {
    (void)state;
    parts p = bert;
    p.added = "{\"id\": 9, \"content\": \"[MASK]\"}";
    assert_refused(&p, BYOL_ERROR_FORMAT, "has the id 9, but the vocabulary gives it 4");
    p.added = "{\"id\": 9, \"content\": \"new\"}";
    assert_refused(&p, BYOL_ERROR_FORMAT, "have the same id 9");
    p.added = "{\"content\": \"new\"}";
    assert_refused(&p, BYOL_ERROR_FORMAT, "no 'id'");
    p = bert;
    p.around = "{\"type\": \"BertProcessing\", \"cls\": [\"[CLS]\", 2], \"sep\": [\"[SEP]\", 77]}";
    assert_refused(&p, BYOL_ERROR_FORMAT, "an id that is not in the vocabulary");
    p.around = "{\"type\": \"TemplateProcessing\", \"single\": []}";
    assert_refused(&p, BYOL_ERROR_FORMAT, "has no text in it");
    p.around =
        "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"q\"}}]}";
    assert_refused(&p, BYOL_ERROR_FORMAT, "names 'q'");
}

/* ---- Training ---- */

typedef struct some_texts {
    const char *const *text;
    size_t fail_at;
} some_texts;

static byol_status give(void *context, size_t index, const char **text, size_t *length,
                        byol_error *error) {
    const some_texts *texts = context;
    if (index == texts->fail_at) {
        snprintf(error->text, sizeof error->text, "no such text");
        return BYOL_ERROR_IO;
    }
    *text = texts->text[index];
    *length = strlen(*text);
    return BYOL_OK;
}

static byol_status train(byol_tokenizer **out, const byol_tokenizer_options *options,
                         const char *const *text, size_t count, byol_error *error) {
    some_texts some = {text, SIZE_MAX};
    byol_texts texts = {count, give, &some};
    return byol_tokenizer_train(out, options, &texts, NULL, NULL, error);
}

static byol_tokenizer *trained(byol_tokenizer_model model, int size, const char *const *text,
                               size_t count) {
    byol_tokenizer_options options;
    byol_tokenizer_options_init(&options);
    options.model = model;
    options.vocabulary = size;
    byol_tokenizer *out;
    byol_error error = {0};
    byol_status status = train(&out, &options, text, count, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, BYOL_OK);
    return out;
}

static const char *const hugs[] = {"hug pug hug, pun Bun", "hug hugs hugs pug bun bun"};

static void frequent_pairs_become_tokens(void **state) {
    (void)state;
    // hug and bun are there 3 times, pug and hugs 2 times, pun once; pug has smaller ids than hugs
    static const char *const expected[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",",
                                           "b",     "g",     "h",     "n",     "p",      "s",
                                           "u",     "##g",   "##n",   "##s",   "##u",    "##ug",
                                           "hug",   "##un",  "bun",   "pug",   "hugs"};
    byol_tokenizer *t = trained(BYOL_TOKENIZER_WORDPIECE, 100, hugs, 2);
    byol_tokenizer_info info;
    byol_tokenizer_describe(t, &info);
    assert_int_equal(info.vocabulary, sizeof expected / sizeof *expected);
    for (int32_t i = 0; i < (int32_t)info.vocabulary; i++)
        assert_string_equal(byol_tokenizer_token(t, i), expected[i]);
    assert_ids(t, "HUGS pun", "22 10 19");
    byol_tokenizer_free(t);
}

static void bytes_are_learned_without_the_unknown(void **state) {
    (void)state;
    byol_tokenizer *t = trained(BYOL_TOKENIZER_BYTE_BPE, 265, hugs, 2);
    byol_tokenizer_info info;
    byol_tokenizer_describe(t, &info);
    assert_int_equal(info.vocabulary, 265);
    assert_int_equal(info.special.pad, 0);
    assert_int_equal(info.special.mask, 4);
    assert_string_equal(byol_tokenizer_token(t, 5), "!");
    assert_string_equal(byol_tokenizer_token(t, 261), "ug");
    byol_tokenizer_scratch scratch = {0};
    const char text[] = "hugs \xE2\x82\xAC\0\x7F\xF0\x9F\x98\x80\n", *back;
    int32_t ids[ROOM];
    size_t count, length;
    byol_error error = {0};
    assert_int_equal(
        byol_tokenizer_encode(t, text, sizeof text - 1, true, &scratch, ids, ROOM, &count, &error),
        BYOL_OK);
    assert_int_equal(ids[0], info.special.cls);
    assert_int_equal(ids[count - 1], info.special.sep);
    for (size_t i = 0; i < count; i++) assert_int_not_equal(ids[i], info.special.unk);
    assert_int_equal(byol_tokenizer_decode(t, ids, count, false, &scratch, &back, &length, &error),
                     BYOL_OK);
    assert_int_equal(length, sizeof text); // and the space before it
    assert_memory_equal(back + 1, text, sizeof text - 1);
    byol_tokenizer_scratch_release(&scratch);
    byol_tokenizer_free(t);
}

static void the_same_texts_give_the_same_file(void **state) {
    (void)state;
    for (int model = 0; model < 2; model++) {
        byol_tokenizer *one = trained((byol_tokenizer_model)model, 270, hugs, 2);
        byol_tokenizer *other = trained((byol_tokenizer_model)model, 270, hugs, 2);
        size_t length, other_length;
        const char *json = byol_tokenizer_json(one, &length);
        assert_string_equal(json, byol_tokenizer_json(other, &other_length));
        assert_int_equal(length, other_length);
        byol_tokenizer_free(one);
        byol_tokenizer_free(other);
    }
}

static void what_is_saved_is_loaded_and_saved_again_byte_by_byte(void **state) {
    (void)state;
    for (int model = 0; model < 2; model++) {
        byol_tokenizer *t = trained((byol_tokenizer_model)model, 270, hugs, 2), *again;
        byol_error error = {0};
        const char *path = in_folder("tokenizer.json");
        assert_int_equal(byol_tokenizer_save(t, path, &error), BYOL_OK);
        assert_int_equal(byol_tokenizer_load(&again, path, &error), BYOL_OK);
        size_t length, again_length;
        const char *json = byol_tokenizer_json(t, &length);
        assert_string_equal(json, byol_tokenizer_json(again, &again_length));
        assert_int_equal(length, again_length);
        size_t count;
        char ids[ROOM * 16];
        snprintf(ids, sizeof ids, "%s", ids_of(t, "pug hugs", 8, true, ROOM, &count));
        assert_string_equal(ids, ids_of(again, "pug hugs", 8, true, ROOM, &count));
        byol_tokenizer_free(t);
        byol_tokenizer_free(again);
    }
    byol_tokenizer *none;
    byol_error error = {0};
    assert_int_equal(byol_tokenizer_load(&none, in_folder("nothing.json"), &error),
                     BYOL_ERROR_NOT_FOUND);
    assert_null(none);
    byol_tokenizer_free(none);
}

static void rare_pairs_and_rare_characters_are_left_out(void **state) {
    (void)state;
    byol_tokenizer_options options;
    byol_tokenizer_options_init(&options);
    options.min_frequency = 4;
    options.alphabet = 4; // g h n u: p and b are rarer than n, s and the comma too
    byol_tokenizer *t;
    byol_error error = {0};
    assert_int_equal(train(&t, &options, hugs, 2, &error), BYOL_OK);
    assert_int_equal(byol_tokenizer_id(t, "p"), -1);
    assert_int_equal(byol_tokenizer_id(t, "##s"), -1);
    assert_true(byol_tokenizer_id(t, "hug") >= 0); // 5 times
    assert_int_equal(byol_tokenizer_id(t, "pug"), -1);
    byol_tokenizer_free(t);
}

static void accents_go_with_capitals_and_stay_with_them(void **state) {
    (void)state;
    const char *const text[] = {"\xC3\x89t\xC3\xA9 \xC3\x89t\xC3\xA9"};
    byol_tokenizer_options options;
    byol_tokenizer_options_init(&options);
    byol_tokenizer *t;
    byol_error error = {0};
    assert_int_equal(train(&t, &options, text, 1, &error), BYOL_OK);
    assert_true(byol_tokenizer_id(t, "ete") >= 0);
    byol_tokenizer_free(t);
    options.lowercase = false;
    assert_int_equal(train(&t, &options, text, 1, &error), BYOL_OK);
    assert_true(byol_tokenizer_id(t, text[0]) < 0);
    assert_true(byol_tokenizer_id(t, "\xC3\x89t\xC3\xA9") >= 0);
    byol_tokenizer_free(t);
}

static void impossible_options_are_refused(void **state) {
    (void)state;
    static const struct {
        byol_tokenizer_model model;
        int vocabulary, frequency, alphabet;
        size_t texts;
        const char *words;
    } bad[] = {{BYOL_TOKENIZER_BYTE_BPE, 260, 0, 0, 2, "the characters are 261"},
               {BYOL_TOKENIZER_WORDPIECE, 12, 0, 0, 2, "a vocabulary of 12 tokens is too small"},
               {BYOL_TOKENIZER_WORDPIECE, 0, 0, 0, 2, "a vocabulary of 0 tokens"},
               {BYOL_TOKENIZER_WORDPIECE, 100, -1, 0, 2, "not negative"},
               {BYOL_TOKENIZER_WORDPIECE, 100, 0, -1, 2, "not negative"},
               {BYOL_TOKENIZER_WORDPIECE, 100, 0, 0, 0, "no texts"},
               {(byol_tokenizer_model)7, 100, 0, 0, 2, "no model of the number 7"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        byol_tokenizer_options options = {bad[i].model,     bad[i].vocabulary, true,
                                          bad[i].frequency, bad[i].alphabet,   true};
        byol_tokenizer *t;
        byol_error error = {0};
        assert_int_equal(train(&t, &options, hugs, bad[i].texts, &error), BYOL_ERROR_INVALID);
        assert_null(t);
        assert_non_null(strstr(error.text, bad[i].words));
    }
}

static int stop_at(void *context, uint64_t done, uint64_t total) {
    assert_true(done <= total);
    return done >= *(const uint64_t *)context;
}

static void a_text_that_cannot_be_had_ends_training(void **state) {
    (void)state;
    byol_tokenizer_options options;
    byol_tokenizer_options_init(&options);
    byol_tokenizer *t;
    byol_error error = {0};
    const char *const broken[] = {"fine", "not\xFF"}, *const empty[] = {"", " \n"};
    assert_int_equal(train(&t, &options, broken, 2, &error), BYOL_ERROR_FORMAT);
    assert_non_null(strstr(error.text, "text 1: byte 3"));
    assert_int_equal(train(&t, &options, empty, 2, &error), BYOL_ERROR_INVALID);
    some_texts some = {hugs, 1};
    byol_texts texts = {2, give, &some};
    assert_int_equal(byol_tokenizer_train(&t, &options, &texts, NULL, NULL, &error), BYOL_ERROR_IO);
    assert_string_equal(error.text, "no such text");
    some.fail_at = SIZE_MAX;
    for (uint64_t at = 1; at < 4; at += 2) { // among the texts, among the merges
        assert_int_equal(byol_tokenizer_train(&t, &options, &texts, stop_at, &at, &error),
                         BYOL_ERROR_CANCELLED);
        assert_null(t);
    }
}

/* A word of more letters than any page has: the time must not be that of its square. */
static void a_text_without_spaces_is_learned_from(void **state) {
    (void)state;
    enum { LENGTH = 2 << 20 };
    char *text = malloc(LENGTH + 1);
    assert_non_null(text);
    uint32_t number = 1;
    for (size_t i = 0; i < LENGTH; i++) {
        number = number * 1664525u + 1013904223u;
        text[i] = (char)('a' + (number >> 24) % 26);
    }
    text[LENGTH] = '\0';
    const char *const texts[] = {text};
    byol_tokenizer *t = trained(BYOL_TOKENIZER_BYTE_BPE, 600, texts, 1);
    byol_tokenizer_info info;
    byol_tokenizer_describe(t, &info);
    assert_int_equal(info.vocabulary, 600);
    byol_tokenizer_free(t);
    free(text);
}

/* ---- Damage ---- */

static void every_truncation_is_refused(void **state) {
    (void)state;
    byol_tokenizer *t = trained(BYOL_TOKENIZER_WORDPIECE, 40, hugs, 2), *cut;
    size_t length;
    const char *json = byol_tokenizer_json(t, &length);
    for (size_t i = 0; i + 2 < length; i++) { // a last newline may be missing
        byol_error error = {0};
        assert_int_equal(byol_tokenizer_parse(&cut, json, i, "cut.json", &error),
                         BYOL_ERROR_FORMAT);
        assert_non_null(strstr(error.text, "cut.json: line "));
    }
    byol_tokenizer_free(t);
}

/* What is changed at random is refused, or is a tokenizer that works; it never does harm. */
static void a_damaged_file_does_no_harm(void **state) {
    (void)state;
    for (int model = 0; model < 2; model++) {
        byol_tokenizer *t = trained((byol_tokenizer_model)model, 262, hugs, 2), *other;
        size_t length, count;
        const char *json = byol_tokenizer_json(t, &length);
        char *damaged = malloc(length);
        assert_non_null(damaged);
        byol_tokenizer_scratch scratch = {0};
        uint32_t number = 1;
        for (int i = 0; i < 1500; i++) {
            memcpy(damaged, json, length);
            for (int change = 0; change < 2; change++) {
                number = number * 1664525u + 1013904223u;
                damaged[(number >> 8) % length] = "0129\"{}[],:#nft"[number >> 4 & 15];
            }
            if (byol_tokenizer_parse(&other, damaged, length, "damaged", NULL) != BYOL_OK) continue;
            int32_t ids[ROOM];
            byol_tokenizer_encode(other, "Hug pugs <s>[MASK]", 18, true, &scratch, ids, ROOM,
                                  &count, NULL);
            byol_tokenizer_free(other);
        }
        byol_tokenizer_scratch_release(&scratch);
        free(damaged);
        byol_tokenizer_free(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_cut_into_its_longest_known_pieces),
        cmocka_unit_test(a_word_with_an_unknown_part_is_unknown_as_a_whole),
        cmocka_unit_test(a_text_is_made_ready_as_bert_does),
        cmocka_unit_test(merges_are_done_in_the_order_of_learning),
        cmocka_unit_test(merges_may_be_texts_or_pairs),
        cmocka_unit_test(a_prefix_space_makes_the_first_word_like_others),
        cmocka_unit_test(special_tokens_stand_around_a_text),
        cmocka_unit_test(a_template_and_a_list_of_post_processors_are_followed),
        cmocka_unit_test(what_does_not_fit_is_cut_from_the_text),
        cmocka_unit_test(added_tokens_are_found_before_all_else),
        cmocka_unit_test(an_added_token_is_no_piece_of_a_word),
        cmocka_unit_test(invalid_utf8_is_named_by_its_offset),
        cmocka_unit_test(a_nul_does_not_end_a_text),
        cmocka_unit_test(a_line_of_ten_megabytes_takes_a_moment),
        cmocka_unit_test(the_second_text_needs_no_more_memory),
        cmocka_unit_test(threads_share_a_tokenizer),
        cmocka_unit_test(ids_become_text_again),
        cmocka_unit_test(bytes_that_are_no_text_become_replacement_characters),
        cmocka_unit_test(an_id_that_there_is_not_is_refused),
        cmocka_unit_test(tokens_are_found_by_text_and_by_id),
        cmocka_unit_test(parts_that_are_not_known_are_named),
        cmocka_unit_test(a_model_that_contradicts_itself_is_refused),
        cmocka_unit_test(a_merge_of_what_is_not_there_is_refused),
        cmocka_unit_test(added_tokens_and_post_processors_must_agree_with_the_vocabulary),
        cmocka_unit_test(frequent_pairs_become_tokens),
        cmocka_unit_test(bytes_are_learned_without_the_unknown),
        cmocka_unit_test(the_same_texts_give_the_same_file),
        cmocka_unit_test_setup_teardown(what_is_saved_is_loaded_and_saved_again_byte_by_byte,
                                        make_folder, remove_folder),
        cmocka_unit_test(rare_pairs_and_rare_characters_are_left_out),
        cmocka_unit_test(accents_go_with_capitals_and_stay_with_them),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(a_text_that_cannot_be_had_ends_training),
        cmocka_unit_test(a_text_without_spaces_is_learned_from),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_damaged_file_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
