/* The page of texts beside their views: it shows what training gets, whatever the texts hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/sheet.h"
#include "folder.h"
#include "input/input.h"
#include "input/loader.h"
#include "markup.h"
#include "tiny.h"

enum { COUNT = 12, LENGTH = 12, BATCH = 4 };

static const char *const lines[COUNT] = {"one small step for a man",
                                         "the quick brown fox jumps over the lazy dog",
                                         "to be or not to be",
                                         "all is well that ends well",
                                         "the sun also rises over a hill",
                                         "a man a plan a canal panama",
                                         "it was the best of times",
                                         "call me by my name",
                                         "the dog and the fox are lazy",
                                         "small is the step over the hill",
                                         "not all that rises is the sun",
                                         "the best man for the plan"};

static byol_source *source_of(const char *const *texts, size_t count) {
    byol_source *source;
    byol_error error = {0};
    if (byol_source_from_texts(&source, texts, NULL, NULL, count, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return source;
}

static byol_config text_config(void) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "encoder.name", "transformer", NULL);
    byol_config_set(&config, "views.mask", "0.3", NULL);
    byol_config_set(&config, "views.swap", "0.2", NULL);
    config.data.length = LENGTH;
    config.train.seed = 5;
    return config;
}

/* Owned: byol__free. */
static char *page_of(const byol_config *config, const byol_source *source, int count,
                     byol_text_sheet_info *info) {
    char *page;
    size_t length;
    byol_error error = {0};
    const char *out = in_folder("views.html");
    if (byol_text_sheet_write(out, config, source, count, NULL, NULL, info, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(byol__read_file(out, &page, &length, &error), BYOL_OK);
    assert_int_equal(strlen(page), length);
    expect_well_formed(page);
    expect_self_contained(page);
    return page;
}

/* Where figure `number` begins. */
static const char *figure(const char *page, int number) {
    for (int i = 0; i <= number; i++) {
        page = strstr(page + (i > 0), "<figure class=\"text-views\">");
        assert_non_null(page);
    }
    return page;
}

/* The tokens of row `name` of a figure, a blank behind each. */
static void row_of(const char *at, const char *name, char row[1024]) {
    char begin[64];
    snprintf(begin, sizeof begin, "<b>%s</b>", name);
    at = strstr(at, begin);
    assert_non_null(at);
    const char *end = strstr(at, "</p>");
    row[0] = '\0';
    while ((at = strstr(at, "<span ")) != NULL && at < end) {
        at = strchr(at, '>') + 1;
        size_t used = strlen(row), length = strcspn(at, "<");
        assert_true(used + length + 2 < 1024);
        snprintf(row + used, 1024 - used, "%.*s ", (int)length, at);
    }
}

/* Tokens as they stand in the vocabulary, without the padding. */
static void tokens_of(const byol_tokenizer *tokenizer, const int32_t *ids, char row[1024]) {
    row[0] = '\0';
    for (int i = 0; i < LENGTH && ids[i] != 0; i++) {
        size_t used = strlen(row);
        snprintf(row + used, 1024 - used, "%s ", byol_tokenizer_token(tokenizer, ids[i]));
    }
}

static void views_are_those_of_the_first_epoch(void **state) {
    (void)state;
    byol_source *source = source_of(lines, COUNT);
    byol_config config = text_config();
    byol_text_sheet_info info;
    byol_tokenizer *tokenizer;
    byol__loader *loader;
    char *page = page_of(&config, source, COUNT, &info);
    assert_int_equal(info.texts, COUNT);
    assert_int_equal(info.views, 2);
    assert_int_equal(info.length, LENGTH);
    assert_string_equal(info.remark, "");
    assert_int_equal(byol__tokenizer_make(&tokenizer, source, &config, NULL), BYOL_OK);
    byol__loader_options options = {.batch_size = BATCH, .seed = config.train.seed, .threads = 1};
    byol__view_list_make(&options.views, &config);
    options.views.tokenizer = tokenizer;
    assert_int_equal(byol__loader_create(&loader, source, &options, NULL), BYOL_OK);
    int masked = 0;
    for (int i = 0; i < COUNT; i++) {
        static byol__batch batch;
        if (i % BATCH == 0) assert_int_equal(byol__loader_next(loader, &batch, NULL), BYOL_OK);
        const char *at = figure(page, (int)batch.indices[i % BATCH]);
        for (int view = 0; view < 2; view++) {
            char shown[1024], expected[1024];
            row_of(at, view == 0 ? "view 1" : "view 2", shown);
            tokens_of(tokenizer, (const int32_t *)batch.view[view] + i % BATCH * LENGTH, expected);
            assert_string_equal(shown, expected);
            masked += strstr(shown, "[MASK]") != NULL;
        }
    }
    assert_in_range(masked, 1, 2 * COUNT);
    assert_int_equal(occurrences(page, "class=\"mask\">[MASK]"), occurrences(page, "[MASK]"));
    assert_null(strstr(page, "[PAD]"));
    byol__loader_free(loader);
    byol_tokenizer_free(tokenizer);
    byol__free(page);
    byol_source_free(source);
}

static void texts_are_whole_and_spread_over_the_source(void **state) {
    (void)state;
    byol_source *source = source_of(lines, COUNT);
    byol_config config = text_config();
    byol_text_sheet_info info;
    char row[1024], *page = page_of(&config, source, 3, &info);
    assert_int_equal(info.texts, 3);
    assert_int_equal(occurrences(page, "<figure "), 3);
    const char *const names[] = {"text 0", "text 4", "text 8"};
    expect_words(page, names, 3);
    row_of(figure(page, 2), "text", row);
    assert_non_null(strstr(row, "the dog "));
    byol__free(page);
    page = page_of(&config, source, 100, &info);
    assert_int_equal(info.texts, COUNT);
    byol__free(page);
    byol_source_free(source);
}

static void markup_in_a_text_becomes_text(void **state) {
    (void)state;
    const char *const texts[] = {"<script>alert(1)</script> & \"so\" on", "plain words"};
    byol_source *source = source_of(texts, 2);
    byol_config config = text_config();
    byol_text_sheet_info info;
    char *page = page_of(&config, source, 2, &info);
    assert_int_equal(occurrences(page, "<script>"), 1); /* the page's own */
    const char *const words[] = {"&lt;</span>", "&amp;</span>", "&quot;</span>"};
    expect_words(page, words, 3);
    byol__free(page);
    byol_source_free(source);
}

static void of_a_long_text_the_rest_is_counted(void **state) {
    (void)state;
    static char text[4 * 620];
    for (int i = 0; i < 610; i++) strcat(text, "the ");
    const char *const texts[] = {text};
    byol_source *source = source_of(texts, 1);
    byol_config config = text_config();
    byol_text_sheet_info info;
    char *page = page_of(&config, source, 1, &info);
    assert_non_null(strstr(page, "and 110 more</p>"));
    byol__free(page);
    byol_source_free(source);
}

/* Each byte of it is a token: decoded alone, none of them is a character. */
static void a_part_of_a_character_is_shown_as_in_the_vocabulary(void **state) {
    (void)state;
    const char *const texts[] = {"\xe4\xb8\xad", "line\nline"};
    byol_source *source = source_of(texts, 2);
    byol_config config = text_config();
    config.data.byte_level = 1;
    byol_text_sheet_info info;
    char *page = page_of(&config, source, 2, &info);
    assert_null(strstr(page, "\xef\xbf\xbd"));
    const char *const words[] = {">\xc3\xa4</span>", ">\xc4\x8a</span>"}; /* 0xe4, the newline */
    expect_words(page, words, 2);
    byol__free(page);
    byol_source_free(source);
}

/* Renames the mask token in a file of a tokenizer. */
static void write_without_mask(const char *path, const byol_source *source,
                               const byol_config *config) {
    byol_tokenizer *tokenizer;
    size_t length;
    assert_int_equal(byol__tokenizer_make(&tokenizer, source, config, NULL), BYOL_OK);
    char *json = strdup(byol_tokenizer_json(tokenizer, &length));
    for (char *at = json; (at = strstr(at, "[MASK]")) != NULL;) memcpy(at, "[NONE]", 6);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(json, file);
    fclose(file);
    free(json);
    byol_tokenizer_free(tokenizer);
}

static void what_has_no_effect_is_remarked(void **state) {
    (void)state;
    byol_source *source = source_of(lines, COUNT);
    byol_config config = text_config();
    byol_text_sheet_info info;
    write_without_mask(in_folder("t.json"), source, &config);
    snprintf(config.data.tokenizer, sizeof config.data.tokenizer, "%s", in_folder("t.json"));
    char *page = page_of(&config, source, 2, &info);
    assert_non_null(strstr(info.remark, "no mask token"));
    assert_null(strstr(page, "class=\"mask\""));
    byol__free(page);
    byol_source_free(source);
}

static int stop_at_two(void *context, uint64_t done, uint64_t total) {
    (void)context, (void)total;
    return done == 2;
}

static void what_cannot_be_done_leaves_no_page(void **state) {
    (void)state;
    byol_source *source = source_of(lines, COUNT), *images = tiny_source();
    byol_config config = text_config();
    byol_error error = {0};
    const char *out = in_folder("none.html"), *nowhere = in_folder("no/folder/none.html");
    assert_int_equal(byol_text_sheet_write(out, &config, source, 0, NULL, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_text_sheet_write(out, &config, images, 9, NULL, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "these are images"));
    assert_int_equal(
        byol_text_sheet_write(out, &config, source, 9, stop_at_two, NULL, NULL, &error),
        BYOL_ERROR_CANCELLED);
    assert_int_equal(byol_text_sheet_write(nowhere, &config, source, 9, NULL, NULL, NULL, &error),
                     BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, nowhere));
    snprintf(config.data.tokenizer, sizeof config.data.tokenizer, "%s", in_folder("t.json"));
    assert_int_equal(byol_text_sheet_write(out, &config, source, 9, NULL, NULL, NULL, &error),
                     BYOL_ERROR_NOT_FOUND);
    assert_false(byol__is_file(out));
    byol_source_free(images);
    byol_source_free(source);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(views_are_those_of_the_first_epoch),
        IN_A_FOLDER(texts_are_whole_and_spread_over_the_source),
        IN_A_FOLDER(markup_in_a_text_becomes_text),
        IN_A_FOLDER(of_a_long_text_the_rest_is_counted),
        IN_A_FOLDER(a_part_of_a_character_is_shown_as_in_the_vocabulary),
        IN_A_FOLDER(what_has_no_effect_is_remarked),
        IN_A_FOLDER(what_cannot_be_done_leaves_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
