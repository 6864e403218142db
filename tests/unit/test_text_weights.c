/* Files of weights say of what kind their encoder is, in three places that must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "folder.h"
#include "state/checkpoint.h"

static byol_status next_text(void *context, size_t index, const char **text, size_t *length,
                             byol_error *error) {
    (void)context, (void)error;
    *text = index == 0 ? "the sun is warm" : "the rain is cold";
    *length = strlen(*text);
    return BYOL_OK;
}

static byol_tokenizer *learned(void) {
    byol_tokenizer *tokenizer;
    byol_tokenizer_options options;
    byol_error error;
    const byol_texts texts = {2, next_text, NULL};
    byol_tokenizer_options_init(&options);
    if (byol_tokenizer_train(&tokenizer, &options, &texts, NULL, NULL, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return tokenizer;
}

/* Writes a file of one number that says this, and opens it. */
static byol_status open_with(const char *encoder, int channels, const byol_tokenizer *tokenizer,
                             byol_error *error) {
    float value = 1;
    byol__param row = {.name = "a", .dims = {1}, .ndims = 1, .count = 1};
    const byol__table table = {.rows = &row, .count = 1, .total = 1, .section_end = {1}};
    const byol__arena arena = {"", &table, 0, &value};
    byol__origin origin = {.channels = channels, .tokenizer = tokenizer}, read;
    byol__safetensors *file;
    byol_config_init(&origin.config);
    assert_int_equal(byol_config_set(&origin.config, "encoder.name", encoder, error), BYOL_OK);
    assert_int_equal(byol__checkpoint_write(in_folder("w"), &arena, 1, &origin, error), BYOL_OK);
    byol_status status = byol__checkpoint_open(&file, in_folder("w"), &read, error);
    if (status == BYOL_OK) byol__safetensors_close(file);
    return status;
}

static void name_channels_and_tokenizer_must_agree(void **state) {
    (void)state;
    byol_tokenizer *tokenizer = learned();
    const struct {
        const char *encoder;
        int channels;
        bool has_tokenizer;
        byol_status expected;
    } files[] = {
        {"conv4", 3, false, BYOL_OK},           {"transformer", 0, true, BYOL_OK},
        {"conv4", 0, false, BYOL_ERROR_FORMAT}, {"transformer", 0, false, BYOL_ERROR_FORMAT},
        {"conv4", 3, true, BYOL_ERROR_FORMAT},  {"transformer", 3, true, BYOL_ERROR_FORMAT},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        byol_error error = {0};
        byol_status status = open_with(files[i].encoder, files[i].channels,
                                       files[i].has_tokenizer ? tokenizer : NULL, &error);
        assert_int_equal(status, files[i].expected);
        if (status != BYOL_OK) assert_non_null(strstr(error.text, "do not go together"));
    }
    byol_tokenizer_free(tokenizer);
}

static void the_tokenizer_comes_back(void **state) {
    (void)state;
    byol_tokenizer *tokenizer = learned(), *back;
    byol_error error;
    byol__safetensors *file;
    size_t length, other;
    assert_int_equal(open_with("transformer", 0, tokenizer, &error), BYOL_OK);
    assert_int_equal(byol__safetensors_open(&file, in_folder("w"), &error), BYOL_OK);
    assert_int_equal(byol__checkpoint_tokenizer(file, "w", &back, &error), BYOL_OK);
    const char *json = byol_tokenizer_json(tokenizer, &length);
    assert_string_equal(byol_tokenizer_json(back, &other), json);
    assert_int_equal(other, length);
    byol__safetensors_close(file);
    byol_tokenizer_free(back);
    byol_tokenizer_free(tokenizer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(name_channels_and_tokenizer_must_agree, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_tokenizer_comes_back, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
