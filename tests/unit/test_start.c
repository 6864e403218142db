/* Beginning with somebody's weights: torchvision's and timm's names, what fits and what does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "byol/config.h"
#include "nets/nets.h"
#include "state/safetensors.h"
#include "train/start.h"

static char path[64];

static byol__graph network(int width, byol_stem stem) {
    byol_config config;
    byol__graph graph;
    byol_error error = {0};
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.encoder.width = width;
    config.encoder.stem = stem;
    config.projector.hidden = config.predictor.hidden = 8;
    config.projector.out = 4;
    byol__graph_init(&graph);
    if (byol__online_network(&graph, &config, 3, 32, &error) != BYOL_OK) fail_msg("%s", error.text);
    return graph;
}

/* What torchvision's resnet18 of this width would write: backbone, statistics and a classifier. */
static void write_weights(const byol__graph *graph, float value) {
    enum { TENSORS = 200 };
    static float values[1 << 20];
    byol__tensor tensors[TENSORS];
    size_t count = 0;
    byol_error error = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) values[i] = value;
    const byol__table *tables[] = {&graph->params, &graph->statistics};
    for (int t = 0; t < 2; t++)
        for (int r = 0; r < tables[t]->count; r++) {
            const byol__param *row = &tables[t]->rows[r];
            if (row->section != BYOL__BACKBONE) continue;
            tensors[count] = (byol__tensor){.name = row->name, .data = values, .ndims = row->ndims};
            memcpy(tensors[count++].dims, row->dims, sizeof row->dims);
        }
    tensors[count++] = (byol__tensor){"fc.weight", values, {10, 32}, 2};
    tensors[count++] = (byol__tensor){"fc.bias", values, {10}, 1};
    tensors[count++] = (byol__tensor){"bn1.num_batches_tracked", values, {1}, 1};
    snprintf(path, sizeof path, "/tmp/byol_start_%d.safetensors", (int)getpid());
    if (byol__safetensors_write(path, tensors, count, NULL, 0, &error) != BYOL_OK)
        fail_msg("%s", error.text);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static void remember(void *context, const char *text) { snprintf(context, 1024, "%s", text); }

static void a_backbone_with_torchvisions_names_is_taken(void **state) {
    (void)state;
    byol__graph graph = network(4, BYOL_STEM_IMAGENET);
    float *params, *statistics;
    char heard[1024] = "";
    byol_error error = {0};
    assert_int_equal(byol__alloc(&params, graph.params.total, sizeof *params, "test", NULL),
                     BYOL_OK);
    assert_int_equal(
        byol__alloc(&statistics, graph.statistics.total, sizeof *statistics, "test", NULL),
        BYOL_OK);
    write_weights(&graph, 0.25f);
    if (byol__start_from(path, &graph, params, statistics, remember, heard, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    for (int r = 0; r < graph.params.count; r++) {
        const byol__param *row = &graph.params.rows[r];
        float expected = row->section == BYOL__BACKBONE ? 0.25f : 0; /* heads are as they were */
        assert_true(params[row->offset] == expected &&
                    params[row->offset + row->count - 1] == expected);
    }
    assert_true(statistics[graph.statistics.rows[0].offset] == 0.25f);
    assert_non_null(strstr(heard, "left out: fc.weight; fc.bias"));
    assert_non_null(strstr(heard, "heads that it lacks begin at random"));
    assert_null(strstr(heard, "num_batches_tracked"));
    byol__free(params);
    byol__free(statistics);
    byol__graph_release(&graph);
}

static void every_tensor_that_does_not_fit_is_named_with_both_shapes(void **state) {
    (void)state;
    byol__graph imagenet = network(4, BYOL_STEM_IMAGENET), small = network(4, BYOL_STEM_SMALL);
    byol__graph wide = network(8, BYOL_STEM_IMAGENET);
    float *params, *statistics;
    byol_error error = {0};
    assert_int_equal(byol__alloc(&params, wide.params.total, sizeof *params, "test", NULL),
                     BYOL_OK);
    assert_int_equal(
        byol__alloc(&statistics, wide.statistics.total, sizeof *statistics, "test", NULL), BYOL_OK);
    write_weights(&imagenet, 1);
    assert_int_equal(byol__start_from(path, &small, params, statistics, NULL, NULL, &error),
                     BYOL_ERROR_MISMATCH);
    const char *const words[] = {path,           "1 tensor does not fit", "conv1.weight",
                                 "(4, 3, 7, 7)", "(4, 3, 3, 3)",          ".stem"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(error.text, words[i]) == NULL) fail_msg("'%s' lacks '%s'", error.text, words[i]);
    assert_int_equal(byol__start_from(path, &wide, params, statistics, NULL, NULL, &error),
                     BYOL_ERROR_MISMATCH);
    const char *const more[] = {"100 tensors do not fit", "conv1.weight", "bn1.weight",
                                "layer1.0.conv1.weight", "..."};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (strstr(error.text, more[i]) == NULL) fail_msg("'%s' lacks '%s'", error.text, more[i]);
    byol__free(params);
    byol__free(statistics);
    byol__graph_release(&imagenet);
    byol__graph_release(&small);
    byol__graph_release(&wide);
}

/* A transformer of 4 channels on patches x patches patches of 8 pixels, with a class token. */
static byol__graph transformer(int patches) {
    byol_config config;
    byol__graph graph;
    byol_error error = {0};
    byol_config_init(&config);
    byol_config_set(&config, "encoder.name", "vit", NULL);
    config.encoder.width = 4;
    config.encoder.depth = 1;
    config.encoder.patch = 8;
    byol__graph_init(&graph);
    if (byol__online_network(&graph, &config, 3, 8 * patches, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return graph;
}

/* A backbone of `from` whose class token's place is 9, 10, 11, 12 and whose others are values[i] +
 * channel. */
static void write_places(const byol__graph *from, int count, const float *values) {
    static float ones[1 << 12], places[1 << 8];
    byol__tensor tensors[32];
    size_t tensor_count = 0;
    byol_error error = {0};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) ones[i] = 1;
    for (int c = 0; c < 4; c++) {
        places[c] = (float)(9 + c);
        for (int i = 0; i < count; i++) places[4 + 4 * i + c] = values[i] + (float)c;
    }
    for (int r = 0; r < from->params.count; r++) {
        const byol__param *row = &from->params.rows[r];
        int is_places = strcmp(row->name, "pos_embed") == 0;
        if (row->section != BYOL__BACKBONE) continue;
        byol__tensor *tensor = &tensors[tensor_count++];
        *tensor = (byol__tensor){row->name, is_places ? places : ones, {0}, row->ndims};
        memcpy(tensor->dims, row->dims, sizeof row->dims);
        if (is_places) tensor->dims[1] = count + 1;
    }
    snprintf(path, sizeof path, "/tmp/byol_start_%d.safetensors", (int)getpid());
    if (byol__safetensors_write(path, tensors, tensor_count, NULL, 0, &error) != BYOL_OK)
        fail_msg("%s", error.text);
}

static const float three_by_three[] = {0, 1, 3, 2, -1, 4, 5, 0, 2};

static void assert_resized(int patches, const double *expected) {
    byol__graph graph = transformer(patches);
    float *params, *statistics;
    char heard[1024] = "";
    byol_error error = {0};
    assert_int_equal(byol__alloc(&params, graph.params.total, sizeof *params, "test", NULL),
                     BYOL_OK);
    assert_int_equal(byol__alloc(&statistics, 64, sizeof *statistics, "test", NULL), BYOL_OK);
    write_places(&graph, 9, three_by_three);
    if (byol__start_from(path, &graph, params, statistics, remember, heard, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_non_null(strstr(heard, "places of patches are resized"));
    int row = byol__table_find(&graph.params, "pos_embed");
    const float *places = params + graph.params.rows[row].offset;
    for (int c = 0; c < 4; c++) {
        assert_true(places[c] == (float)(9 + c));
        for (int i = 0; i < patches * patches; i++)
            assert_true(fabs((double)places[4 + 4 * i + c] - expected[i] - c) < 1e-5);
    }
    byol__free(params);
    byol__free(statistics);
    byol__graph_release(&graph);
}

/* The numbers are those of timm's resample_abs_pos_embed, timm 1.0.31. */
static void places_of_another_size_of_image_are_resized_as_timm_does(void **state) {
    (void)state;
    assert_resized(2, (double[]){0.340469, 2.308062, 2.342407, 1.451672});
    assert_resized(4, (double[]){-0.167632, 0.523917, 1.877295, 3.044052, 1.114426, -0.100555,
                                 1.107299, 3.980767, 3.470428, 0.449035, 0.477241, 3.537362,
                                 5.423368, 1.828142, 0.382112, 1.991813});
}

static void places_that_are_no_square_do_not_fit(void **state) {
    (void)state;
    byol__graph graph = transformer(2);
    float *params, *statistics;
    byol_error error = {0};
    assert_int_equal(byol__alloc(&params, graph.params.total, sizeof *params, "test", NULL),
                     BYOL_OK);
    assert_int_equal(byol__alloc(&statistics, 64, sizeof *statistics, "test", NULL), BYOL_OK);
    write_places(&graph, 8, three_by_three);
    assert_int_equal(byol__start_from(path, &graph, params, statistics, NULL, NULL, &error),
                     BYOL_ERROR_MISMATCH);
    const char *const words[] = {"1 tensor does not fit", "pos_embed", "(1, 9, 4)", "(1, 5, 4)"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(error.text, words[i]) == NULL) fail_msg("'%s' lacks '%s'", error.text, words[i]);
    byol__free(params);
    byol__free(statistics);
    byol__graph_release(&graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_backbone_with_torchvisions_names_is_taken, remove_file),
        cmocka_unit_test_teardown(every_tensor_that_does_not_fit_is_named_with_both_shapes,
                                  remove_file),
        cmocka_unit_test_teardown(places_of_another_size_of_image_are_resized_as_timm_does,
                                  remove_file),
        cmocka_unit_test_teardown(places_that_are_no_square_do_not_fit, remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
