/* Maps of stages: of the right places, of pictures of any shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "byol/dense.h"
#include "floats.h"
#include "random_encoder.h"
#include "tiny.h"

static byol_encoder *of_kind(const char *name, const char *pool) {
    byol_config config = tiny_config();
    strcpy(config.encoder.name, name);
    if (strcmp(name, "vit") == 0) {
        config.encoder.width = 16;
        config.encoder.depth = 2;
        config.encoder.heads = 2;
        config.encoder.patch = 4;
        check(byol_config_set(&config, "encoder.pool", pool, &error));
    }
    return random_encoder(&config, TINY_CHANNELS);
}

static float *maps_of(const byol_encoder *encoder, const char *stage, int height, int width,
                      const byol_source *source, size_t count, byol_dense_info *info) {
    byol_dense_options options = {.height = height, .width = width, .threads = 2};
    byol_dense *dense;
    check(byol_encoder_stage_find(encoder, stage, &options.stage, &error));
    check(byol_dense_create(&dense, encoder, &options, &error));
    byol_dense_describe(dense, info);
    size_t floats = (size_t)info->channels * (size_t)info->height * (size_t)info->width;
    float *maps = random_floats(count * floats, 1, 1);
    check(byol_dense_embed(dense, source, 0, count, maps, &error));
    byol_dense_free(dense);
    return maps;
}

static void the_last_stage_averaged_is_the_vector(void **state) {
    (void)state;
    const char *const names[] = {"resnet18", "conv4"}, *const last[] = {"stage4", "stage4"};
    for (int k = 0; k < 2; k++) {
        byol_encoder *encoder = of_kind(names[k], NULL);
        byol_source *source = tiny_source();
        byol_dense_info info;
        enum { COUNT = 11 }; /* a batch and a part of one */
        float *maps = maps_of(encoder, last[k], TINY_SIDE, TINY_SIDE, source, COUNT, &info);
        int dimension = byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
        assert_int_equal(info.channels, dimension);
        float *vectors = random_floats((size_t)(TINY_IMAGES * dimension), 1, 1);
        check(
            byol_encoder_embed(encoder, source, BYOL_LAYER_BACKBONE, vectors, NULL, NULL, &error));
        int places = info.height * info.width;
        for (int i = 0; i < COUNT * dimension; i++) {
            double sum = 0;
            for (int p = 0; p < places; p++) sum += (double)maps[i * places + p];
            assert_true(fabs(sum / places - (double)vectors[i]) < 1e-4);
        }
        byol__free(maps);
        byol__free(vectors);
        byol_source_free(source);
        byol_encoder_free(encoder);
    }
}

enum { HIGH = 12, WIDE = 20 };

/* A picture of 12 x 12 is the left part of one of 12 x 20: away from the cut the maps agree. */
static void a_wider_picture_has_the_same_features_where_it_is_the_same(void **state) {
    (void)state;
    uint8_t wide[3 * HIGH * WIDE], square[3 * HIGH * HIGH];
    for (int i = 0; i < 3 * HIGH * WIDE; i++) wide[i] = (uint8_t)(i * 89 % 251);
    for (int i = 0; i < 3 * HIGH * HIGH; i++) square[i] = wide[i / HIGH * WIDE + i % HIGH];
    byol_source *sources[2];
    check(byol_source_from_memory(&sources[0], wide, NULL, 1, 3, HIGH, WIDE, &error));
    check(byol_source_from_memory(&sources[1], square, NULL, 1, 3, HIGH, HIGH, &error));
    byol_encoder *encoder = of_kind("conv4", NULL);
    byol_dense_info info[2];
    float *maps[2] = {maps_of(encoder, "stage2", HIGH, WIDE, sources[0], 1, &info[0]),
                      maps_of(encoder, "stage2", HIGH, HIGH, sources[1], 1, &info[1])};
    assert_int_equal(info[0].height, 6);
    assert_int_equal(info[0].width, 10);
    assert_int_equal(info[1].width, 6);
    for (int row = 0; row < info[0].channels * 6; row++)
        for (int x = 0; x < 4; x++) { /* two convolutions and a pool see three pixels further */
            double difference = (double)(maps[0][row * 10 + x] - maps[1][row * 6 + x]);
            assert_true(fabs(difference) < 1e-5);
        }
    for (int k = 0; k < 2; k++) {
        byol__free(maps[k]);
        byol_source_free(sources[k]);
    }
    byol_encoder_free(encoder);
}

/* Tokens become the grid of their patches: patch (1, 2) changes its own place most. Places are
 * interpolated on a grid that is no square. */
static void a_vits_patches_are_a_grid_of_any_shape(void **state) {
    (void)state;
    const char *const pools[] = {"class", "mean"};
    for (int k = 0; k < 2; k++) {
        byol_encoder *encoder = of_kind("vit", pools[k]);
        uint8_t pixels[2][3 * 16 * 32] = {{0}};
        for (int c = 0; c < 3; c++)
            for (int y = 4; y < 8; y++)
                for (int x = 8; x < 12; x++) pixels[1][(c * 16 + y) * 32 + x] = 255;
        byol_source *source;
        check(byol_source_from_memory(&source, pixels[0], NULL, 2, 3, 16, 32, &error));
        byol_dense_info info;
        float *maps = maps_of(encoder, "stage0", 16, 32, source, 2, &info);
        assert_int_equal(info.height, 4);
        assert_int_equal(info.width, 8);
        int floats = info.channels * 32;
        for (int i = 0; i < floats; i++) {
            bool is_changed = maps[i] != maps[floats + i];
            assert_int_equal(is_changed, i % 32 == 8 + 2);
        }
        byol__free(maps);
        maps = maps_of(encoder, "stage2", 16, 32, source, 2, &info);
        assert_true(memcmp(maps, maps + floats, sizeof(float) * (size_t)floats) != 0);
        byol__free(maps);
        byol_source_free(source);
        byol_encoder_free(encoder);
    }
}

static void what_the_network_does_not_take_is_said(void **state) {
    (void)state;
    byol_dense *dense;
    byol_error why = {0};
    int stage = -1;
    byol_encoder *resnet = of_kind("resnet18", NULL), *vit = of_kind("vit", "mean");
    assert_int_equal(byol_encoder_stage_count(resnet), 5);
    assert_int_equal(byol_encoder_stage_find(resnet, "stage5", &stage, &why), BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(why.text, "stage0 to stage4"));
    assert_int_equal(byol_encoder_stage_find(resnet, "stage", &stage, &why), BYOL_ERROR_NOT_FOUND);
    assert_int_equal(byol_encoder_stage_find(resnet, "stage1x", &stage, &why),
                     BYOL_ERROR_NOT_FOUND);
    check(byol_encoder_stage_find(resnet, "layer2", &stage, &error));
    assert_int_equal(stage, 2);
    const byol_dense_options odd = {.height = 18, .width = 16, .stage = 1};
    assert_int_equal(byol_dense_create(&dense, vit, &odd, &why), BYOL_ERROR_INVALID);
    assert_non_null(strstr(why.text, "18 x 16"));
    const byol_dense_options beyond = {.height = 16, .width = 16, .stage = 9};
    assert_int_equal(byol_dense_create(&dense, vit, &beyond, &why), BYOL_ERROR_INVALID);
    byol_encoder_free(resnet);
    byol_encoder_free(vit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_stage_averaged_is_the_vector),
        cmocka_unit_test(a_wider_picture_has_the_same_features_where_it_is_the_same),
        cmocka_unit_test(a_vits_patches_are_a_grid_of_any_shape),
        cmocka_unit_test(what_the_network_does_not_take_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
