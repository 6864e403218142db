/* Heads on an encoder: what is frozen stays, the same call gives the same, progress can stop it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byol/detect.h"
#include "byol/segment.h"
#include "floats.h"
#include "folder.h"
#include "random_encoder.h"
#include "tasks/center_loss.h"
#include "tiny.h"

enum { COUNT = 12, HIGH = 16, WIDE = 24, CLASSES = 3 };

/* Pictures with one bright box of colour 1 or 2, its mask, and the box itself. */
typedef struct scenes {
    uint8_t pixels[COUNT * 3 * HIGH * WIDE], masks[COUNT * HIGH * WIDE];
    byol_object objects[COUNT];
    byol_source *source;
    byol_masks *masked;
    byol_boxes *boxed;
} scenes;

static scenes *make_scenes(void) {
    scenes *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (int i = 0; i < COUNT; i++) {
        int x0 = i * 5 % 14, y0 = i * 3 % 8, label = 1 + i % 2;
        s->objects[i] = (byol_object){.picture = (uint32_t)i, .label = label - 1};
        s->objects[i].x = (float)x0;
        s->objects[i].y = (float)y0;
        s->objects[i].width = 10;
        s->objects[i].height = 8;
        for (int p = 0; p < HIGH * WIDE; p++) {
            int x = p % WIDE, y = p / WIDE;
            bool inside = x >= x0 && x < x0 + 10 && y >= y0 && y < y0 + 8;
            if (inside) s->masks[i * HIGH * WIDE + p] = (uint8_t)label;
            for (int c = 0; c < 3; c++)
                s->pixels[(i * 3 + c) * HIGH * WIDE + p] =
                    (uint8_t)(inside && c == label ? 220 : (p * 7 + i * 13 + c * 29) % 60);
        }
    }
    const byol_masks_options how = {.ignore = -1};
    check(byol_source_from_memory(&s->source, s->pixels, NULL, COUNT, 3, HIGH, WIDE, &error));
    check(byol_masks_from_memory(&s->masked, s->source, s->masks, &how, &error));
    check(byol_boxes_from_memory(&s->boxed, s->source, s->objects, COUNT, 2, &error));
    return s;
}

static void free_scenes(scenes *s) {
    byol_masks_free(s->masked);
    byol_boxes_free(s->boxed);
    byol_source_free(s->source);
    free(s);
}

static byol_encoder *small_encoder(void) {
    byol_config config = tiny_config();
    strcpy(config.encoder.name, "conv4");
    return random_encoder(&config, 3);
}

static byol_task_options quick(int threads) {
    byol_task_options options;
    byol_task_options_init(&options);
    options.stages = "stage2,stage3";
    options.epochs = 3;
    options.batch_size = 4;
    options.lr = 0.01f;
    options.precision = BYOL_PRECISION_FP32;
    options.threads = threads;
    return options;
}

/* ---- Repeated ---- */

/* Twice with two threads: the same bits. With one thread: the same but for the order of sums in
 * oneDNN's gradients. */
static void assert_repeats(double first, double again, double other) {
    assert_true(first == again);
    if (!(fabs(first - other) <= 1e-3 * fabs(first))) fail_msg("losses %g and %g", first, other);
}

static void segmentation_repeats_itself(void **state) {
    (void)state;
    static const int threads[] = {2, 2, 1};
    scenes *s = make_scenes();
    byol_encoder *encoder = small_encoder();
    uint64_t confusion[3][CLASSES * CLASSES];
    byol_segment_result result[3];
    for (int fine_tune = 0; fine_tune < 2; fine_tune++) {
        for (int k = 0; k < 3; k++) {
            byol_task_options options = quick(threads[k]);
            options.fine_tune = fine_tune;
            check(byol_segment(encoder, s->masked, s->masked, &options, &result[k], confusion[k],
                               NULL, NULL, NULL, &error));
        }
        assert_memory_equal(confusion[0], confusion[1], sizeof confusion[0]);
        assert_repeats(result[0].loss, result[1].loss, result[2].loss);
        assert_string_equal(result[0].stages, "stage2,stage3");
        assert_int_equal(result[0].steps, 9);
        uint64_t pixels = 0;
        for (int i = 0; i < CLASSES * CLASSES; i++) pixels += confusion[0][i];
        assert_int_equal(pixels, COUNT * HIGH * WIDE);
    }
    byol_encoder_free(encoder);
    free_scenes(s);
}

static void detection_repeats_itself(void **state) {
    (void)state;
    static const int threads[] = {2, 2, 1};
    scenes *s = make_scenes();
    byol_encoder *encoder = small_encoder();
    byol_detect_result result[3];
    for (int k = 0; k < 3; k++) {
        byol_task_options options = quick(threads[k]);
        check(byol_detect(encoder, s->boxed, s->boxed, &options, &result[k], NULL, NULL, NULL, NULL,
                          &error));
    }
    assert_repeats(result[0].loss, result[1].loss, result[2].loss);
    assert_true(result[0].scores.ap == result[1].scores.ap);
    assert_true(result[0].stride == 2);
    byol_encoder_free(encoder);
    free_scenes(s);
}

/* ---- Pictures of different sizes ---- */

enum { SIZES = 3 };
static const int heights[SIZES] = {16, 30, 9}, widths[SIZES] = {24, 20, 50};

static void write_scene(int i) {
    char path[128];
    int pixels = heights[i] * widths[i];
    uint8_t *mask = calloc((size_t)pixels, 1);
    snprintf(path, sizeof path, "%s/%d.ppm", folder, i);
    FILE *file = fopen(path, "wb");
    assert_true(file != NULL && mask != NULL);
    fprintf(file, "P6\n%d %d\n255\n", widths[i], heights[i]);
    for (int p = 0; p < pixels; p++) {
        mask[p] = p % widths[i] < widths[i] / 2;
        for (int c = 0; c < 3; c++) fputc(mask[p] ? 220 : 30, file);
    }
    fclose(file);
    snprintf(path, sizeof path, "%s/%d.png", folder, i);
    check(byol_mask_write(path, mask, heights[i], widths[i], &error));
    free(mask);
}

static byol_status note_size(void *context, size_t index, const uint8_t *mask, int height,
                             int width, byol_error *why) {
    (void)mask, (void)why;
    assert_int_equal(height, heights[index]);
    assert_int_equal(width, widths[index]);
    ++*(int *)context;
    return BYOL_OK;
}

static void pictures_of_any_size_are_answered_in_their_own(void **state) {
    (void)state;
    byol_masks *set;
    const byol_masks_options how = {.ignore = BYOL_IGNORE_DEFAULT};
    uint64_t confusion[4], pixels = 0, expected = 0;
    byol_segment_result result;
    int answers = 0;
    for (int i = 0; i < SIZES; i++) write_scene(i);
    check(byol_masks_open(&set, folder, &how, &error));
    byol_encoder *encoder = small_encoder();
    byol_task_options options = quick(2);
    options.height = 16;
    options.width = 24;
    check(byol_segment(encoder, set, set, &options, &result, confusion, note_size, NULL, &answers,
                       &error));
    assert_int_equal(answers, SIZES);
    for (int k = 0; k < 4; k++) pixels += confusion[k];
    for (int i = 0; i < SIZES; i++) expected += (uint64_t)(heights[i] * widths[i]);
    assert_int_equal(pixels, expected);
    byol_masks_free(set);
    byol_encoder_free(encoder);
}

/* ---- What is frozen ---- */

/* Is every row of the backbone in the file as in the encoder? Statistics, too. */
static bool backbone_is_kept(const byol_encoder *encoder, const char *path) {
    byol_encoder *saved;
    byol__weights before, after;
    check(byol_encoder_load(&saved, path, 1, &error));
    byol__encoder_weights(encoder, &before);
    byol__encoder_weights(saved, &after);
    size_t params = before.graph->params.section_end[BYOL__BACKBONE] * sizeof(float),
           statistics = before.graph->statistics.section_end[BYOL__BACKBONE] * sizeof(float);
    bool kept = memcmp(before.params, after.params, params) == 0 &&
                memcmp(before.statistics, after.statistics, statistics) == 0;
    byol_encoder_free(saved);
    return kept;
}

static void a_frozen_encoder_stays_as_it_is(void **state) {
    (void)state;
    scenes *s = make_scenes();
    byol_encoder *encoder = small_encoder();
    const char *path = in_folder("head.safetensors");
    for (int fine_tune = 0; fine_tune < 2; fine_tune++) {
        uint64_t confusion[CLASSES * CLASSES];
        byol_segment_result segmented;
        byol_detect_result detected;
        byol_task_options options = quick(2);
        options.fine_tune = fine_tune;
        options.save = path;
        check(byol_segment(encoder, s->masked, s->masked, &options, &segmented, confusion, NULL,
                           NULL, NULL, &error));
        assert_int_equal(backbone_is_kept(encoder, path), !fine_tune);
        check(byol_detect(encoder, s->boxed, s->boxed, &options, &detected, NULL, NULL, NULL, NULL,
                          &error));
        assert_int_equal(backbone_is_kept(encoder, path), !fine_tune);
    }
    byol_encoder_free(encoder);
    free_scenes(s);
}

/* ---- Words ---- */

static int stop(void *context, uint64_t done, uint64_t total) {
    (void)context;
    return done > total / 3;
}

static void it_can_be_stopped_and_refuses_what_cannot_be(void **state) {
    (void)state;
    scenes *s = make_scenes();
    byol_encoder *encoder = small_encoder();
    uint64_t confusion[CLASSES * CLASSES];
    byol_segment_result result;
    byol_detect_result detected;
    byol_task_options options = quick(1);
    assert_int_equal(byol_segment(encoder, s->masked, s->masked, &options, &result, confusion, NULL,
                                  stop, NULL, &error),
                     BYOL_ERROR_CANCELLED);
    options.lr = 0;
    assert_int_equal(byol_segment(encoder, s->masked, s->masked, &options, &result, confusion, NULL,
                                  NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "learning rate"));
    options = quick(1);
    options.lr = 1000;
    options.epochs = 40;
    options.fine_tune = true;
    byol_status status = byol_detect(encoder, s->boxed, s->boxed, &options, &detected, NULL, NULL,
                                     NULL, NULL, &error);
    assert_true(status == BYOL_OK || status == BYOL_ERROR_NUMERIC);
    byol_boxes *none;
    check(byol_boxes_from_memory(&none, s->source, NULL, 0, 2, &error));
    options = quick(1);
    assert_int_equal(
        byol_detect(encoder, none, s->boxed, &options, &detected, NULL, NULL, NULL, NULL, &error),
        BYOL_ERROR_INVALID);
    byol_boxes_free(none);
    byol_encoder_free(encoder);
    free_scenes(s);
}

static void boxes_without_an_area_are_noted(void **state) {
    (void)state;
    scenes *s = make_scenes();
    byol_boxes *boxes;
    byol_boxes_info info;
    const byol_object objects[] = {
        {.picture = 1, .x = 2, .y = 3, .width = 0, .height = 5},
        {.picture = 0, .x = WIDE, .y = 3, .width = 4, .height = 5},
        {.picture = 0, .x = -2, .y = 3, .width = 4, .height = 50},
    };
    check(byol_boxes_from_memory(&boxes, s->source, objects, 3, 1, &error));
    byol_boxes_describe(boxes, &info);
    assert_int_equal(info.objects, 1);
    assert_int_equal(info.notes, 2);
    assert_non_null(strstr(byol_boxes_note(boxes, 0), "object 0"));
    assert_non_null(strstr(byol_boxes_note(boxes, 0), "no area"));
    assert_non_null(strstr(byol_boxes_note(boxes, 1), "outside"));
    const byol_object *cut = byol_boxes_objects(boxes);
    assert_true(cut->x == 0 && cut->width == 2 && cut->height == HIGH - 3);
    byol_boxes_free(boxes);
    free_scenes(s);
}

/* ---- Peaks ---- */

/* Of 4 x 5 cells: a peak in a corner, one beside a higher one, which is none. */
static void peaks_are_what_no_neighbour_exceeds(void **state) {
    (void)state;
    const byol__center_shape shape = {1, 4, 5, 2};
    float map[5 * 20];
    byol__peak peaks[3];
    for (int i = 0; i < 20; i++) map[i] = -5 - (float)i / 100;
    for (int i = 20; i < 100; i++) map[i] = i < 60 ? 1.5f : 0.25f;
    map[19] = 1;
    map[6] = 3;
    map[7] = 2;
    assert_int_equal(byol__center_peaks(&shape, map, 3, peaks), 2);
    assert_true(fabsf(peaks[0].score - 1 / (1 + expf(-3))) < 1e-6f);
    assert_true(fabsf(peaks[1].score - 1 / (1 + expf(-1))) < 1e-6f);
    /* cell (1, 1), centre (1.25, 1.25), 1.5 units of 2 cells each way */
    assert_true(peaks[0].box.x0 == -0.25f && peaks[0].box.x1 == 2.75f);
    assert_true(peaks[0].box.y0 == -0.25f && peaks[0].box.y1 == 2.75f);
    assert_int_equal(byol__center_peaks(&shape, map, 1, peaks), 1);
    assert_true(peaks[0].score > 0.9f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segmentation_repeats_itself),
        cmocka_unit_test(detection_repeats_itself),
        cmocka_unit_test_setup_teardown(pictures_of_any_size_are_answered_in_their_own, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_frozen_encoder_stays_as_it_is, make_folder,
                                        remove_folder),
        cmocka_unit_test(it_can_be_stopped_and_refuses_what_cannot_be),
        cmocka_unit_test(boxes_without_an_area_are_noted),
        cmocka_unit_test(peaks_are_what_no_neighbour_exceeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
