/* A classifier in a file: the layer and the names of its classes, what it predicts, and the files
 * that hold none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <onnx.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/classify.h"
#include "byol/eval.h"
#include "byol/export.h"
#include "encoder/encoder_internal.h"
#include "eval/softmax.h"
#include "nets/nets.h"
#include "pictures.h"
#include "plan/plan.h"
#include "state/class_names.h"
#include "tasks/class_layer.h"
#include "tiny.h"

static byol_error error;

static void check(byol_status status) {
    if (status != BYOL_OK) fail_msg("%s", error.text);
}

enum { TRAIN = 60, TEST = 30, CLASSES = 3, DIMENSION = 64 };

static byol_encoder *new_encoder(void) {
    byol_config config = tiny_config();
    byol__graph graph;
    float *params, *statistics;
    byol_encoder *encoder;
    byol__graph_init(&graph);
    check(byol__online_network(&graph, &config, PICTURE_CHANNELS, PICTURE_SIDE, &error));
    check(byol__alloc_floats(&params, graph.params.total, "test", &error));
    check(byol__alloc_floats(&statistics, graph.statistics.total, "test", &error));
    byol__params_init(&graph.params, 1, params);
    byol__params_init(&graph.statistics, 1, statistics);
    const byol__origin origin = {.channels = PICTURE_CHANNELS, .config = config};
    check(byol__encoder_create(&encoder, &origin, params, statistics, &error));
    byol__graph_release(&graph);
    byol__free(params);
    byol__free(statistics);
    return encoder;
}

/* A name for a file in /tmp, which does not exist. */
static char *new_path(char path[64]) {
    strcpy(path, "/tmp/byol-classify-XXXXXX");
    close(mkstemp(path));
    unlink(path);
    return path;
}

static byol_classifier *load(const char *path) {
    byol_classifier *classifier;
    check(byol_classifier_load(&classifier, path, 1, &error));
    return classifier;
}

/* ---- names ---- */

static void names_are_read_as_they_were_written(void **state) {
    (void)state;
    const char *const written[] = {"cat, \"big\"", NULL, "\xc3\xa9t\xc3\xa9\n"};
    byol__class_names read;
    char *json;
    check(byol__class_names_pack(written, 3, &json, &error));
    check(byol__class_names_parse(&read, json, "a file", &error));
    assert_int_equal(read.count, 3);
    assert_string_equal(read.name[0], written[0]);
    assert_null(read.name[1]);
    assert_string_equal(read.name[2], written[2]);
    byol__class_names_release(&read);
    free(json);
    static const char *const wrong[] = {"", "[]", "{}", "[1]", "[\"a\"", "\"a\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(byol__class_names_parse(&read, wrong[i], "a file", &error),
                         BYOL_ERROR_FORMAT);
        assert_non_null(strstr(error.text, "a file"));
    }
}

/* ---- a layer of one's own ---- */

static void fill_layer(float *weight, float *bias) {
    for (int i = 0; i < CLASSES * DIMENSION; i++) weight[i] = (float)((i * 37) % 19 - 9) / 30;
    for (int c = 0; c < CLASSES; c++) bias[c] = (float)c / 4;
}

/* In double, one sample after the other. */
static void expect_probabilities(const float *vectors, const float *weight, const float *bias,
                                 const float *probabilities) {
    for (int i = 0; i < TEST; i++) {
        double logit[CLASSES], sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            logit[c] = (double)bias[c];
            for (int d = 0; d < DIMENSION; d++)
                logit[c] += (double)weight[c * DIMENSION + d] * (double)vectors[i * DIMENSION + d];
            sum += exp(logit[c]);
        }
        for (int c = 0; c < CLASSES; c++)
            assert_true(fabs(exp(logit[c]) / sum - (double)probabilities[i * CLASSES + c]) < 1e-5);
    }
}

static void a_saved_layer_gives_the_probabilities_of_its_logits(void **state) {
    (void)state;
    char path[64];
    static float weight[CLASSES * DIMENSION], bias[CLASSES], vectors[TEST * DIMENSION],
        found[TEST * CLASSES];
    static const char *const names[CLASSES] = {"red", NULL, "blue"};
    byol_encoder *encoder = new_encoder();
    pictures test = pictures_create(TEST, 60, 2);
    fill_layer(weight, bias);
    const byol_linear_layer layer = {weight, bias, CLASSES, names};
    check(byol_classifier_save(new_path(path), encoder, &layer, &error));
    byol_classifier *classifier = load(path);
    assert_int_equal(byol_classifier_classes(classifier), CLASSES);
    assert_string_equal(byol_classifier_name(classifier, 0), "red");
    assert_null(byol_classifier_name(classifier, 1));
    assert_null(byol_classifier_name(classifier, CLASSES));
    check(
        byol_encoder_embed(encoder, test.source, BYOL_LAYER_BACKBONE, vectors, NULL, NULL, &error));
    check(byol_classifier_predict(classifier, test.source, found, NULL, NULL, &error));
    expect_probabilities(vectors, weight, bias, found);
    unlink(path);
    byol_classifier_free(classifier);
    byol_encoder_free(encoder);
    pictures_free(test);
}

static void the_network_of_a_classifier_gives_its_logits(void **state) {
    (void)state;
    char path[64];
    enum { BATCH = 4 };
    static float weight[CLASSES * DIMENSION], bias[CLASSES], images[BATCH * PICTURE_BYTES],
        logits[BATCH * CLASSES], expected[TEST * CLASSES];
    byol_encoder *encoder = new_encoder();
    pictures test = pictures_create(TEST, 60, 2);
    fill_layer(weight, bias);
    const byol_linear_layer layer = {weight, bias, CLASSES, NULL};
    check(byol_classifier_save(new_path(path), encoder, &layer, &error));
    byol_classifier *classifier = load(path);
    byol__class_network network = {0};
    check(byol__class_network_create(&network, classifier, &error));
    const byol__plan_options options = {
        .batch = BATCH, .dtype = BYOL__F32, .mode = BYOL__EVAL, .output = BYOL__LOGITS};
    byol__plan *plan;
    byol__plan_info info;
    char *workspace;
    check(byol__plan_create(&plan, &network.graph, &options, &error));
    byol__plan_describe(plan, &info);
    check(byol__alloc(&workspace, info.workspace_bytes, 1, "test", &error));
    const byol__binding binding = {
        .params = network.params, .statistics = network.statistics, .workspace = workspace};
    check(byol__plan_bind(plan, &binding, &error));
    check(byol__plan_stage(plan, &error));
    for (size_t i = 0; i < BATCH; i++)
        check(byol_encoder_prepare(encoder, test.source, i, images + i * PICTURE_BYTES, &error));
    check(byol__plan_forward(plan, images, &error));
    byol__plan_read(plan, BYOL__LOGITS, logits);
    check(byol_classifier_predict(classifier, test.source, expected, NULL, NULL, &error));
    for (int i = 0; i < BATCH; i++) byol__softmax(logits + i * CLASSES, CLASSES);
    for (int i = 0; i < BATCH * CLASSES; i++) assert_true(fabsf(logits[i] - expected[i]) < 1e-5f);
    byol__plan_free(plan);
    byol__free(workspace);
    byol__class_network_release(&network);
    unlink(path);
    byol_classifier_free(classifier);
    byol_encoder_free(encoder);
    pictures_free(test);
}

static void onnx_has_the_layer_and_the_names(void **state) {
    (void)state;
    char path[64], network[80], *bytes;
    size_t length;
    static float weight[CLASSES * DIMENSION], bias[CLASSES];
    static const char *const names[CLASSES] = {"red", NULL, "blue"};
    byol_encoder *encoder = new_encoder();
    fill_layer(weight, bias);
    const byol_linear_layer layer = {weight, bias, CLASSES, names};
    check(byol_classifier_save(new_path(path), encoder, &layer, &error));
    byol_classifier *classifier = load(path);
    snprintf(network, sizeof network, "%s.onnx", path);
    check(byol_export_classifier_onnx(classifier, network, &error));
    check(byol__read_file(network, &bytes, &length, &error));
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, length, (const uint8_t *)bytes);
    assert_non_null(model);
    assert_int_equal(model->n_metadata_props, 1);
    assert_string_equal(model->metadata_props[0]->key, "classes");
    assert_string_equal(model->metadata_props[0]->value, "[\"red\",null,\"blue\"]");
    assert_int_equal(model->graph->n_output, 1);
    assert_string_equal(model->graph->output[0]->name, "logits");
    int found = 0;
    for (size_t i = 0; i < model->graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = model->graph->initializer[i];
        if (strcmp(tensor->name, "fc.weight") != 0) continue;
        assert_int_equal(tensor->raw_data.len, sizeof weight);
        assert_memory_equal(tensor->raw_data.data, weight, sizeof weight);
        found++;
    }
    assert_int_equal(found, 1);
    onnx__model_proto__free_unpacked(model, NULL);
    byol__free(bytes);
    unlink(path);
    unlink(network);
    byol_classifier_free(classifier);
    byol_encoder_free(encoder);
}

/* ---- those of fine-tuning and of the linear probe ---- */

/* What the file names most probable is what was predicted when it was made. */
static void expect_labels(const char *path, const byol_source *test, const int32_t *predicted) {
    static float found[TEST * CLASSES];
    byol_classifier *classifier = load(path);
    assert_int_equal(byol_classifier_classes(classifier), CLASSES);
    check(byol_classifier_predict(classifier, test, found, NULL, NULL, &error));
    for (int i = 0; i < TEST; i++)
        assert_int_equal(byol__highest_logit(found + i * CLASSES, CLASSES), predicted[i]);
    byol_classifier_free(classifier);
    unlink(path);
}

static void a_fine_tuned_file_predicts_as_fine_tuning_did(void **state) {
    (void)state;
    char path[64];
    int32_t predicted[TEST];
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(TRAIN, 25, 1), test = pictures_create(TEST, 25, 2);
    byol_finetune_options options;
    byol_finetune_result result;
    byol_finetune_options_init(&options);
    options.epochs = 2;
    options.batch_size = 16;
    options.precision = BYOL_PRECISION_FP32;
    options.threads = 1;
    options.save = new_path(path);
    check(byol_finetune(encoder, train.source, test.source, &options, &result, predicted, NULL,
                        NULL, &error));
    expect_labels(path, test.source, predicted);
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

/* The features' scales differ by a factor of ten and more, and one is constant. */
static void a_probe_is_one_layer_on_features_as_they_come(void **state) {
    (void)state;
    enum { COUNT = 200, WIDE = 5 };
    static float values[COUNT * WIDE], weight[CLASSES * WIDE], bias[CLASSES];
    static int32_t labels[COUNT], predicted[COUNT];
    byol__random random = byol__random_stream(3, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i % CLASSES;
        for (int d = 0; d < WIDE; d++)
            values[i * WIDE + d] =
                (float)(d * d * d) * (byol__random_normal(&random) + (d % 3 == labels[i])) +
                (float)(3 - d) * 10;
    }
    const byol_features set = {values, labels, COUNT, WIDE, CLASSES};
    byol_linear_options options;
    byol_linear_result result;
    byol_linear_options_init(&options);
    options.weight = weight;
    options.bias = bias;
    options.threads = 1;
    check(byol_linear(&set, 1, &set, &options, &result, predicted, NULL, NULL, &error));
    for (int i = 0; i < COUNT; i++) {
        float logits[CLASSES];
        for (int c = 0; c < CLASSES; c++) {
            double sum = (double)bias[c];
            for (int d = 0; d < WIDE; d++)
                sum += (double)weight[c * WIDE + d] * (double)values[i * WIDE + d];
            logits[c] = (float)sum;
        }
        assert_int_equal(byol__highest_logit(logits, CLASSES), predicted[i]);
    }
    assert_true(result.accuracy > 50); /* chance is 33 % */
}

/* ---- what there is to refuse ---- */

static void weights_without_a_classifier_are_refused(void **state) {
    (void)state;
    char path[64];
    byol_classifier *classifier;
    byol_encoder *encoder = new_encoder();
    byol__weights weights;
    byol__encoder_weights(encoder, &weights);
    const byol__arena arenas[] = {
        {"", &weights.graph->params, BYOL__BACKBONE, weights.params},
        {"", &weights.graph->statistics, BYOL__BACKBONE, weights.statistics},
    };
    check(byol__checkpoint_write(new_path(path), arenas, 2, weights.origin, &error));
    assert_int_equal(byol_classifier_load(&classifier, path, 1, &error), BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "byol finetune"));
    assert_int_equal(byol_classifier_load(&classifier, "/tmp", 1, &error), BYOL_ERROR_NOT_FOUND);
    /* names, but no layer */
    byol__origin origin = *weights.origin;
    origin.classes = "[\"one\",\"two\"]";
    check(byol__checkpoint_write(path, arenas, 2, &origin, &error));
    assert_int_equal(byol_classifier_load(&classifier, path, 1, &error), BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "fc.weight"));
    unlink(path);
    const byol_linear_layer none = {NULL, NULL, 0, NULL};
    assert_int_equal(byol_classifier_save(path, encoder, &none, &error), BYOL_ERROR_INVALID);
    assert_int_not_equal(access(path, F_OK), 0);
    byol_encoder_free(encoder);
}

static void a_class_without_a_name_is_matched_by_its_number(void **state) {
    (void)state;
    char path[64];
    static float weight[CLASSES * DIMENSION], bias[CLASSES];
    byol_encoder *encoder = new_encoder();
    pictures test = pictures_create(TEST, 60, 2);
    const byol_linear_layer layer = {weight, bias, 2, NULL};
    check(byol_classifier_save(new_path(path), encoder, &layer, &error));
    byol_classifier *classifier = load(path);
    assert_int_equal(byol_classifier_match(classifier, test.source, 1), 1);
    assert_int_equal(byol_classifier_match(classifier, test.source, 2), -1);
    unlink(path);
    byol_classifier_free(classifier);
    byol_encoder_free(encoder);
    pictures_free(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_they_were_written),
        cmocka_unit_test(a_saved_layer_gives_the_probabilities_of_its_logits),
        cmocka_unit_test(the_network_of_a_classifier_gives_its_logits),
        cmocka_unit_test(onnx_has_the_layer_and_the_names),
        cmocka_unit_test(a_fine_tuned_file_predicts_as_fine_tuning_did),
        cmocka_unit_test(a_probe_is_one_layer_on_features_as_they_come),
        cmocka_unit_test(weights_without_a_classifier_are_refused),
        cmocka_unit_test(a_class_without_a_name_is_matched_by_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
