/* Encoders of texts as ONNX: every node has a name of its own, reads what is there, and is needed.
 * What they compute, ONNX Runtime is asked (cli/test_transformers.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <onnx.pb-c.h>
#include <stdbool.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/export.h"
#include "byol/trainer.h"
#include "tiny_texts.h"

static const char *const path = "test_export_texts.tmpfile";

static byol_encoder *make_encoder(byol_config config) {
    byol_source *source = tiny_texts();
    byol_trainer *trainer;
    byol_encoder *encoder;
    byol_error error = {0};
    config.train.epochs = 1;
    if (byol_trainer_create(&trainer, &config, source, NULL, 0, NULL, &error) != BYOL_OK ||
        byol_trainer_run(trainer, NULL, &error) != BYOL_OK ||
        byol_trainer_encoder(trainer, &encoder, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    byol_trainer_free(trainer);
    byol_source_free(source);
    return encoder;
}

static Onnx__ModelProto *written(const byol_encoder *encoder) {
    byol_error error = {0};
    char *bytes;
    size_t length;
    const byol_onnx_options options = {.output = BYOL_LAYER_BACKBONE, .features = true};
    if (byol_export_onnx(encoder, path, &options, &error) != BYOL_OK) fail_msg("%s", error.text);
    assert_int_equal(byol__read_file(path, &bytes, &length, NULL), BYOL_OK);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, length, (const uint8_t *)bytes);
    byol__free(bytes);
    unlink(path);
    assert_non_null(model);
    return model;
}

/* ---- What a graph must be ---- */

static bool makes(const Onnx__NodeProto *node, const char *name) {
    return strcmp(node->output[0], name) == 0;
}

static bool is_there(const Onnx__GraphProto *graph, size_t before, const char *name) {
    if (strcmp(graph->input[0]->name, name) == 0) return true;
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name, name) == 0) return true;
    for (size_t i = 0; i < before; i++)
        if (makes(graph->node[i], name)) return true;
    return false;
}

static bool is_read(const Onnx__GraphProto *graph, const char *name) {
    for (size_t i = 0; i < graph->n_output; i++)
        if (strcmp(graph->output[i]->name, name) == 0) return true;
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_input; k++)
            if (strcmp(graph->node[i]->input[k], name) == 0) return true;
    return false;
}

/* The vector of a text, and what each layer makes of its tokens, as many as there are. */
static void assert_outputs(const Onnx__GraphProto *graph) {
    static const char *const names[] = {"backbone", "encoder.layer.0", "encoder.layer.1"};
    assert_int_equal(graph->n_output, 3);
    for (int i = 0; i < 3; i++) {
        const Onnx__TensorShapeProto *shape = graph->output[i]->type->tensor_type->shape;
        assert_string_equal(graph->output[i]->name, names[i]);
        assert_int_equal(shape->n_dim, i == 0 ? 2 : 3);
        assert_string_equal(shape->dim[0]->dim_param, "batch");
        if (i > 0) assert_string_equal(shape->dim[1]->dim_param, "length");
        assert_int_equal(shape->dim[shape->n_dim - 1]->dim_value, 16);
    }
}

static void assert_graph(const Onnx__GraphProto *graph) {
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *node = graph->node[i];
        for (size_t k = 0; k < i; k++)
            if (strcmp(graph->node[k]->name, node->name) == 0 ||
                makes(graph->node[k], node->output[0]))
                fail_msg("%s is there twice", node->name);
        for (size_t k = 0; k < node->n_input; k++)
            if (!is_there(graph, i, node->input[k]))
                fail_msg("%s reads %s, which is not there", node->name, node->input[k]);
        if (!is_read(graph, node->output[0])) fail_msg("nobody reads %s", node->output[0]);
    }
}

/* Returns how many nodes it has. */
static size_t check_export(byol_config config) {
    byol_encoder *encoder = make_encoder(config);
    Onnx__ModelProto *model = written(encoder);
    size_t nodes = model->graph->n_node;
    assert_outputs(model->graph);
    assert_graph(model->graph);
    onnx__model_proto__free_unpacked(model, NULL);
    byol_encoder_free(encoder);
    return nodes;
}

/* ---- The tests ---- */

static void attention_of_low_rank_is_a_graph(void **state) {
    (void)state;
    size_t full = check_export(tiny_text_config());
    for (int shared = BYOL_RANK_SHARED_NONE; shared <= BYOL_RANK_SHARED_KEY_VALUE; shared++)
        assert_true(check_export(tiny_low_rank((byol_rank_sharing)shared)) > full);
}

static void an_encoder_that_learned_from_layers_is_like_any_other(void **state) {
    (void)state;
    assert_int_equal(check_export(tiny_data2vec()), check_export(tiny_text_config()));
}

static void vectors_of_tokens_are_no_output(void **state) {
    (void)state;
    byol_encoder *encoder = make_encoder(tiny_data2vec());
    const byol_onnx_options options = {.output = BYOL_LAYER_PREDICTION};
    byol_error error = {0};
    assert_int_equal(byol_export_onnx(encoder, path, &options, &error), BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "one vector for each sample"));
    byol_encoder_free(encoder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_of_low_rank_is_a_graph),
        cmocka_unit_test(an_encoder_that_learned_from_layers_is_like_any_other),
        cmocka_unit_test(vectors_of_tokens_are_no_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
