#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <tensorboard.pb-c.h>

#include "base/png.h"
#include "byol/events.h"
#include "export/record_file.h"

static const char *const path = "events.out.tfevents.byol";

static int remove_file(void **state) {
    (void)state;
    unlink(path);
    return 0;
}

static byol_events *open_events(uint64_t step) {
    byol_events *events;
    byol_error error = {0};
    if (byol_events_open(&events, ".", step, &error) != BYOL_OK) fail_msg("%s", error.text);
    return events;
}

static void write_step(byol_events *events, uint64_t step, double loss) {
    const byol_scalar scalars[] = {{"train/loss", loss}, {"train/none", NAN}, {"train/lr", 0.5}};
    assert_int_equal(byol_events_scalars(events, step, scalars, 3, NULL), BYOL_OK);
}

/* All events of the file. It must be whole: every byte belongs to a record with the right sums. */
static size_t read_events(Tensorboard__Event *list[64]) {
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    uint8_t *bytes = NULL;
    size_t capacity = 0, length, count = 0;
    while (byol__record_read(stream, &bytes, &capacity, &length)) {
        assert_true(count < 64);
        list[count] = tensorboard__event__unpack(NULL, length, bytes);
        assert_non_null(list[count++]);
    }
    long end = ftell(stream);
    fseek(stream, 0, SEEK_END);
    assert_int_equal(end, ftell(stream));
    free(bytes);
    fclose(stream);
    return count;
}

static void free_events(Tensorboard__Event *list[64], size_t count) {
    for (size_t i = 0; i < count; i++) tensorboard__event__free_unpacked(list[i], NULL);
}

/* The steps of the scalars in the file, one digit each. */
static void expect_steps(const char *expected) {
    Tensorboard__Event *list[64];
    char steps[64] = "";
    size_t count = read_events(list);
    assert_int_equal(list[0]->what_case, TENSORBOARD__EVENT__WHAT_FILE_VERSION);
    assert_string_equal(list[0]->file_version, "brain.Event:2");
    for (size_t i = 1; i < count; i++) steps[i - 1] = (char)('0' + list[i]->step);
    assert_string_equal(steps, expected);
    free_events(list, count);
}

/* RFC 3720, B.4: 32 zeros, and 32 bytes of ones; the mask is TFRecord's. */
static void sums_are_those_of_the_standard(void **state) {
    (void)state;
    uint8_t bytes[32] = {0};
    uint32_t zeros = 0x8a9136aa, ones = 0x62a8ab43;
    assert_int_equal(byol__masked_crc32c(bytes, 32), (zeros >> 15 | zeros << 17) + 0xa282ead8u);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(byol__masked_crc32c(bytes, 32), (ones >> 15 | ones << 17) + 0xa282ead8u);
}

static void scalars_are_there_with_their_tags_and_without_what_is_not_finite(void **state) {
    (void)state;
    byol_events *events = open_events(0);
    write_step(events, 3, 1.25);
    byol_events_close(events);
    Tensorboard__Event *list[64];
    size_t count = read_events(list);
    assert_int_equal(count, 2);
    assert_int_equal(list[1]->step, 3);
    assert_true(list[1]->wall_time > 1.7e9);
    assert_int_equal(list[1]->summary->n_value, 2);
    assert_string_equal(list[1]->summary->value[0]->tag, "train/loss");
    assert_true(list[1]->summary->value[0]->simple_value == 1.25f);
    assert_string_equal(list[1]->summary->value[1]->tag, "train/lr");
    free_events(list, count);
}

static void a_run_that_goes_on_has_one_history(void **state) {
    (void)state;
    byol_events *events = open_events(0);
    for (uint64_t step = 1; step <= 5; step++) write_step(events, step, 1);
    byol_events_close(events);
    expect_steps("12345");
    events = open_events(3); /* from the checkpoint of step 3 */
    expect_steps("123");
    write_step(events, 4, 2);
    byol_events_close(events);
    expect_steps("1234");
    events = open_events(0); /* from the very beginning: what stood at step 0 is written again */
    write_step(events, 0, 1);
    byol_events_close(events);
    events = open_events(0);
    write_step(events, 0, 1);
    byol_events_close(events);
    expect_steps("0");
}

static void a_half_written_or_damaged_event_ends_the_history(void **state) {
    (void)state;
    byol_events *events = open_events(0);
    for (uint64_t step = 1; step <= 3; step++) write_step(events, step, 1);
    byol_events_close(events);
    FILE *stream = fopen(path, "rb+");
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    fclose(stream);
    assert_int_equal(truncate(path, size - 7), 0);
    byol_events_close(open_events(9));
    expect_steps("12");

    stream = fopen(path, "rb+");
    fseek(stream, -10, SEEK_END);
    int byte = fgetc(stream);
    fseek(stream, -10, SEEK_END);
    fputc(byte ^ 1, stream);
    fclose(stream);
    events = open_events(9);
    write_step(events, 7, 1);
    byol_events_close(events);
    expect_steps("17");
}

static void
a_file_that_was_just_being_created_is_begun_anew_and_a_foreign_one_is_left_alone(void **state) {
    (void)state;
    fclose(fopen(path, "wb"));
    byol_events_close(open_events(0));
    expect_steps("");
    FILE *stream = fopen(path, "wb");
    for (int i = 0; i < 100; i++) fputs("not an event file\n", stream);
    fclose(stream);
    byol_events *events;
    byol_error error = {0};
    assert_int_equal(byol_events_open(&events, ".", 0, &error), BYOL_ERROR_FORMAT);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(byol_events_open(&events, "no/such/folder", 0, &error), BYOL_ERROR_IO);
}

static void a_histogram_counts_every_finite_number_once(void **state) {
    (void)state;
    const float values[] = {-2, 0, 0.5f, 0.5f, 3, NAN, INFINITY, 1e30f, -1e30f};
    byol_events *events = open_events(0);
    assert_int_equal(byol_events_histogram(events, 1, "vectors", values, 5, NULL), BYOL_OK);
    assert_int_equal(byol_events_histogram(events, 2, "vectors", values, 9, NULL), BYOL_OK);
    assert_int_equal(byol_events_histogram(events, 3, "vectors", values + 5, 1, NULL),
                     BYOL_OK); /* nothing to tell */
    byol_events_close(events);
    Tensorboard__Event *list[64];
    size_t count = read_events(list);
    assert_int_equal(count, 3);
    for (size_t i = 1; i < 3; i++) {
        const Tensorboard__HistogramProto *h = list[i]->summary->value[0]->histo;
        double counted = 0;
        assert_int_equal(h->n_bucket, h->n_bucket_limit);
        for (size_t b = 0; b < h->n_bucket; b++) {
            size_t within = 0; /* by definition: limit[b - 1] <= v < limit[b] */
            for (int v = 0; v < (i == 1 ? 5 : 9); v++)
                within += isfinite(values[v]) && (double)values[v] < h->bucket_limit[b] &&
                          (b == 0 || (double)values[v] >= h->bucket_limit[b - 1]);
            assert_true(h->bucket[b] == (double)within);
            counted += h->bucket[b];
        }
        assert_true(counted == h->num && h->num == (i == 1 ? 5 : 7));
    }
    const Tensorboard__HistogramProto *h = list[1]->summary->value[0]->histo;
    assert_true(h->min == -2 && h->max == 3 && h->sum == 2 && h->sum_squares == 13.5);
    free_events(list, count);
}

static void a_picture_is_a_png_of_its_size(void **state) {
    (void)state;
    uint8_t pixels[5 * 7 * 3] = {1, 2, 3}, *png;
    size_t length;
    assert_int_equal(byol__png_encode(pixels, 3, 5, 7, &png, &length, NULL), BYOL_OK);
    byol_events *events = open_events(0);
    assert_int_equal(byol_events_png(events, 1, "views", png, length, NULL), BYOL_OK);
    assert_int_equal(byol_events_png(events, 1, "views", pixels, sizeof pixels, NULL),
                     BYOL_ERROR_FORMAT);
    byol_events_close(events);
    Tensorboard__Event *list[64];
    size_t count = read_events(list);
    assert_int_equal(count, 2);
    const Tensorboard__Summary__Image *image = list[1]->summary->value[0]->image;
    assert_true(image->height == 5 && image->width == 7 && image->colorspace == 3);
    assert_int_equal(image->encoded_image_string.len, length);
    assert_memory_equal(image->encoded_image_string.data, png, length);
    free(png);
    free_events(list, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_the_standard),
        cmocka_unit_test_teardown(scalars_are_there_with_their_tags_and_without_what_is_not_finite,
                                  remove_file),
        cmocka_unit_test_teardown(a_run_that_goes_on_has_one_history, remove_file),
        cmocka_unit_test_teardown(a_half_written_or_damaged_event_ends_the_history, remove_file),
        cmocka_unit_test_teardown(
            a_file_that_was_just_being_created_is_begun_anew_and_a_foreign_one_is_left_alone,
            remove_file),
        cmocka_unit_test_teardown(a_histogram_counts_every_finite_number_once, remove_file),
        cmocka_unit_test_teardown(a_picture_is_a_png_of_its_size, remove_file),
    };
    return cmocka_run_group_tests(tests, remove_file, NULL);
}
