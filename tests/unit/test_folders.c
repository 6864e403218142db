/* Folders, lists and arrays of pictures: what is found, how it is labelled and split, and what
 * happens to files that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/source.h"
#include "byol/survey.h"
#include "folder.h"
#include "input/fingerprint.h"
#include "input/loader.h"
#include "opened.h"

/* Folders on the way to it are made. */
static FILE *create(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s", in_folder(name));
    *strrchr(path, '/') = '\0';
    assert_int_equal(byol__make_folder(path, NULL), BYOL_OK);
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    return file;
}

static void write_text(const char *name, const char *text) {
    FILE *file = create(name);
    fputs(text, file);
    fclose(file);
}

/* Gray, all pixels of one value. */
static void write_gray(const char *name, int height, int width, int value) {
    FILE *file = create(name);
    fprintf(file, "P5 %d %d 255\n", width, height);
    for (int i = 0; i < height * width; i++) fputc(value, file);
    fclose(file);
}

static int value_of(const byol_source *source, size_t index) {
    byol_picture picture = picture_of(source, index);
    int value = picture.image.pixels[0];
    byol_picture_release(&picture);
    return value;
}

/* "name:label ..." of all pictures. */
static void holds(const byol_source *source, const char *expected) {
    char text[1024] = "", name[128];
    for (size_t i = 0; i < described(source).count; i++) {
        byol_source_name(source, i, name, sizeof name);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s:%d", i > 0 ? " " : "", name,
                 byol_source_label(source, i));
    }
    assert_string_equal(text, expected);
}

static void opens_as(const char *spec, const char *expected) {
    byol_source *source = opens(spec);
    holds(source, expected);
    byol_source_free(source);
}

/* ---- what is found ---- */

static void a_flat_folder_has_no_labels(void **state) {
    (void)state;
    write_gray("b.pgm", 3, 5, 20);
    write_gray("a.PGM", 7, 4, 10);
    write_gray(".hidden.pgm", 1, 1, 0);
    write_text("readme.txt", "no picture\n");
    byol_source *source = opens(folder);
    holds(source, "a.PGM:-1 b.pgm:-1");
    byol_source_info info = described(source);
    assert_string_equal(info.kind, "folder");
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.height, 0);
    assert_int_equal(info.classes, 0);
    assert_int_equal(info.decoded, 1);
    assert_int_equal(info.statistics_known, 0);
    assert_non_null(strstr(info.description, "2 pictures"));
    assert_int_equal(value_of(source, 0), 10);
    assert_int_equal(value_of(source, 1), 20);
    byol_source_free(source);
    opens_as(in_folder("b.pgm"), strcat(strcpy((char[128]){0}, in_folder("b.pgm")), ":-1"));
}

static void class_folders_are_labels_in_the_order_of_their_names(void **state) {
    (void)state;
    write_gray("dog/deep/er/1.pgm", 4, 4, 1);
    write_gray("cat/2.pgm", 4, 4, 2);
    write_gray("cat/1.pgm", 4, 4, 3);
    write_gray("ant/x.pgm", 4, 4, 4);
    byol_source *source = opens(folder);
    holds(source, "ant/x.pgm:0 cat/1.pgm:1 cat/2.pgm:1 dog/deep/er/1.pgm:2");
    assert_int_equal(described(source).classes, 3);
    assert_string_equal(byol_source_class_name(source, 2), "dog");
    assert_null(byol_source_class_name(source, 3));
    byol_source_free(source);
    write_gray("outside.pgm", 4, 4, 5); /* of no class: then nothing has one */
    source = opens(folder);
    assert_int_equal(described(source).classes, 0);
    assert_int_equal(byol_source_label(source, 0), -1);
    byol_source_free(source);
}

static void split_folders_are_splits_with_the_same_classes(void **state) {
    (void)state;
    write_gray("set/train/cat/1.pgm", 4, 4, 1);
    write_gray("set/train/dog/1.pgm", 4, 4, 2);
    write_gray("set/train/eel/1.pgm", 4, 4, 3);
    write_gray("set/val/dog/1.pgm", 4, 4, 4);
    write_gray("set/val/eel/2.pgm", 4, 4, 5);
    const char *train = "set/train/cat/1.pgm:0 set/train/dog/1.pgm:1 set/train/eel/1.pgm:2";
    const char *val = "set/val/dog/1.pgm:1 set/val/eel/2.pgm:2";
    char spec[128];
    opens_as(folder, train);
    snprintf(spec, sizeof spec, "%s:train", folder);
    opens_as(spec, train);
    snprintf(spec, sizeof spec, "%s:val", folder);
    opens_as(spec, val);
    snprintf(spec, sizeof spec, "%s:validation", folder);
    opens_as(spec, val);
    snprintf(spec, sizeof spec, "%s:test",
             folder); /* there is none: val is what it is measured on */
    opens_as(spec, val);
    snprintf(spec, sizeof spec, "%s:extra", folder);
    fails(spec, BYOL_ERROR_NOT_FOUND, "there are: train val");
}

static void a_class_called_train_is_a_class_among_others(void **state) {
    (void)state;
    write_gray("car/1.pgm", 4, 4, 1);
    write_gray("train/1.pgm", 4, 4, 2);
    opens_as(folder, "car/1.pgm:0 train/1.pgm:1");
    char spec[128];
    snprintf(spec, sizeof spec, "%s:train", folder); /* unless it is asked for */
    opens_as(spec, "train/1.pgm:-1");
}

static void a_folder_that_contains_itself_is_read_once(void **state) {
    (void)state;
    write_gray("a/1.pgm", 4, 4, 1);
    write_gray("b/2.pgm", 4, 4, 2);
    assert_int_equal(symlink("..", in_folder("a/loop")), 0);
    assert_int_equal(symlink("b", in_folder("c")), 0); /* a link is followed */
    opens_as(folder, "a/1.pgm:0 b/2.pgm:1 c/2.pgm:2");
}

static void an_empty_folder_says_what_was_looked_for(void **state) {
    (void)state;
    fails(folder, BYOL_ERROR_NOT_FOUND, "pictures (JPEG, PNG, WebP, PGM, PPM)");
    write_text("a.jpg", "these are words\n");
    fails(folder, BYOL_ERROR_FORMAT, "a.jpg: not a JPEG");
}

static void a_list_gives_paths_and_labels(void **state) {
    (void)state;
    char text[512];
    write_gray("in/1.pgm", 4, 4, 1);
    write_gray("in/with blank.pgm", 4, 4, 2);
    snprintf(text, sizeof text, "# a comment\r\nin/with blank.pgm\r\n\n%s\r\n",
             in_folder("in/1.pgm"));
    write_text("plain.txt", text);
    byol_source *source = opens(in_folder("plain.txt"));
    assert_int_equal(described(source).count, 2);
    assert_int_equal(described(source).classes, 0);
    assert_int_equal(value_of(source, 0), 2);
    assert_int_equal(value_of(source, 1), 1);
    byol_source_free(source);
    write_text("numbers.txt", "in/with blank.pgm 4\nin/1.pgm 0\n");
    source = opens(in_folder("numbers.txt"));
    holds(source, "in/with blank.pgm:4 in/1.pgm:0");
    assert_int_equal(described(source).classes, 5);
    byol_source_free(source);
    write_text("words.txt", "in/with blank.pgm\tred fox\nin/1.pgm\tant\n");
    source = opens(in_folder("words.txt"));
    holds(source, "in/with blank.pgm:1 in/1.pgm:0");
    assert_string_equal(byol_source_class_name(source, 1), "red fox");
    byol_source_free(source);
    write_text("some.txt", "in/with blank.pgm\tred fox\nin/1.pgm\n");
    fails(in_folder("some.txt"), BYOL_ERROR_FORMAT, "labels to 1 of its 2");
    write_text("none.txt", "\n# nothing\n");
    fails(in_folder("none.txt"), BYOL_ERROR_NOT_FOUND, "lists no pictures");
}

/* ---- arrays ---- */

static void write_npy(const char *name, const char *type, const char *order, const char *shape,
                      size_t bytes) {
    FILE *file = create(name);
    char header[128];
    int length =
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type,
                 order, shape);
    fwrite("\x93NUMPY\1\0", 1, 8, file);
    fputc(118, file);
    fputc(0, file);
    fprintf(file, "%s%*s\n", header, 117 - length, "");
    for (size_t i = 0; i < bytes; i++) fputc((int)(i % 251), file);
    fclose(file);
}

static void an_array_of_bytes_is_a_source(void **state) {
    (void)state;
    write_npy("gray.npy", "|u1", "False", "(5, 3, 4)", 60);
    byol_source *source = opens(in_folder("gray.npy"));
    byol_source_info info = described(source);
    assert_string_equal(info.kind, "npy");
    assert_int_equal(info.count, 5);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.height, 3);
    assert_int_equal(info.width, 4);
    assert_int_equal(value_of(source, 4), 48);
    byol_source_free(source);
    write_npy("colour.npy", "|u1", "False", "(2, 3, 4, 3)", 72);
    source = opens(in_folder("colour.npy"));
    byol_picture picture = {0};
    assert_int_equal(byol_source_image(source, 1, NULL, &picture, NULL), BYOL_OK);
    const byol_image *image = &picture.image;
    assert_int_equal(image->channels, 3);
    assert_int_equal(
        image->pixels[2 * image->channel_stride + image->row_stride + 2 * image->pixel_stride], 56);
    byol_source_free(source);
}

static void other_arrays_are_refused_in_words(void **state) {
    (void)state;
    write_npy("short.npy", "|u1", "False", "(5, 3, 4)", 59);
    fails(in_folder("short.npy"), BYOL_ERROR_FORMAT, "5 pictures of 12 bytes, it holds 59");
    write_npy("float.npy", "<f4", "False", "(1, 3, 4)", 48);
    fails(in_folder("float.npy"), BYOL_ERROR_FORMAT, "not of type uint8");
    write_npy("fortran.npy", "|u1", "True", "(1, 3, 4)", 12);
    fails(in_folder("fortran.npy"), BYOL_ERROR_FORMAT, "Fortran");
    write_npy("flat.npy", "|u1", "False", "(12, 1)", 12);
    fails(in_folder("flat.npy"), BYOL_ERROR_FORMAT, "shape");
    write_npy("planar.npy", "|u1", "False", "(1, 3, 4, 4)", 48);
    fails(in_folder("planar.npy"), BYOL_ERROR_FORMAT, "shape");
    write_npy("huge.npy", "|u1", "False", "(18446744073709551615, 60000, 60000, 3)", 5);
    fails(in_folder("huge.npy"), BYOL_ERROR_FORMAT, "holds 5");
    FILE *file = create("cut.npy");
    fwrite("\x93NUMPY\2\0\xff\xff\xff\xff", 1, 12, file);
    fclose(file);
    fails(in_folder("cut.npy"), BYOL_ERROR_FORMAT, "header");
}

/* ---- reading all of it ---- */

enum { GOOD = 100 };

/* 100 pictures of different sizes, of which two are the same, and files of every kind of damage. */
static void make_mixed_folder(void) {
    char name[64];
    for (int i = 0; i < GOOD; i++) {
        snprintf(name, sizeof name, "p%03d.pgm", i);
        write_gray(name, 10 + i % 7, 12 + i % 5, i == 40 ? 39 : i);
    }
    write_gray("p040.pgm", 10 + 39 % 7, 12 + 39 % 5, 39); /* as p039 */
    write_text("q-empty.jpg", "");
    write_text("q-words.png", "this is text\n");
    write_text("q-truncated.pgm", "P5 9 9 255\nabc");
    write_text("q-huge.pgm", "P5 20000 20000 255\nabc");
    assert_int_equal(symlink("nowhere", in_folder("q-link.webp")), 0);
}

static void a_survey_finds_sizes_damage_and_duplicates(void **state) {
    (void)state;
    make_mixed_folder();
    byol_source *source = opens(folder);
    byol_survey survey;
    byol_error error = {0};
    if (byol_source_survey(source, 3, &survey, NULL, NULL, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(survey.count, GOOD + 5);
    assert_int_equal(survey.readable, GOOD);
    assert_int_equal(survey.gray, GOOD);
    assert_int_equal(survey.height.min, 10);
    assert_int_equal(survey.height.median, 13);
    assert_int_equal(survey.height.max, 16);
    assert_int_equal(survey.width.max, 16);
    assert_int_equal(survey.unreadable_count, 5);
    const char *const reasons[] = {
        "q-empty.jpg: the file is empty", "q-huge.pgm: too large: 20000 x 20000",
        "q-link.webp: No such file", "q-truncated.pgm: truncated PGM", "q-words.png: not a JPEG"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(survey.unreadable[i].index, GOOD + i);
        assert_non_null(strstr(survey.unreadable[i].reason, reasons[i]));
        assert_int_equal(byol_source_unreadable(source, GOOD + i), 1);
    }
    assert_int_equal(byol_source_unreadable(source, 0), 0);
    assert_int_equal(survey.duplicate_count, 1);
    assert_int_equal(survey.duplicates[0].index, 40);
    assert_int_equal(survey.duplicates[0].of, 39);
    byol_survey_release(&survey);
    byol_source_free(source);
}

static void statistics_are_those_of_the_pixels(void **state) {
    (void)state;
    write_gray("a.pgm", 4, 4, 0);
    write_gray("b.pgm", 8, 2, 255);
    write_gray("c.pgm", 3, 3, 51);
    write_text("d.pgm", "broken");
    byol_source *source = opens(folder);
    float mean[3], std[3], again[3];
    assert_int_equal(byol_source_statistics(source, 1, mean, std, NULL), BYOL_OK);
    for (int c = 0; c < 3; c++) {
        assert_float_equal(mean[c], 0.4, 1e-6);
        assert_float_equal(std[c], 0.43204938, 1e-6); /* sqrt((.16 + .36 + .04) / 3) */
    }
    assert_int_equal(byol_source_statistics(source, 3, again, std, NULL), BYOL_OK);
    assert_memory_equal(mean, again, sizeof mean);
    byol_source_free(source);
}

static void the_fingerprint_knows_names_and_bytes_but_not_the_place(void **state) {
    (void)state;
    char here[96], there[96], changed[96];
    write_gray("one/a.pgm", 4, 4, 1);
    write_gray("one/b.pgm", 4, 4, 2);
    write_gray("two/a.pgm", 4, 4, 1);
    write_gray("two/b.pgm", 4, 4, 2);
    byol_source *one = opens(in_folder("one")), *two = opens(in_folder("two"));
    assert_int_equal(byol__fingerprint(one, here, sizeof here, NULL), BYOL_OK);
    assert_int_equal(byol__fingerprint(two, there, sizeof there, NULL), BYOL_OK);
    assert_string_equal(here, there);
    write_gray("two/b.pgm", 4, 4, 3);
    assert_int_equal(byol__fingerprint(two, changed, sizeof changed, NULL), BYOL_OK);
    assert_string_not_equal(here, changed);
    byol_source_free(one);
    byol_source_free(two);
}

static void the_fingerprint_of_a_choice_knows_which_pictures_it_holds(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++)
        write_gray((const char *[]){"a.pgm", "b.pgm", "c.pgm"}[i], 500, 500 + i, 7);
    byol_source *all = opens(folder);
    const uint32_t choices[3][2] = {{0, 1}, {0, 1}, {0, 2}};
    char text[3][96];
    for (int i = 0; i < 3; i++) {
        byol_source *choice;
        assert_int_equal(byol_source_subset(&choice, all, choices[i], 2, NULL), BYOL_OK);
        assert_int_equal(byol__fingerprint(choice, text[i], sizeof text[i], NULL), BYOL_OK);
        byol_source_free(choice);
    }
    assert_non_null(strstr(text[0], "2 pictures"));
    assert_string_equal(text[0], text[1]);
    assert_string_not_equal(text[0], text[2]);
    byol_source_free(all);
}

/* ---- in training ---- */

enum { SIDE = 8, BATCH = 7, VIEW_FLOATS = BATCH * SIDE * SIDE };

static byol__loader *loads(const byol_source *source, int threads, uint64_t first,
                           double max_unreadable) {
    byol__loader_options options = {.views = {.count = 2, .large = 2, .size = {SIDE, SIDE}},
                                    .batch_size = BATCH,
                                    .seed = 5,
                                    .threads = threads,
                                    .first_batch = first,
                                    .max_unreadable = max_unreadable};
    for (int v = 0; v < 2; v++)
        options.views.recipe[v] = (byol_view_recipe){.crop_area_min = 0.2f,
                                                     .crop_area_max = 1,
                                                     .crop_aspect_min = 0.75f,
                                                     .crop_aspect_max = 1.33f,
                                                     .std = {1, 1, 1}};
    byol__loader *loader;
    byol_error error = {0};
    if (byol__loader_create(&loader, source, &options, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return loader;
}

static void an_unreadable_picture_is_replaced_by_the_next_that_is_not(void **state) {
    (void)state;
    make_mixed_folder();
    byol_source *source = opens(folder);
    byol__loader *loader = loads(source, 2, 0, 0.05);
    uint64_t batches = 2 * byol__loader_batches_per_epoch(loader);
    int replaced = 0;
    for (uint64_t b = 0; b < batches; b++) {
        byol__batch batch;
        byol_error error = {0};
        if (byol__loader_next(loader, &batch, &error) != BYOL_OK) fail_msg("%s", error.text);
        for (int i = 0; i < BATCH; i++) {
            int expected = (int)batch.indices[i];
            replaced += expected >= GOOD;
            if (expected >= GOOD) expected = 0; /* behind the last comes the first */
            if (expected == 40) expected = 39;
            assert_float_equal(((const float *)batch.view[0])[i * SIDE * SIDE],
                               (float)expected / 255, 1e-5);
        }
    }
    assert_true(replaced > 0);
    size_t found = byol__loader_unreadable(loader, 0, NULL);
    assert_int_equal(found, 5);
    for (size_t i = 0; i < found; i++) {
        byol__skipped one;
        byol__loader_unreadable(loader, i, &one);
        assert_true(one.index >= GOOD);
        assert_non_null(strstr(one.reason, "q-"));
    }
    byol__loader_free(loader);
    byol_source_free(source);
}

static void too_many_unreadable_pictures_stop_the_loader(void **state) {
    (void)state;
    make_mixed_folder();
    byol_source *source = opens(folder);
    byol__loader *loader = loads(source, 2, 0, 0.02);
    uint64_t batches = byol__loader_batches_per_epoch(loader);
    byol_error error = {0};
    byol__batch batch;
    byol_status status = BYOL_OK;
    for (uint64_t b = 0; b < batches && status == BYOL_OK; b++)
        status = byol__loader_next(loader, &batch, &error);
    assert_int_equal(status, BYOL_ERROR_FORMAT);
    assert_non_null(
        strstr(error.text,
               "3 of 105 images could not be read, more than data.max_unreadable allows (2 %)"));
    byol__loader_free(loader);
    byol_source_free(source);
}

static byol_status first_epoch(const byol_source *source, double max_unreadable,
                               byol_error *error) {
    byol__loader *loader = loads(source, 1, 0, max_unreadable);
    byol_status status = BYOL_OK;
    byol__batch batch;
    for (uint64_t b = byol__loader_batches_per_epoch(loader); b > 0 && status == BYOL_OK; b--)
        status = byol__loader_next(loader, &batch, error);
    byol__loader_free(loader);
    return status;
}

static void one_unreadable_picture_is_allowed_among_few(void **state) {
    (void)state;
    byol_error error = {0};
    for (int i = 0; i < BATCH - 2; i++)
        write_gray((const char *[]){"a.pgm", "b.pgm", "c.pgm", "d.pgm", "e.pgm"}[i], 9, 9, i);
    write_gray("x.pgm", 9, 9, 9);
    write_text("y.pgm", "no picture\n");
    byol_source *source = opens(folder);
    assert_int_equal(first_epoch(source, 0.01, &error), BYOL_OK);
    assert_int_equal(first_epoch(source, 0, &error), BYOL_ERROR_FORMAT);
    write_text("x.pgm", "nor this\n");
    assert_int_equal(first_epoch(source, 0.01, &error), BYOL_ERROR_FORMAT);
    assert_non_null(strstr(error.text, "2 of 7 images could not be read"));
    assert_non_null(strstr(error.text, ".pgm: not a JPEG"));
    assert_non_null(strstr(error.text, "with a higher data.max_unreadable the run goes on"));
    byol_source_free(source);
}

static void batches_do_not_depend_on_threads_or_on_where_they_begin(void **state) {
    (void)state;
    make_mixed_folder();
    byol_source *source = opens(folder);
    enum { FIRST = 11, COUNT = 9 };
    byol__loader *one = loads(source, 1, 0, 1), *three = loads(source, 3, FIRST, 1);
    byol__batch a, b;
    for (int i = 0; i < FIRST; i++) assert_int_equal(byol__loader_next(one, &a, NULL), BYOL_OK);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(byol__loader_next(one, &a, NULL), BYOL_OK);
        assert_int_equal(byol__loader_next(three, &b, NULL), BYOL_OK);
        assert_int_equal(a.number, b.number);
        for (int v = 0; v < 2; v++)
            assert_memory_equal(a.view[v], b.view[v], VIEW_FLOATS * sizeof(float));
    }
    byol__loader_free(one);
    byol__loader_free(three);
    byol_source_free(source);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_flat_folder_has_no_labels),
        IN_A_FOLDER(class_folders_are_labels_in_the_order_of_their_names),
        IN_A_FOLDER(split_folders_are_splits_with_the_same_classes),
        IN_A_FOLDER(a_class_called_train_is_a_class_among_others),
        IN_A_FOLDER(a_folder_that_contains_itself_is_read_once),
        IN_A_FOLDER(an_empty_folder_says_what_was_looked_for),
        IN_A_FOLDER(a_list_gives_paths_and_labels),
        IN_A_FOLDER(an_array_of_bytes_is_a_source),
        IN_A_FOLDER(other_arrays_are_refused_in_words),
        IN_A_FOLDER(a_survey_finds_sizes_damage_and_duplicates),
        IN_A_FOLDER(statistics_are_those_of_the_pixels),
        IN_A_FOLDER(the_fingerprint_knows_names_and_bytes_but_not_the_place),
        IN_A_FOLDER(the_fingerprint_of_a_choice_knows_which_pictures_it_holds),
        IN_A_FOLDER(an_unreadable_picture_is_replaced_by_the_next_that_is_not),
        IN_A_FOLDER(too_many_unreadable_pictures_stop_the_loader),
        IN_A_FOLDER(one_unreadable_picture_is_allowed_among_few),
        IN_A_FOLDER(batches_do_not_depend_on_threads_or_on_where_they_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
