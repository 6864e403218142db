/* Beginning with somebody's weights: torchvision's and timm's names, what fits and what does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_backbone_with_torchvisions_names_is_taken, remove_file),
        cmocka_unit_test_teardown(every_tensor_that_does_not_fit_is_named_with_both_shapes,
                                  remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
