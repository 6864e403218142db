/* Heads and losses of the tasks against PyTorch's, average precision against pycocotools'
 * (tasks.safetensors, made by make_golden_tasks.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "byol/detect.h"
#include "byol/segment.h"
#include "golden_file.h"
#include "graph/arena.h"
#include "ops/ops.h"
#include "plan/plan.h"
#include "tasks/center_loss.h"
#include "tasks/pixel_loss.h"

enum { OUTPUT };

static byol__tensor tensor_of(const byol__safetensors *file, const char *name) {
    byol__tensor tensor = {0};
    for (size_t i = 0; i < byol__safetensors_count(file); i++) {
        check(byol__safetensors_tensor(file, i, &tensor, &error));
        if (strcmp(tensor.name, name) == 0) return tensor;
    }
    fail_msg("there is no %s", name);
    return tensor;
}

static void assert_near(const char *what, const float *found, const byol__tensor *expected) {
    size_t count = 1;
    double largest = 0, worst = 0;
    for (int i = 0; i < expected->ndims; i++) count *= (size_t)expected->dims[i];
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)expected->data[i]));
        worst = fmax(worst, fabs((double)(found[i] - expected->data[i])));
    }
    if (!(worst <= tensor_tolerance * largest))
        fail_msg("%s: off by %.2e of %.2e", what, worst, largest);
}

/* ---- The head of segmentation ---- */

enum { CLASSES = 4, BATCH = 3, HIGH = 9, WIDE = 11 };

static void build_head(byol__graph *g) {
    byol__graph_init(g);
    byol__value_id a = byol__graph_input(g, 6, 4, 5),
                   b = byol__graph_conv(g, "second", a, 5, 3, 2, 1, 1, 0);
    byol__value_id y = byol__graph_concat(g, a, byol__graph_bilinear(g, b, 4, 5));
    y = byol__graph_batch_norm(g, "head.0", y);
    y = byol__graph_conv(g, "head.1", y, CLASSES, 1, 1, 0, 1, 1);
    byol__graph_mark(g, OUTPUT, "logits", byol__graph_bilinear(g, y, HIGH, WIDE));
    check(byol__graph_finish(g, &error));
}

static void a_head_of_two_stages_learns_as_pytorchs(void **state) {
    (void)state;
    byol__safetensors *file = golden_open("tasks");
    byol__graph g;
    build_head(&g);
    byol__plan *plan;
    const byol__plan_options options = {.batch = BATCH, .mode = BYOL__TRAIN, .output = OUTPUT};
    check(byol__plan_create(&plan, &g, &options, &error));
    byol__plan_info info;
    byol__plan_describe(plan, &info);
    float *params = floats(g.params.total), *grads = floats(g.params.total),
          *statistics = floats(g.statistics.total);
    void *workspace;
    check(byol__workspace_alloc(&workspace, info.workspace_bytes, &error));
    for (int r = 0; r < g.params.count; r++) {
        char name[128];
        snprintf(name, sizeof name, "head/init/%s", g.params.rows[r].name);
        check(byol__safetensors_read(file, name, g.params.rows[r].dims, g.params.rows[r].ndims,
                                     params + g.params.rows[r].offset, &error));
    }
    byol__params_init(&g.statistics, 0, statistics);
    const byol__binding binding = {params, grads, statistics, workspace};
    check(byol__plan_bind(plan, &binding, &error));
    check(byol__plan_stage(plan, &error));
    check(byol__plan_forward(plan, tensor_of(file, "head/a").data, &error));

    enum { PIXELS = HIGH * WIDE };
    float maps[BATCH * CLASSES * PIXELS], diff[BATCH * CLASSES * PIXELS];
    uint8_t labels[BATCH * PIXELS];
    byol__tensor wanted = tensor_of(file, "head/labels"), logits = tensor_of(file, "head/logits");
    for (int i = 0; i < BATCH * PIXELS; i++) labels[i] = (uint8_t)wanted.data[i];
    byol__plan_read(plan, OUTPUT, maps);
    assert_near("logits", maps, &logits);
    double loss = byol__pixel_cross_entropy(maps, labels, BATCH, CLASSES, PIXELS, 255, diff),
           expected = (double)tensor_of(file, "head/loss").data[0];
    if (!(fabs(loss - expected) <= loss_tolerance * expected))
        fail_msg("the loss is %g, not %g", loss, expected);
    check(byol__plan_backward(plan, diff, &error));
    assert_int_equal(assert_tensors(file, "head", "grad", &g.params, grads), 5);

    byol__plan_free(plan);
    byol__graph_release(&g);
    byol__arena_free(workspace);
    byol__free(params);
    byol__free(grads);
    byol__free(statistics);
    byol__safetensors_close(file);
}

/* ---- The loss of detection ---- */

static void centres_and_sizes_lose_as_pytorchs(void **state) {
    (void)state;
    byol__safetensors *file = golden_open("tasks");
    byol__tensor maps = tensor_of(file, "center/maps"), boxes = tensor_of(file, "center/boxes"),
                 heat = tensor_of(file, "center/heat"), grad = tensor_of(file, "center/grad");
    byol__center_shape shape = {heat.dims[1], heat.dims[2], heat.dims[3], 2.5f};
    byol__target_box list[2][16], *lists[2] = {list[0], list[1]};
    int counts[2] = {0, 0};
    for (int i = 0; i < boxes.dims[0]; i++) {
        const float *b = boxes.data + 6 * i;
        int n = (int)b[0];
        list[n][counts[n]++] = (byol__target_box){{b[2], b[3], b[4], b[5]}, (int)b[1]};
    }
    size_t cells = (size_t)(2 * shape.height * shape.width);
    float *drawn = floats(cells * (size_t)shape.classes),
          *diff = floats(cells * (size_t)(shape.classes + 4));
    double loss = byol__center_loss(&shape, 2, maps.data, lists, counts, drawn, diff),
           expected = (double)tensor_of(file, "center/loss").data[0];
    assert_near("heat", drawn, &heat);
    assert_near("gradient", diff, &grad);
    if (!(fabs(loss - expected) <= loss_tolerance * expected))
        fail_msg("the loss is %g, not %g", loss, expected);
    byol__free(drawn);
    byol__free(diff);
    byol__safetensors_close(file);
}

/* ---- Average precision ---- */

static byol_object *objects_of(const byol__tensor *rows, bool truth) {
    byol_object *objects;
    check(byol__alloc(&objects, (size_t)rows->dims[0], sizeof *objects, "objects", &error));
    for (int i = 0; i < rows->dims[0]; i++) {
        const float *r = rows->data + 7 * i;
        objects[i] = (byol_object){.picture = (uint32_t)r[0],
                                   .label = (int)r[1],
                                   .x = r[2],
                                   .y = r[3],
                                   .width = r[4],
                                   .height = r[5],
                                   .score = truth ? 0 : r[6],
                                   .crowd = truth && r[6] != 0};
    }
    return objects;
}

static void assert_scores(byol_precision_scores found, const float *expected) {
    const double three[] = {found.ap, found.ap50, found.ap75};
    for (int i = 0; i < 3; i++) {
        if (expected[i] < 0)
            assert_true(isnan(three[i]));
        else if (!(fabs(three[i] - (double)expected[i]) < 1e-5))
            fail_msg("%.8f, not %.8f", three[i], (double)expected[i]);
    }
}

static void average_precision_is_pycocotools(void **state) {
    (void)state;
    byol__safetensors *file = golden_open("tasks");
    byol__tensor truth_rows = tensor_of(file, "coco/truth"),
                 found_rows = tensor_of(file, "coco/found"), each = tensor_of(file, "coco/class");
    byol_object *truth = objects_of(&truth_rows, true), *found = objects_of(&found_rows, false);
    byol_precision_scores whole, by_class[4];
    check(byol_average_precision(truth, (size_t)truth_rows.dims[0], found,
                                 (size_t)found_rows.dims[0], 4, &whole, by_class, &error));
    assert_scores(whole, tensor_of(file, "coco/all").data);
    for (int k = 0; k < 4; k++) assert_scores(by_class[k], each.data + 3 * k);
    found[0].label = 4;
    assert_int_equal(byol_average_precision(truth, 1, found, 1, 4, &whole, NULL, &error),
                     BYOL_ERROR_INVALID);
    byol__free(truth);
    byol__free(found);
    byol__safetensors_close(file);
}

/* Three pixels of class 0, two of 1, one of 2 that is never named; one ignored. */
static void scores_are_those_of_a_hand_count(void **state) {
    (void)state;
    const uint8_t truth[] = {0, 0, 0, 1, 1, 2, 255}, answer[] = {0, 0, 1, 1, 0, 1, 3};
    uint64_t confusion[16] = {0};
    byol_segment_scores scores;
    double iou[4], accuracy[4];
    byol__confusion_add(confusion, 4, truth, answer, sizeof truth, 255);
    byol_segment_score(confusion, 4, &scores, iou, accuracy);
    assert_true(fabs(iou[0] - 100 * 2 / 4.0) < 1e-12); /* 2 of 3 + 3 - 2 */
    assert_true(fabs(iou[1] - 100 * 1 / 4.0) < 1e-12); /* 1 of 2 + 3 - 1 */
    assert_true(iou[2] == 0 && isnan(iou[3]) && isnan(accuracy[3]));
    assert_true(fabs(accuracy[0] - 100 * 2 / 3.0) < 1e-12 && accuracy[1] == 50 && accuracy[2] == 0);
    assert_true(fabs(scores.miou - 25) < 1e-12);
    assert_true(fabs(scores.class_accuracy - (200 / 3.0 + 50) / 3) < 1e-12);
    assert_true(scores.pixel_accuracy == 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_of_two_stages_learns_as_pytorchs),
        cmocka_unit_test(centres_and_sizes_lose_as_pytorchs),
        cmocka_unit_test(average_precision_is_pycocotools),
        cmocka_unit_test(scores_are_those_of_a_hand_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
