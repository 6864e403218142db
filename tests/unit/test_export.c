/* What is written for other programs, read back: the ONNX network by its messages, and computed
 * here node by node. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <onnx.pb-c.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/export.h"
#include "byol/trainer.h"
#include "state/safetensors.h"
#include "tiny.h"

static const char *const path = "test_export.tmpfile";

enum { SIDE = 32, IMAGES = 32, SIZE = TINY_CHANNELS * SIDE * SIDE };
static uint8_t pixels[IMAGES * SIZE];

static byol_source *make_source(void) {
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 2654435761u >> (i / SIZE % 5 + 8));
    byol_source *source = NULL;
    byol_source_from_memory(&source, pixels, NULL, IMAGES, TINY_CHANNELS, SIDE, SIDE, NULL);
    return source;
}

/* An encoder after one epoch: batch norm has statistics that are not those of the beginning. */
static byol_encoder *make_encoder(const char *name, byol_stem stem) {
    byol_config config = tiny_config();
    config.train.epochs = 1;
    config.data.image_size = SIDE;
    config.train.threads = 1;
    snprintf(config.encoder.name, sizeof config.encoder.name, "%s", name);
    config.encoder.stem = stem;
    byol_source *source = make_source();
    byol_trainer *trainer;
    byol_encoder *encoder;
    byol_error error = {0};
    if (byol_trainer_create(&trainer, &config, source, NULL, 0, NULL, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(byol_trainer_run(trainer, NULL, NULL), BYOL_OK);
    assert_int_equal(byol_trainer_encoder(trainer, &encoder, NULL), BYOL_OK);
    byol_trainer_free(trainer);
    byol_source_free(source);
    return encoder;
}

static Onnx__ModelProto *export_onnx(const byol_encoder *encoder, byol_layer layer, int features) {
    const byol_onnx_options options = {.output = layer, .features = features};
    byol_error error = {0};
    if (byol_export_onnx(encoder, path, &options, &error) != BYOL_OK) fail_msg("%s", error.text);
    char *bytes;
    size_t length;
    assert_int_equal(byol__read_file(path, &bytes, &length, NULL), BYOL_OK);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, length, (const uint8_t *)bytes);
    byol__free(bytes);
    unlink(path);
    assert_non_null(model);
    return model;
}

/* ---- A reader of our own: the operators as the ONNX specification has them, one sample, slow and
 * plain ---- */

typedef struct tensor {
    const char *name;
    int64_t dims[4]; // (1, C, H, W), or a weight's
    float *values;
} tensor;

typedef struct evaluation {
    tensor tensors[512];
    size_t count;
} evaluation;

static tensor *find(evaluation *e, const char *name) {
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->tensors[i].name, name) == 0) return &e->tensors[i];
    fail_msg("%s is read before it is written", name);
    return NULL;
}

static tensor *add(evaluation *e, const char *name, int64_t c, int64_t h, int64_t w) {
    assert_true(e->count < 512);
    tensor *t = &e->tensors[e->count++];
    *t = (tensor){name, {1, c, h, w}, calloc((size_t)(c * h * w), sizeof(float))};
    return t;
}

static const Onnx__AttributeProto *attribute(const Onnx__NodeProto *node, const char *name) {
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0) return node->attribute[i];
    fail_msg("%s lacks %s", node->name, name);
    return NULL;
}

static void contract(evaluation *e, const Onnx__NodeProto *node, const tensor *x, int is_pool) {
    const tensor *w = is_pool ? NULL : find(e, node->input[1]);
    int64_t k = attribute(node, "kernel_shape")->ints[0], s = attribute(node, "strides")->ints[0];
    int64_t p = attribute(node, "pads")->ints[3], oc = is_pool ? x->dims[1] : w->dims[0],
            ic = x->dims[1];
    int64_t oh = (x->dims[2] + 2 * p - k) / s + 1, ow = (x->dims[3] + 2 * p - k) / s + 1;
    float *y = add(e, node->output[0], oc, oh, ow)->values;
    for (int64_t o = 0; o < oc * oh * ow; o++) {
        double sum = 0, largest = -INFINITY;
        int64_t c = o / (oh * ow), top = o / ow % oh * s - p, left = o % ow * s - p;
        for (int64_t i = 0; i < (is_pool ? 1 : ic) * k * k; i++) {
            int64_t from = is_pool ? c : i / (k * k), row = top + i / k % k, column = left + i % k;
            if (row < 0 || column < 0 || row >= x->dims[2] || column >= x->dims[3]) continue;
            float value = x->values[(from * x->dims[2] + row) * x->dims[3] + column];
            largest = fmax(largest, (double)value);
            if (!is_pool) sum += (double)value * (double)w->values[c * ic * k * k + i];
        }
        y[o] = (float)(is_pool ? largest : sum);
    }
}

static void gemm(evaluation *e, const Onnx__NodeProto *node, const tensor *x) {
    assert_int_equal(attribute(node, "transB")->i, 1);
    const tensor *w = find(e, node->input[1]),
                 *bias = node->n_input > 2 ? find(e, node->input[2]) : NULL;
    float *y = add(e, node->output[0], w->dims[0], 1, 1)->values;
    for (int64_t o = 0; o < w->dims[0]; o++) {
        double sum = bias != NULL ? (double)bias->values[o] : 0;
        for (int64_t i = 0; i < w->dims[1]; i++)
            sum += (double)w->values[o * w->dims[1] + i] * (double)x->values[i];
        y[o] = (float)sum;
    }
}

/* Everything that keeps the shape: y = f(x) with per-channel numbers. */
static void pointwise(evaluation *e, const Onnx__NodeProto *node, const tensor *x) {
    const float *a[5] = {0};
    const char *op = node->op_type;
    for (size_t i = 1; i < node->n_input; i++) a[i] = find(e, node->input[i])->values;
    float *y = add(e, node->output[0], x->dims[1], x->dims[2], x->dims[3])->values;
    int64_t plane = x->dims[2] * x->dims[3];
    for (int64_t i = 0; i < x->dims[1] * plane; i++) {
        int64_t c = i / plane;
        float v = x->values[i];
        if (strcmp(op, "Sub") == 0)
            v = v - a[1][c];
        else if (strcmp(op, "Div") == 0)
            v = v / a[1][c];
        else if (strcmp(op, "Relu") == 0)
            v = v > 0 ? v : 0;
        else if (strcmp(op, "Add") == 0)
            v = v + a[1][i];
        else if (strcmp(op, "BatchNormalization") == 0)
            v = (v - a[3][c]) / sqrtf(a[4][c] + attribute(node, "epsilon")->f) * a[1][c] + a[2][c];
        else
            fail_msg("an operator that is not expected: %s", op);
        y[i] = v;
    }
}

static void global_pool(evaluation *e, const Onnx__NodeProto *node, const tensor *x) {
    float *y = add(e, node->output[0], x->dims[1], 1, 1)->values;
    int64_t plane = x->dims[2] * x->dims[3];
    for (int64_t i = 0; i < x->dims[1] * plane; i++) y[i / plane] += x->values[i] / (float)plane;
}

static void compute(evaluation *e, const Onnx__GraphProto *graph, const float *image) {
    e->count = 0;
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *t = graph->initializer[i];
        tensor *to = &e->tensors[e->count++];
        *to = (tensor){.name = t->name, .values = malloc(t->raw_data.len)};
        memcpy(to->values, t->raw_data.data, t->raw_data.len);
        for (size_t d = 0; d < t->n_dims; d++) to->dims[d] = t->dims[d];
    }
    memcpy(add(e, "images", TINY_CHANNELS, SIDE, SIDE)->values, image, sizeof(float) * SIZE);
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *node = graph->node[i];
        const tensor x = *find(e, node->input[0]);
        if (strcmp(node->op_type, "Conv") == 0)
            contract(e, node, &x, 0);
        else if (strcmp(node->op_type, "MaxPool") == 0)
            contract(e, node, &x, 1);
        else if (strcmp(node->op_type, "Gemm") == 0)
            gemm(e, node, &x);
        else if (strcmp(node->op_type, "GlobalAveragePool") == 0)
            global_pool(e, node, &x);
        else if (strcmp(node->op_type, "Flatten") == 0)
            memcpy(add(e, node->output[0], x.dims[1], 1, 1)->values, x.values,
                   sizeof(float) * (size_t)x.dims[1]);
        else
            pointwise(e, node, &x);
    }
}

static void forget(evaluation *e) {
    for (size_t i = 0; i < e->count; i++) free(e->tensors[i].values);
}

/* ---- Tests ---- */

static const struct {
    const char *encoder;
    byol_stem stem;
    byol_layer layer;
    const char *name;
} networks[] = {
    {"resnet18", BYOL_STEM_SMALL, BYOL_LAYER_BACKBONE, "backbone"},
    {"resnet18", BYOL_STEM_IMAGENET, BYOL_LAYER_PREDICTION, "prediction"},
    {"resnet50", BYOL_STEM_SMALL, BYOL_LAYER_PROJECTION, "projection"},
};

static void an_onnx_network_computes_what_the_encoder_does(void **state) {
    (void)state;
    static evaluation e;
    for (size_t n = 0; n < sizeof networks / sizeof *networks; n++) {
        byol_encoder *encoder = make_encoder(networks[n].encoder, networks[n].stem);
        byol_source *source = make_source();
        size_t dimension = (size_t)byol_encoder_dimension(encoder, networks[n].layer);
        float *expected = calloc(IMAGES * dimension, sizeof *expected);
        assert_int_equal(
            byol_encoder_embed(encoder, source, networks[n].layer, expected, NULL, NULL, NULL),
            BYOL_OK);
        Onnx__ModelProto *model = export_onnx(encoder, networks[n].layer, 0);
        float image[SIZE];
        for (size_t i = 0; i < IMAGES; i += 31) {
            for (size_t p = 0; p < SIZE; p++) image[p] = (float)pixels[i * SIZE + p] / 255;
            compute(&e, model->graph, image);
            const float *found = find(&e, networks[n].name)->values;
            for (size_t d = 0; d < dimension; d++) {
                float wanted = expected[i * dimension + d];
                assert_true(fabsf(found[d] - wanted) < 1e-4f * (1 + fabsf(wanted)));
            }
            forget(&e);
        }
        onnx__model_proto__free_unpacked(model, NULL);
        free(expected);
        byol_source_free(source);
        byol_encoder_free(encoder);
    }
}

static int64_t dim(const Onnx__ValueInfoProto *port, size_t i) {
    return port->type->tensor_type->shape->dim[i]->dim_value;
}

static void an_onnx_network_says_what_goes_in_and_comes_out(void **state) {
    (void)state;
    byol_encoder *encoder = make_encoder("resnet18", BYOL_STEM_SMALL);
    Onnx__ModelProto *model = export_onnx(encoder, BYOL_LAYER_PROJECTION, 1);
    const Onnx__GraphProto *graph = model->graph;
    assert_int_equal(model->opset_import[0]->version, 17);
    assert_string_equal(model->producer_name, "byol");
    assert_int_equal(graph->n_input, 1);
    assert_string_equal(graph->input[0]->name, "images");
    assert_string_equal(graph->input[0]->type->tensor_type->shape->dim[0]->dim_param, "batch");
    assert_int_equal(dim(graph->input[0], 1), TINY_CHANNELS);
    assert_int_equal(dim(graph->input[0], 3), SIDE);

    const struct {
        const char *name;
        int dims[3];
    } outputs[] = {{"projection", {8}},
                   {"layer1", {8, 32, 32}},
                   {"layer2", {16, 16, 16}},
                   {"layer3", {32, 8, 8}},
                   {"layer4", {64, 4, 4}}};
    assert_int_equal(graph->n_output, 5);
    for (size_t o = 0; o < 5; o++) {
        assert_string_equal(graph->output[o]->name, outputs[o].name);
        for (size_t d = 1; d < graph->output[o]->type->tensor_type->shape->n_dim; d++)
            assert_int_equal(dim(graph->output[o], d), outputs[o].dims[d - 1]);
    }
    onnx__model_proto__free_unpacked(model, NULL);
    byol_encoder_free(encoder);
}

static void
initializers_bear_the_names_of_the_weights_and_no_more_are_written_than_used(void **state) {
    (void)state;
    byol_encoder *encoder = make_encoder("resnet18", BYOL_STEM_SMALL);
    Onnx__ModelProto *model = export_onnx(encoder, BYOL_LAYER_BACKBONE, 0);
    const Onnx__GraphProto *graph = model->graph;
    int found = 0;
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const char *name = graph->initializer[i]->name;
        assert_null(strstr(name, "projector"));
        found += strcmp(name, "layer2.0.downsample.1.running_var") == 0;
        size_t uses = 0;
        for (size_t n = 0; n < graph->n_node; n++)
            for (size_t j = 0; j < graph->node[n]->n_input; j++)
                uses += strcmp(graph->node[n]->input[j], name) == 0;
        assert_int_equal(uses, 1);
    }
    assert_int_equal(found, 1);
    onnx__model_proto__free_unpacked(model, NULL);
    byol_encoder_free(encoder);
}

static size_t tensors_in(const char *file, const char *name, int wanted) {
    byol__safetensors *weights;
    assert_int_equal(byol__safetensors_open(&weights, file, NULL), BYOL_OK);
    size_t count = byol__safetensors_count(weights);
    int found = 0;
    for (size_t i = 0; i < count; i++) {
        byol__tensor one;
        assert_int_equal(byol__safetensors_tensor(weights, i, &one, NULL), BYOL_OK);
        found += strcmp(one.name, name) == 0;
    }
    assert_int_equal(found, wanted);
    byol__safetensors_close(weights);
    return count;
}

static void exported_weights_are_the_parts_that_were_asked_for(void **state) {
    (void)state;
    byol_encoder *encoder = make_encoder("resnet18", BYOL_STEM_IMAGENET);
    enum { CONVOLUTIONS = 20, BACKBONE = CONVOLUTIONS * 5, HEADS = 2 * (3 + 2 + 2) };
    assert_int_equal(byol_export_safetensors(encoder, path, NULL, NULL), BYOL_OK);
    assert_int_equal(tensors_in(path, "projector.0.weight", 0), BACKBONE);
    byol_weights_options options = {.heads = 1, .classes = 7};
    assert_int_equal(byol_export_safetensors(encoder, path, &options, NULL), BYOL_OK);
    assert_int_equal(tensors_in(path, "fc.bias", 1), BACKBONE + HEADS + 2);
    options.classes = -1;
    byol_error error = {0};
    assert_int_equal(byol_export_safetensors(encoder, path, &options, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "-1"));
    unlink(path);
    byol_encoder_free(encoder);
}

static void the_classifier_has_the_name_that_the_networks_own_library_gives_it(void **state) {
    (void)state;
    const byol_weights_options options = {.classes = 7};
    byol_encoder *resnet = make_encoder("resnet18", BYOL_STEM_SMALL),
                 *transformer = make_encoder("vit", BYOL_STEM_SMALL);
    assert_int_equal(byol_export_safetensors(resnet, path, &options, NULL), BYOL_OK);
    tensors_in(path, "fc.weight", 1); /* torchvision */
    assert_int_equal(byol_export_safetensors(transformer, path, &options, NULL), BYOL_OK);
    tensors_in(path, "head.weight", 1); /* timm */
    tensors_in(path, "fc.weight", 0);
    unlink(path);
    byol_encoder_free(resnet);
    byol_encoder_free(transformer);
}

static void a_backbone_alone_has_no_heads_to_export(void **state) {
    (void)state;
    byol_encoder *whole = make_encoder("resnet18", BYOL_STEM_SMALL), *encoder;
    assert_int_equal(byol_export_safetensors(whole, path, NULL, NULL), BYOL_OK);
    assert_int_equal(byol_encoder_load(&encoder, path, 1, NULL), BYOL_OK);
    unlink(path);
    const byol_weights_options weights = {.heads = 1};
    const byol_onnx_options onnx = {.output = BYOL_LAYER_PROJECTION};
    assert_int_equal(byol_export_safetensors(encoder, path, &weights, NULL), BYOL_ERROR_NOT_FOUND);
    assert_int_equal(byol_export_onnx(encoder, path, &onnx, NULL), BYOL_ERROR_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(byol_export_onnx(encoder, path, NULL, NULL), BYOL_OK);
    unlink(path);
    byol_encoder_free(whole);
    byol_encoder_free(encoder);
}

static void a_path_that_cannot_be_written_is_an_error_that_names_it(void **state) {
    (void)state;
    byol_encoder *encoder = make_encoder("resnet18", BYOL_STEM_SMALL);
    byol_error error = {0};
    assert_int_equal(byol_export_onnx(encoder, "/no/such/folder/x.onnx", NULL, &error),
                     BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "/no/such/folder/x.onnx"));
    byol_encoder_free(encoder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_onnx_network_computes_what_the_encoder_does),
        cmocka_unit_test(an_onnx_network_says_what_goes_in_and_comes_out),
        cmocka_unit_test(
            initializers_bear_the_names_of_the_weights_and_no_more_are_written_than_used),
        cmocka_unit_test(exported_weights_are_the_parts_that_were_asked_for),
        cmocka_unit_test(the_classifier_has_the_name_that_the_networks_own_library_gives_it),
        cmocka_unit_test(a_backbone_alone_has_no_heads_to_export),
        cmocka_unit_test(a_path_that_cannot_be_written_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
