/* Gradient-weighted maps: the formula on numbers that are known, and on whole networks beside
 * finite differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "byol/explain.h"
#include "encoder/encoder_internal.h"
#include "nets/nets.h"
#include "pictures.h"
#include "plan/plan.h"
#include "tasks/class_layer.h"
#include "tasks/gradient_map.h"
#include "tiny.h"

static byol_error error;

static void check(byol_status status) {
    if (status != BYOL_OK) fail_msg("%s", error.text);
}

static void assert_near(double found, double wanted) {
    if (!(fabs(found - wanted) < 1e-5 * (1 + fabs(wanted))))
        fail_msg("%.9g is not %.9g", found, wanted);
}

/* ---- the formula ---- */

static void maps_are_weighted_by_mean_gradients(void **state) {
    (void)state;
    /* two channels of four positions; the means of the gradients are 1 and -2 */
    const float features[] = {1, 2, 3, 4, 1, 0, 2, 0}, diff[] = {4, 0, 0, 0, -2, -2, -2, -2};
    float map[4];
    byol__gradient_map(features, diff, 2, 4, 0, map);
    const float wanted[] = {0 /* 1 - 2 */, 2, 0 /* 3 - 4 */, 4};
    assert_memory_equal(map, wanted, sizeof wanted);
    byol__gradient_map(features, diff, 2, 4, 1, map); /* the weights are those of all four */
    assert_memory_equal(map, wanted + 1, 3 * sizeof *wanted);
}

static void the_cosines_gradient_is_that_of_finite_differences(void **state) {
    (void)state;
    enum { D = 6 };
    float x[D], y[D], diff[D], unused[D];
    byol__random random = byol__random_stream(5, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int d = 0; d < D; d++) {
        x[d] = byol__random_normal(&random);
        y[d] = byol__random_normal(&random);
    }
    byol__cosine_gradient(x, y, D, diff);
    for (int d = 0; d < D; d++) {
        float kept = x[d], step = 0x1p-7f;
        x[d] = kept + step;
        double above = byol__cosine_gradient(x, y, D, unused);
        x[d] = kept - step;
        double below = byol__cosine_gradient(x, y, D, unused);
        x[d] = kept;
        assert_true(fabs((above - below) / (2 * (double)step) - (double)diff[d]) < 1e-4);
    }
    memset(x, 0, sizeof x);
    assert_true(byol__cosine_gradient(x, y, D, diff) == 0 && diff[0] == 0);
}

static void maps_are_read_between_the_centres_of_their_cells(void **state) {
    (void)state;
    const float map[] = {0, 1, 2, 3};
    assert_near((double)byol__map_at(map, 2, 2, 0, 1), 1);
    assert_near((double)byol__map_at(map, 2, 8, 0, 0), 0);
    /* rows 3 and 4 of 8 lie an eighth of a picture on both sides of the middle of two rows */
    assert_near((double)byol__map_at(map, 2, 8, 3, 0), 2 * 0.375);
    assert_near((double)byol__map_at(map, 2, 8, 4, 7), 1 + 2 * 0.625);
}

/* ---- whole networks ---- */

enum { CLASSES = 3, MAPS_MAX = 1 << 14 };

static byol_encoder *encoder_of(const byol_config *config) {
    byol__graph graph;
    float *params, *statistics;
    byol_encoder *encoder;
    byol__graph_init(&graph);
    check(byol__online_network(&graph, config, PICTURE_CHANNELS, PICTURE_SIDE, &error));
    check(byol__alloc_floats(&params, graph.params.total, "test", &error));
    check(byol__alloc_floats(&statistics, graph.statistics.total, "test", &error));
    byol__params_init(&graph.params, 1, params);
    byol__params_init(&graph.statistics, 1, statistics);
    const byol__origin origin = {.channels = PICTURE_CHANNELS, .config = *config};
    check(byol__encoder_create(&encoder, &origin, params, statistics, &error));
    byol__graph_release(&graph);
    byol__free(params);
    byol__free(statistics);
    return encoder;
}

static const char *save_classifier(const byol_config *config, char path[64]) {
    static float weight[CLASSES * 4096], bias[CLASSES];
    byol_encoder *encoder = encoder_of(config);
    int dimension = byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
    byol__random random = byol__random_stream(6, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < CLASSES * dimension; i++) weight[i] = byol__random_normal(&random);
    const byol_linear_layer layer = {weight, bias, CLASSES, NULL};
    strcpy(path, "/tmp/byol-explain-XXXXXX");
    close(mkstemp(path));
    check(byol_classifier_save(path, encoder, &layer, &error));
    byol_encoder_free(encoder);
    return path;
}

/* A plan in evaluation mode with a workspace of its own. */
typedef struct runner {
    byol__plan *plan;
    float *workspace;
} runner;

static runner start(const byol__graph *graph, byol__output output, float *params,
                    float *statistics) {
    runner r;
    const byol__plan_options options = {.batch = 1, .mode = BYOL__EVAL, .output = output};
    byol__plan_info info;
    check(byol__plan_create(&r.plan, graph, &options, &error));
    byol__plan_describe(r.plan, &info);
    check(byol__alloc(&r.workspace, info.workspace_bytes, 1, "test", &error));
    const byol__binding binding = {
        .params = params, .statistics = statistics, .workspace = r.workspace};
    check(byol__plan_bind(r.plan, &binding, &error));
    check(byol__plan_stage(r.plan, &error));
    return r;
}

static void stop(runner r) {
    byol__plan_free(r.plan);
    byol__free(r.workspace);
}

static double logit_of(runner back, const float *features, int label) {
    float logits[CLASSES];
    check(byol__plan_forward(back.plan, features, &error));
    byol__plan_read(back.plan, BYOL__LOGITS, logits);
    return (double)logits[label];
}

/* alpha of each channel: what the logit changes by when all positions of the channel do. */
static void map_by_differences(runner back, float *features, int channels, int positions,
                               int skipped, int label, double *map) {
    for (int i = 0; i < positions - skipped; i++) map[i] = 0;
    for (int k = 0; k < channels; k++) {
        float *a = features + k * positions, kept[256];
        const float step = 0x1p-5f;
        memcpy(kept, a, (size_t)positions * sizeof *a);
        for (int i = 0; i < positions; i++) a[i] = kept[i] + step;
        double above = logit_of(back, features, label);
        for (int i = 0; i < positions; i++) a[i] = kept[i] - step;
        double below = logit_of(back, features, label);
        memcpy(a, kept, (size_t)positions * sizeof *a);
        double alpha = (above - below) / (2 * (double)step) / positions;
        for (int i = skipped; i < positions; i++) map[i - skipped] += alpha * (double)a[i];
    }
    for (int i = 0; i < positions - skipped; i++) map[i] = fmax(map[i], 0);
}

/* The network is cut by the test itself, behind stage `from_last` from the end, and run in
 * evaluation mode: nothing is shared with what is tested but the engine. */
static void expect_map(const byol_config *config, int from_last, int skipped, double tolerance) {
    static float features[MAPS_MAX], image[PICTURE_BYTES], map[256];
    static double wanted[256];
    char path[64];
    byol_classifier *classifier;
    byol_explainer *explainer;
    byol__class_network network = {0};
    byol__graph front, back;
    pictures p = pictures_create(4, 60, 3);
    save_classifier(config, path);
    check(byol_classifier_load(&classifier, path, 1, &error));
    check(byol_explainer_load(&explainer, path, 1, &error));
    check(byol__class_network_create(&network, classifier, &error));
    byol__value_id where = network.graph.stage_end[network.graph.stage_count - 1 - from_last];
    byol__shape shape = network.graph.values[where].shape;
    int positions = shape.h * shape.w, side = byol_explainer_side(explainer), chosen, largest = 0;
    assert_int_equal(side * side, positions - skipped);
    check(byol__graph_cut(&network.graph, where, &front, &back, &error));
    runner one = start(&front, 0, network.params, network.statistics),
           two = start(&back, BYOL__LOGITS, network.params + front.params.total,
                       network.statistics + front.statistics.total);
    check(byol_encoder_prepare(byol_classifier_encoder(classifier), p.source, 1, image, &error));
    check(byol__plan_forward(one.plan, image, &error));
    byol__plan_read(one.plan, 0, features);
    for (int label = 0; label < CLASSES; label++) {
        map_by_differences(two, features, shape.c, positions, skipped, label, wanted);
        check(byol_explainer_class(explainer, p.source, 1, label, map, &chosen, NULL, &error));
        assert_int_equal(chosen, label);
        double highest = 0;
        for (int i = 0; i < side * side; i++) highest = fmax(highest, wanted[i]);
        for (int i = 0; i < side * side; i++)
            assert_true(fabs((double)map[i] - wanted[i]) <= tolerance * (highest + 1e-3));
        largest += highest > 0;
    }
    assert_true(largest > 0); /* not all maps are empty */
    stop(one);
    stop(two);
    byol__graph_release(&front);
    byol__graph_release(&back);
    byol__class_network_release(&network);
    byol_explainer_free(explainer);
    byol_classifier_free(classifier);
    pictures_free(p);
    unlink(path);
}

static void a_resnets_map_is_that_of_finite_differences(void **state) {
    (void)state;
    byol_config config = tiny_config();
    expect_map(&config, 0, 0, 1e-3);
}

static void small_networks_have_maps(void **state) {
    (void)state;
    byol_config config = tiny_config();
    strcpy(config.encoder.name, "conv4");
    expect_map(&config, 0, 0, 1e-3);
}

static void a_transformers_map_is_of_its_patches(void **state) {
    (void)state;
    byol_config config = tiny_config();
    strcpy(config.encoder.name, "vit");
    config.encoder.width = 16;
    config.encoder.depth = 2;
    config.encoder.heads = 2;
    config.encoder.patch = 5;
    config.encoder.pool = BYOL_POOL_MEAN;
    config.encoder.drop_path = 0.3f; /* only in training */
    expect_map(&config, 0, 0, 5e-3);
    config.encoder.pool = BYOL_POOL_CLASS; /* before the last block, without the class token */
    expect_map(&config, 1, 1, 5e-3);
}

/* A picture's likeness with itself is 1, and a maximum: no part of it could raise it. */
static void a_likeness_with_oneself_has_an_empty_map(void **state) {
    (void)state;
    char path[64];
    static float map[256], other[256];
    byol_config config = tiny_config();
    byol_explainer *explainer;
    double cosine;
    pictures p = pictures_create(4, 60, 3);
    check(byol_explainer_load(&explainer, save_classifier(&config, path), 1, &error));
    check(byol_explainer_likeness(explainer, p.source, 1, p.source, 1, map, &cosine, &error));
    assert_near(cosine, 1);
    check(byol_explainer_likeness(explainer, p.source, 1, p.source, 2, other, &cosine, &error));
    assert_true(cosine < 0.9999);
    double sum = 0, others = 0;
    for (int i = 0; i < 9; i++) {
        sum += (double)map[i];
        others += (double)other[i];
    }
    assert_true(sum < 1e-3 * others);
    byol_explainer_free(explainer);
    pictures_free(p);
    unlink(path);
}

static void drawings_show_the_picture_and_the_map(void **state) {
    (void)state;
    char path[64];
    byol_config config = tiny_config();
    byol_explainer *explainer;
    pictures p = pictures_create(4, 60, 3);
    check(byol_explainer_load(&explainer, save_classifier(&config, path), 1, &error));
    int side = byol_explainer_side(explainer), height = byol_explainer_height(explainer);
    assert_int_equal(height % PICTURE_SIDE, 0);
    assert_true(height >= 192);
    float *map = calloc((size_t)(side * side), sizeof *map);
    uint8_t *rgb = malloc((size_t)height * (size_t)height * 6);
    map[0] = 2;
    check(byol_explainer_draw(explainer, p.source, 0, map, rgb, &error));
    for (int c = 0; c < 3; c++) /* the picture is not cropped: 20 pixels of 20 */
        assert_true(abs(rgb[c] - p.pixels[c * PICTURE_SIDE * PICTURE_SIDE]) <= 1);
    const uint8_t *hot = rgb + 3 * height, *cold = rgb + (size_t)height * (size_t)height * 6 - 3;
    assert_true(hot[0] > cold[0] && hot[1] > cold[1]); /* yellow against violet */
    strcat(path, ".png");
    check(byol_png_save(path, rgb, height, 2 * height, &error));
    byol_source *read;
    byol_picture picture = {0};
    const char *paths[] = {path};
    check(byol_source_from_files(&read, paths, 1, &error));
    check(byol_source_image(read, 0, NULL, &picture, &error));
    assert_int_equal(picture.image.width, 2 * height);
    byol_picture_release(&picture);
    byol_source_free(read);
    unlink(path);
    path[strlen(path) - 4] = '\0';
    unlink(path);
    free(map);
    free(rgb);
    byol_explainer_free(explainer);
    pictures_free(p);
}

static void what_cannot_be_explained_is_refused(void **state) {
    (void)state;
    char path[64];
    static float map[256];
    byol_config config = tiny_config();
    byol_explainer *explainer;
    pictures p = pictures_create(4, 60, 3);
    check(byol_explainer_load(&explainer, save_classifier(&config, path), 1, &error));
    assert_int_equal(byol_explainer_class(explainer, p.source, 0, CLASSES, map, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    byol_explainer_free(explainer);
    unlink(path);
    assert_int_equal(byol_explainer_load(&explainer, path, 1, &error), BYOL_ERROR_NOT_FOUND);
    pictures_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_weighted_by_mean_gradients),
        cmocka_unit_test(the_cosines_gradient_is_that_of_finite_differences),
        cmocka_unit_test(maps_are_read_between_the_centres_of_their_cells),
        cmocka_unit_test(a_resnets_map_is_that_of_finite_differences),
        cmocka_unit_test(small_networks_have_maps),
        cmocka_unit_test(a_transformers_map_is_of_its_patches),
        cmocka_unit_test(a_likeness_with_oneself_has_an_empty_map),
        cmocka_unit_test(drawings_show_the_picture_and_the_map),
        cmocka_unit_test(what_cannot_be_explained_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
