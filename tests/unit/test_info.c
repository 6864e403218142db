/* Networks described: parameters and FLOPs are those of torchvision's models without their
 * classifier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "byol/info.h"
#include "config/options.h"

typedef struct sums {
    uint64_t parameters, flops;
    int layers, heads;
} sums;

static void add_up(void *context, const byol_network_layer *layer) {
    sums *s = context;
    s->layers++;
    if (strcmp(layer->section, "backbone") != 0) {
        s->heads++;
        return;
    }
    s->parameters += layer->parameters;
    s->flops += layer->flops;
    assert_true(layer->output_bytes ==
                (uint64_t)layer->channels * (uint64_t)layer->height * (uint64_t)layer->width * 4);
}

static byol_config standard(const char *encoder) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    assert_int_equal(byol_config_set(&config, "encoder.name", encoder, NULL), BYOL_OK);
    assert_int_equal(byol_config_set(&config, "encoder.stem", "imagenet", NULL), BYOL_OK);
    return config;
}

static void standard_networks_have_their_published_sizes(void **state) {
    (void)state;
    const struct {
        const char *name;
        uint64_t parameters, multiply_adds;
    } known[] = {
        /* torchvision: 11,689,512, 21,797,672 and 25,557,032 with a classifier of 1000 classes */
        {"resnet18", 11689512 - 513000, 1813561344},
        {"resnet34", 21797672 - 513000, 3663249408},
        {"resnet50", 25557032 - 2049000, 4087136256},
    };
    for (int i = 0; i < 3; i++) {
        byol_config config = standard(known[i].name);
        byol_error error = {0};
        sums s = {0};
        assert_int_equal(byol_network_describe(&config, 3, 224, add_up, &s, NULL, &error), BYOL_OK);
        assert_string_equal(error.text, "");
        assert_true(s.parameters == known[i].parameters);
        assert_true(s.flops == 2 * known[i].multiply_adds);
    }
}

/* Three convolutions (no bias) with batch norms; 64 channels in 8 bands to 2,048 and 2,048 again.
 */
static void the_encoder_of_sounds_has_the_sizes_of_its_layers(void **state) {
    (void)state;
    byol_config config = standard("audio");
    byol_error error = {0};
    sums s = {0};
    config.data.frames = 96;
    assert_int_equal(byol_network_describe(&config, 1, 0, add_up, &s, NULL, &error), BYOL_OK);
    assert_int_equal(s.parameters, 9 * 64 + 2 * 9 * 64 * 64 + 3 * 2 * 64 + (8 * 64 + 1) * 2048 +
                                       (2048 + 1) * 2048);
}

static void totals_are_the_sums_of_the_layers(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.encoder.width = 8;
    config.projector.hidden = 32;
    config.projector.out = 16;
    config.predictor.hidden = 24;
    config.train.batch_size = 4;
    byol_error error = {0};
    sums s = {0};
    byol_network_totals totals;
    assert_int_equal(byol_network_describe(&config, 1, 16, add_up, &s, &totals, &error), BYOL_OK);
    assert_true(totals.parameters_encoder == s.parameters);
    assert_true(totals.encoder_flops == s.flops);
    /* Linear(in, hidden, bias) - BN - ReLU - Linear(hidden, out) */
    assert_true(totals.parameters_projector == 64 * 32 + 32 + 2 * 32 + 32 * 16);
    assert_true(totals.parameters_predictor == 16 * 24 + 24 + 2 * 24 + 24 * 16);
    assert_true(totals.forward_flops == s.flops + 2 * (64 * 32 + 32 * 16 + 16 * 24 + 24 * 16));
    assert_int_equal(totals.representation, 64);
    assert_int_equal(totals.projection, 16);
    assert_true(totals.workspace_bytes > 0 && totals.staging_bytes > 0);
    assert_int_equal(s.heads, 8);
}

static void an_impossible_network_is_an_error(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    strcpy(config.encoder.name, "resnet19");
    byol_error error = {0};
    assert_int_equal(byol_network_describe(&config, 3, 32, NULL, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "resnet19"));
}

/* The option's choices are a list of their own. */
static void every_encoder_that_can_be_named_can_be_built(void **state) {
    (void)state;
    const char *list = BYOL__ENCODERS;
    int found = 0;
    for (const char *at = list; at != NULL; at = strstr(at, ", ")) {
        char name[32];
        if (*at == ',') at += 2;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        byol_config config = standard(name);
        byol_error error = {0};
        sums s = {0};
        if (byol_network_describe(&config, 3, 64, add_up, &s, NULL, &error) != BYOL_OK)
            fail_msg("%s", error.text);
        assert_true(s.parameters > 0);
        found++;
    }
    assert_int_equal(found, 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoder_that_can_be_named_can_be_built),
        cmocka_unit_test(standard_networks_have_their_published_sizes),
        cmocka_unit_test(the_encoder_of_sounds_has_the_sizes_of_its_layers),
        cmocka_unit_test(totals_are_the_sums_of_the_layers),
        cmocka_unit_test(an_impossible_network_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
