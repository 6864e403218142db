/* The option table and everything that goes through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byol/config.h"
#include "comma.h"
#include "config/options.h"

static byol_status parse(byol_config *config, const char *yaml, byol_error *error) {
    return byol_config_parse(config, yaml, strlen(yaml), "file.yaml", error);
}

static char *written(const byol_config *config) {
    char *text;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    byol_error error = {0};
    assert_int_equal(byol_config_write(config, stream, &error), BYOL_OK);
    fclose(stream);
    return text;
}

static void assert_same_after_writing(const byol_config *config) {
    char *text = written(config);
    byol_config again;
    byol_config_init(&again);
    byol_error error = {0};
    assert_int_equal(parse(&again, text, &error), BYOL_OK);
    assert_string_equal(error.text, "");
    assert_memory_equal(config, &again, sizeof again);
    free(text);
}

static void every_default_is_what_its_setter_accepts(void **state) {
    (void)state;
    byol_config config, set;
    byol_config_init(&config);
    byol_config_init(&set);
    assert_int_equal(byol_option_count(), byol__options_count);
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info info;
        byol_option_describe(i, &info);
        byol_error error = {0};
        char value[BYOL__VALUE_MAX];
        assert_int_equal(byol_config_get(&config, info.key, value, sizeof value, &error), BYOL_OK);
        assert_int_equal(byol_config_set(&set, info.key, value, &error), BYOL_OK);
        if (byol__options[i].default_value != NULL) assert_string_equal(value, info.default_value);
        assert_true(strlen(info.help) > 0);
        assert_true(strlen(info.key) < 64);
    }
    assert_memory_equal(&config, &set, sizeof set);
}

static void the_defaults_are_the_documented_ones(void **state) {
    (void)state;
    byol_config c;
    byol_config_init(&c);
    byol_error error = {0};
    assert_int_equal(byol_config_check(&c, &error), BYOL_OK);
    assert_string_equal(c.recipe, "short");
    assert_string_equal(c.encoder.name, "conv4");
    assert_int_equal(c.encoder.width, 32);
    assert_int_equal(c.loss.distance, BYOL_INFONCE);
    assert_true(c.loss.own_negatives && c.loss.temperature == 0.1f);
    assert_int_equal(c.optimizer.name, BYOL_MUON);
    assert_true(c.views.view[0].crop_area_min == 0.2f && c.views.view[2].crop_area_max == 0.3f);
    assert_int_equal(byol_config_set(&c, "recipe", "byol", &error), BYOL_OK);
    assert_int_equal(byol_config_check(&c, &error), BYOL_OK);
    assert_string_equal(c.encoder.name, "resnet18");
    assert_int_equal(c.encoder.width, 64);
    assert_int_equal(c.loss.distance, BYOL_COSINE);
    assert_int_equal(c.target.kind, BYOL_TARGET_EMA);
    assert_int_equal(c.predictor.kind, BYOL_HEAD_MLP);
    assert_true(c.views.view[0].crop_area_min == 0.08f);
    assert_int_equal(c.encoder.stem, BYOL_STEM_SMALL);
    assert_int_equal(c.optimizer.name, BYOL_SGD);
    assert_true(c.optimizer.lr == 0.12f && c.optimizer.momentum == 0.9f &&
                c.optimizer.weight_decay == 5e-4f);
    assert_true(c.optimizer.warmup_epochs == 2.0f && c.target.tau == 0.99f);
    assert_int_equal(c.target.schedule, BYOL_TAU_COSINE);
    assert_int_equal(c.train.epochs, 30);
    assert_int_equal(c.train.batch_size, 256);
    assert_true(c.train.seed == 1);
    assert_true(c.views.view[0].blur == 0.0f && c.views.view[1].solarize == 0.2f);
}

static void a_written_configuration_reads_back_bit_for_bit(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    assert_same_after_writing(&config);
    const char *const settings[][2] = {
        {"data.train", "odd: # \"name\"\\ with 'quotes', \ttab, \xc3\xa9 and a\nline:1,2"},
        {"data.image_size", "96"},
        {"encoder.name", "resnet50"},
        {"encoder.stem", "imagenet"},
        {"views.preset", "byol"},
        {"views.view1.mean", "0.1, -0.2,0.3"},
        {"views.view2.std", "1e-3,1,999.99"},
        {"views.flip", "0.333333343"},
        {"optimizer.name", "lars"},
        {"optimizer.epsilon", "1.17549435e-16"},
        {"train.seed", "18446744073709551615"},
        {"train.stop_on_collapse", "yes"},
        {"eval.test", "~"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        byol_error error = {0};
        assert_int_equal(byol_config_set(&config, settings[i][0], settings[i][1], &error), BYOL_OK);
        assert_string_equal(error.text, "");
    }
    assert_true(config.train.seed == UINT64_MAX);
    assert_same_after_writing(&config);
    for (uint32_t bits = 1; bits < 4000; bits++) { /* neighbours of 0.5: nothing is rounded away */
        uint32_t pattern = 0x3f000000u - bits * 37u;
        memcpy(&config.views.view[bits % 2].solarize, &pattern, sizeof pattern);
        if (bits % 400 == 0) assert_same_after_writing(&config);
        char text[64];
        float value;
        assert_int_equal(byol_config_get(&config, "views.view1.solarize", text, sizeof text, NULL),
                         BYOL_OK);
        value = strtof(text, NULL);
        assert_memory_equal(&value, &config.views.view[0].solarize, sizeof value);
    }
}

static void a_files_settings_arrive(void **state) {
    (void)state;
    byol_config c;
    byol_config_init(&c);
    byol_error error = {0};
    assert_int_equal(parse(&c,
                           "# a comment\n"
                           "data: {train: 'cifar:1,2', image_size: 32}\n"
                           "encoder:\n  width: 16\n  name: resnet34\n"
                           "encoder.stem: small\n"
                           "eval:\n"
                           "views:\n"
                           "  view2: {blur: 0.25, mean: [0.5, 0.4, 3e-1]}\n"
                           "  blur: 0.75\n"
                           "  std: [1, 2, 3]\n"
                           "  preset: simclr\n"
                           "optimizer: {nesterov: true}\n",
                           &error),
                     BYOL_OK);
    assert_string_equal(error.text, "");
    assert_string_equal(c.data.train, "cifar:1,2");
    assert_int_equal(c.encoder.width, 16);
    assert_string_equal(c.encoder.name, "resnet34");
    assert_string_equal(c.views.preset, "simclr");
    assert_true(c.views.view[0].blur == 0.75f &&
                c.views.view[1].blur == 0.25f); /* preset, both, one: in this order */
    assert_true(c.views.view[0].saturation == 0.8f);
    assert_true(c.views.view[1].mean[2] == 0.3f && c.views.view[0].mean[2] == 0.406f);
    assert_true(c.views.view[0].std[1] == 2.0f && c.views.view[1].std[2] == 3.0f);
    assert_int_equal(c.optimizer.nesterov, 1);
}

static void a_wrong_file_is_named_with_line_and_changes_nothing(void **state) {
    (void)state;
    const struct {
        const char *yaml, *words[3];
    } cases[] = {
        {"", {"file.yaml", "empty"}},
        {"# nothing\n", {"empty"}},
        {"--- \n", {"options are expected"}},
        {"- 1\n", {"file.yaml:1"}},
        {"encoder:\n  widht: 16\n", {"file.yaml:2: ", "encoder.widht", "encoder.width"}},
        {"train: {epochs: 3}\nencodr:\n  width: 16\n", {"file.yaml:3: ", "encodr", "'encoder'"}},
        {"width: 16\n", {"'width'", "encoder.width"}},
        {"encoder:\n  width: wide\n", {"file.yaml:2: encoder.width", "wide", "4 .. 4096"}},
        {"encoder: {width: 3}\n", {"4 .. 4096"}},
        {"encoder: {width: 16.5}\n", {"an integer"}},
        {"encoder: {width: 99999999999999999999}\n", {"4 .. 4096"}},
        {"encoder: {width: [16]}\n", {"not a list"}},
        {"encoder: {width: {a: 1}}\n", {"takes a value, not a group"}},
        {"encoder: 16\n", {"group of options"}},
        {"encoder: [16]\n", {"file.yaml:1"}},
        {"encoder: {name: resnet19}\n", {"resnet18, resnet34, resnet50, conv1, conv4, conv5"}},
        {"data: {image_size: 7}\n", {"0 or 8 .. 1024"}},
        {"optimizer: {name: sdg}\n", {"sgd, lars, adam, adamw"}},
        {"optimizer: {lr: nan}\n", {"a number"}},
        {"optimizer: {lr: .inf}\n", {"a number"}},
        {"optimizer: {lr: 1e99}\n", {"a number"}},
        {"optimizer: {lr: }\n", {"a number"}},
        {"optimizer: {lr: 0.1.2}\n", {"a number"}},
        {"optimizer: {nesterov: 2}\n", {"true or false"}},
        {"train: {seed: -1}\n", {"0 .. 18446744073709551615"}},
        {"train: {seed: 18446744073709551616}\n", {"0 .. 18446744073709551615"}},
        {"views: {mean: [1, 2]}\n", {"three numbers"}},
        {"views: {mean: [1, 2, 3, 4]}\n", {"three numbers"}},
        {"views: {mean: [1, [2], 3]}\n", {"three numbers"}},
        {"views: {mean: []}\n", {"three numbers"}},
        {"views: {std: [1, 0, 1]}\n", {"three numbers"}},
        {"views: {preset: tiny}\n", {"byol, simclr, small"}},
        {"train: {epochs: 1}\nencoder: {width: 8}\ntrain: {epochs: 2}\n",
         {"file.yaml:3", "line 1"}},
        {"train:\n  epochs: 1\ntrain.epochs: 2\n", {"file.yaml:3", "set before"}},
        {"train: {epochs: &a 1, batch_size: *a}\n", {"aliases"}},
        {"train: {epochs: 2}\n---\ntrain: {epochs: 1}\n", {"file.yaml:2", "second document"}},
        {"train: {epochs: 2\n", {"not YAML"}},
        {"train:\n\tepochs: 2\n", {"file.yaml:2", "not YAML"}},
        {"train: \"\xff\"\n", {"not YAML"}},
        {"{{a: b}: c}\n", {"a key must be a word"}},
        {"data: {train: \"a\\0b\"}\n", {"NUL"}},
        {"\"encoder\\0\": {width: 16}\n", {"no option"}},
        {"encoder: {\"\": 16}\n", {"no option"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        byol_config config, before;
        byol_config_init(&config);
        assert_int_equal(byol_config_set(&config, "train.epochs", "77", NULL), BYOL_OK);
        before = config;
        byol_error error = {0};
        if (parse(&config, cases[i].yaml, &error) != BYOL_ERROR_INVALID)
            fail_msg("accepted: %s", cases[i].yaml);
        for (int w = 0; w < 3 && cases[i].words[w] != NULL; w++)
            if (strstr(error.text, cases[i].words[w]) == NULL)
                fail_msg("%s\nsays: %s\nmissing: %s", cases[i].yaml, error.text, cases[i].words[w]);
        assert_memory_equal(&config, &before, sizeof before);
        assert_int_equal(parse(&config, cases[i].yaml, NULL), BYOL_ERROR_INVALID);
    }
}

static void text_that_does_not_fit_is_refused(void **state) {
    (void)state;
    byol_config config, before;
    byol_config_init(&config);
    before = config;
    char *yaml = malloc(200000);
    for (int length = BYOL_PATH_MAX - 1; length < 190000; length = length * 2 + 1) {
        int used = sprintf(yaml, "data: {train: ");
        memset(yaml + used, 'x', (size_t)length);
        strcpy(yaml + used + length, "}\n");
        byol_error error = {0};
        byol_status status = parse(&config, yaml, &error);
        if (length < BYOL_PATH_MAX) {
            assert_int_equal(status, BYOL_OK);
            config = before;
        } else {
            assert_int_equal(status, BYOL_ERROR_INVALID);
            assert_non_null(strstr(error.text, "too long"));
        }
        assert_memory_equal(&config, &before, sizeof before);
    }
    byol_error error = {0};
    assert_int_equal(byol_config_set(&config, "data.train", "\xff", &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "UTF-8"));
    free(yaml);
}

static void any_prefix_of_a_file_is_read_or_refused(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    char *text = written(&config);
    for (size_t length = 0; length < strlen(text); length++) {
        byol_config into = config;
        char *exact = malloc(length + 1); /* so that a sanitizer sees a read past the end */
        memcpy(exact, text, length);
        byol_error error = {0};
        byol_status status = byol_config_parse(&into, exact, length, "file.yaml", &error);
        assert_true(status == BYOL_OK ? error.text[0] == '\0' : error.text[0] != '\0');
        free(exact);
    }
    free(text);
}

static void a_preset_resets_both_recipes(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_error error = {0};
    assert_int_equal(byol_config_set(&config, "views.blur", "0.5", &error), BYOL_OK);
    assert_true(config.views.view[0].blur == 0.5f && config.views.view[1].blur == 0.5f);
    assert_int_equal(byol_config_set(&config, "views.preset", "byol", &error), BYOL_OK);
    assert_true(config.views.view[0].blur == 1.0f && config.views.view[1].blur == 0.1f);
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("byol", recipe, &error), BYOL_OK);
    assert_memory_equal(recipe, config.views.view, sizeof recipe);
    assert_int_equal(byol_view_preset("none", recipe, &error), BYOL_ERROR_INVALID);
}

static void what_was_set_beside_recipe_and_preset_differs_from_the_usual(void **state) {
    (void)state;
    byol_config config, usual;
    byol_config_init(&config);
    byol_config_usual(&config, &usual);
    assert_memory_equal(&config, &usual, sizeof usual);
    byol_config_set(&config, "recipe", "byol", NULL);
    byol_config_set(&config, "views.preset", "simclr", NULL);
    byol_config_set(&config, "views.view1.flip", "0.25", NULL);
    byol_config_usual(&config, &usual);
    char differing[256] = "";
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info info;
        char value[BYOL__VALUE_MAX], normal[BYOL__VALUE_MAX];
        byol_option_describe(i, &info);
        byol_config_get(&config, info.key, value, sizeof value, NULL);
        byol_config_get(&usual, info.key, normal, sizeof normal, NULL);
        size_t used = strlen(differing);
        if (strcmp(value, normal) != 0)
            snprintf(differing + used, sizeof differing - used, "%s ", info.key);
    }
    assert_string_equal(differing, "recipe views.preset views.view1.flip ");
}

static void numbers_have_a_point_in_every_locale(void **state) {
    (void)state;
    enter_comma_locale();
    byol_config config;
    byol_config_init(&config);
    assert_true(config.optimizer.lr == 0.12f);
    char text[32];
    assert_int_equal(byol_config_get(&config, "optimizer.lr", text, sizeof text, NULL), BYOL_OK);
    assert_string_equal(text, "0.12");
    setlocale(LC_NUMERIC, "C");
}

static void what_does_not_go_together_is_refused(void **state) {
    (void)state;
    const char *const cases[][3][2] = {
        {{"optimizer.nesterov", "1"}, {"optimizer.name", "lars"}},
        {{"optimizer.nesterov", "1"}, {"optimizer.name", "sgd"}, {"optimizer.momentum", "0"}},
        {{"train.minutes", "5"}, {"optimizer.schedule", "cosine"}},
        {{"train.minutes", "5"}, {"recipe", "byol"}, {"optimizer.schedule", "trapezoid"}},
        {{"views.view1.count", "1"}, {"views.view2.count", "0"}},
        {{"views.view1.count", "16"}},
        {{"views.view3.count", "2"}, {"loss.symmetric", "0"}},
        {{"encoder.stem", "imagenet"}, {"data.image_size", "28"}},
        {{"views.view1.crop_area_min", "0.5"}, {"views.view1.crop_area_max", "0.4"}},
        {{"views.view2.crop_aspect_min", "2"}},
        {{"views.view2.blur_sigma_min", "3"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        byol_config config;
        byol_config_init(&config);
        byol_error error = {0};
        for (int s = 0; s < 3 && cases[i][s][0] != NULL; s++)
            assert_int_equal(byol_config_set(&config, cases[i][s][0], cases[i][s][1], &error),
                             BYOL_OK);
        assert_int_equal(byol_config_check(&config, &error), BYOL_ERROR_INVALID);
        if (strstr(error.text, strrchr(cases[i][0][0], '.')) == NULL)
            fail_msg("%s: %s", cases[i][0][0], error.text);
    }
}

static void a_value_that_has_no_room_is_an_error(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL); /* resnet18 */
    byol_error error = {0};
    char value[9];
    assert_int_equal(byol_config_get(&config, "encoder.name", value, sizeof value, &error),
                     BYOL_OK);
    assert_int_equal(byol_config_get(&config, "encoder.name", value, 8, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_config_get(&config, "encoder.nam", value, sizeof value, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "'encoder.name'"));
}

static void a_missing_file_is_not_found(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_error error = {0};
    assert_int_equal(byol_config_load(&config, "nowhere/x.yaml", &error), BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "nowhere/x.yaml"));
    assert_int_equal(byol_config_load(&config, "/", &error), BYOL_ERROR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_what_its_setter_accepts),
        cmocka_unit_test(the_defaults_are_the_documented_ones),
        cmocka_unit_test(a_written_configuration_reads_back_bit_for_bit),
        cmocka_unit_test(a_files_settings_arrive),
        cmocka_unit_test(a_wrong_file_is_named_with_line_and_changes_nothing),
        cmocka_unit_test(text_that_does_not_fit_is_refused),
        cmocka_unit_test(any_prefix_of_a_file_is_read_or_refused),
        cmocka_unit_test(a_preset_resets_both_recipes),
        cmocka_unit_test(what_was_set_beside_recipe_and_preset_differs_from_the_usual),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(a_value_that_has_no_room_is_an_error),
        cmocka_unit_test(a_missing_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
