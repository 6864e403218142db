/* Lines that say what an operation is in ONNX, and the nodes that become of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "export/onnx_lines.h"

static const byol__onnx_words words = {
    .x = {"input", "other"}, .y = "result", .weight = "fc.weight", .last = "fc"};

static byol__onnx_body read(const char *lines) {
    byol__onnx_body body = {0};
    byol_error error;
    if (byol__onnx_append_lines(&body, &words, lines, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_false(body.out_of_memory);
    return body;
}

static const Onnx__NodeProto *node_of(const byol__onnx_body *body, size_t index) {
    assert_true(index < body->nodes.count);
    return body->nodes.items[index];
}

static const Onnx__TensorProto *tensor_of(const byol__onnx_body *body, size_t index) {
    assert_true(index < body->tensors.count);
    return body->tensors.items[index];
}

static void a_line_is_a_node_and_the_last_one_has_the_layers_name(void **state) {
    (void)state;
    byol__onnx_body body = read("t = Transpose weight perm=[1,0]\ny = MatMul x t");
    assert_int_equal(body.nodes.count, 2);
    const Onnx__NodeProto *first = node_of(&body, 0), *last = node_of(&body, 1);
    assert_string_equal(first->op_type, "Transpose");
    assert_string_equal(first->input[0], "fc.weight");
    assert_string_equal(first->output[0], "result/t");
    assert_string_equal(first->attribute[0]->name, "perm");
    assert_int_equal(first->attribute[0]->n_ints, 2);
    assert_int_equal(first->attribute[0]->ints[0], 1);
    assert_string_equal(last->name, "fc");
    assert_string_equal(last->input[0], "input");
    assert_string_equal(last->input[1], "result/t");
    assert_string_equal(last->output[0], "result");
    byol__onnx_release(&body);
}

static void a_parameter_that_is_not_there_is_left_out(void **state) {
    (void)state;
    byol__onnx_body body = read("y = Gemm x weight bias transB=1 alpha=0.5");
    const Onnx__NodeProto *node = node_of(&body, 0);
    assert_int_equal(node->n_input, 2);
    assert_int_equal(node->attribute[0]->i, 1);
    assert_true(node->attribute[1]->f == 0.5f);
    byol__onnx_release(&body);
}

static void numbers_become_tensors_each_of_them_once(void **state) {
    (void)state;
    byol__onnx_body body = read("a = Mul x -0.5\nb = Add a -0.5\ny = Reshape b [0,-1,64]");
    assert_int_equal(body.tensors.count, 2);
    const Onnx__TensorProto *number = tensor_of(&body, 0), *row = tensor_of(&body, 1);
    float value;
    int64_t extents[3];
    assert_int_equal(number->n_dims, 0);
    assert_int_equal(number->raw_data.len, sizeof value);
    memcpy(&value, number->raw_data.data, sizeof value);
    assert_true(value == -0.5f);
    assert_string_equal(node_of(&body, 0)->input[1], node_of(&body, 1)->input[1]);
    assert_int_equal(row->raw_data.len, sizeof extents);
    memcpy(extents, row->raw_data.data, sizeof extents);
    assert_int_equal(extents[1], -1);
    assert_int_equal(extents[2], 64);
    byol__onnx_release(&body);
}

static void words_are_attributes_and_inputs_may_be_left_out(void **state) {
    (void)state;
    byol__onnx_body body = read("y = Resize x none none [1,2] mode=linear");
    const Onnx__NodeProto *node = node_of(&body, 0);
    assert_int_equal(node->n_input, 4);
    assert_string_equal(node->input[1], "");
    assert_string_equal(node->attribute[0]->name, "mode");
    assert_int_equal(node->attribute[0]->type, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    assert_int_equal(node->attribute[0]->s.len, 6);
    assert_memory_equal(node->attribute[0]->s.data, "linear", 6);
    byol__onnx_release(&body);
}

static void a_line_that_is_no_node_is_refused(void **state) {
    (void)state;
    byol__onnx_body body = {0};
    byol_error error;
    assert_int_equal(byol__onnx_append_lines(&body, &words, "y Relu x", &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "result"));
    byol__onnx_release(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_node_and_the_last_one_has_the_layers_name),
        cmocka_unit_test(a_parameter_that_is_not_there_is_left_out),
        cmocka_unit_test(numbers_become_tensors_each_of_them_once),
        cmocka_unit_test(words_are_attributes_and_inputs_may_be_left_out),
        cmocka_unit_test(a_line_that_is_no_node_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
