/* Sources of sounds: folders, lists, shards, files, memory; what cannot be read is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "byol/source.h"
#include "byol/survey.h"
#include "floats.h"
#include "folder.h"
#include "sounds.h"

static byol_source *opened(const char *spec) {
    byol_source *source;
    check(byol_source_open(&source, spec, &error));
    return source;
}

static byol_source_info described(const byol_source *source) {
    byol_source_info info;
    byol_source_describe(source, &info);
    return info;
}

static const char *label_name(const byol_source *source, size_t index) {
    return byol_source_class_name(source, byol_source_label(source, index));
}

/* train/{high,low}, test/low; a sound of 400 samples each, and one of 800. */
static void make_tree(void) {
    static const char *const folders[] = {"tree",           "tree/train", "tree/train/high",
                                          "tree/train/low", "tree/test",  "tree/test/low"};
    for (int i = 0; i < 6; i++) mkdir(in_folder(folders[i]), 0777);
    write_wav(in_folder("tree/train/high/a.wav"), 400, 2000);
    write_wav(in_folder("tree/train/low/b.WAV"), 400, 200);
    write_wav(in_folder("tree/train/low/c.wav"), 800, 300);
    write_wav(in_folder("tree/test/low/d.wav"), 400, 250);
}

static void a_folder_has_classes_and_splits(void **state) {
    (void)state;
    make_tree();
    byol_source *train = opened(in_folder("tree")), *test = opened(in_folder("tree:test"));
    byol_source_info info = described(train);
    assert_int_equal(info.samples, BYOL_SAMPLES_SOUNDS);
    assert_int_equal(info.count, 3);
    assert_int_equal(info.classes, 2);
    assert_int_equal(info.rate, 8000);
    assert_int_equal(info.channels, 1);
    assert_true(fabsf(info.seconds - 0.05f) < 1e-6f);
    assert_non_null(strstr(info.description, "3 sounds"));
    assert_string_equal(label_name(train, 0), "high");
    assert_int_equal(described(test).count, 1);
    assert_string_equal(label_name(test, 0), "low");
    byol_source_free(train);
    byol_source_free(test);
}

static void a_list_gives_paths_and_labels(void **state) {
    (void)state;
    make_tree();
    FILE *file = fopen(in_folder("digits.txt"), "w");
    fputs("# two of three\ntree/train/low/c.wav\tbass\ntree/train/high/a.wav\ttreble\n", file);
    fclose(file);
    byol_source *source = opened(in_folder("digits.txt"));
    byol_waveform waveform = {0};
    char name[64];
    assert_int_equal(described(source).count, 2);
    assert_string_equal(label_name(source, 1), "treble");
    byol_source_name(source, 0, name, sizeof name);
    assert_string_equal(name, "tree/train/low/c.wav");
    check(byol_source_sound(source, 0, 16000, 0, 0, &waveform, &error));
    assert_int_equal(waveform.count, 1600);
    assert_int_equal(waveform.file_rate, 8000);
    check(byol_source_sound(source, 0, 0, 100, 50, &waveform, &error));
    assert_int_equal(waveform.count, 50);
    byol_waveform_release(&waveform);
    byol_source_free(source);
}

static void a_shard_holds_sounds(void **state) {
    (void)state;
    char command[512];
    make_tree();
    snprintf(command, sizeof command, "tar -C %s -cf %s tree", folder, in_folder("all.tar"));
    assert_int_equal(system(command), 0);
    byol_source *source = opened(in_folder("all.tar"));
    byol_waveform waveform = {0};
    assert_int_equal(described(source).samples, BYOL_SAMPLES_SOUNDS);
    assert_int_equal(described(source).count, 3);
    assert_string_equal(label_name(source, 2), "low");
    check(byol_source_sound(source, 2, 8000, 0, 0, &waveform, &error));
    assert_int_equal(waveform.count, 800);
    byol_waveform_release(&waveform);
    byol_source_free(source);
}

static void waveforms_in_memory_are_a_source(void **state) {
    (void)state;
    float *one = random_floats(500, 1, 0), *two = random_floats(300, 1, 1);
    const float *const samples[] = {one, two};
    const size_t lengths[] = {500, 300};
    const int32_t labels[] = {1, 0};
    const uint32_t second = 1;
    byol_source *source, *subset;
    byol_waveform waveform = {0};
    check(byol_source_from_waveforms(&source, samples, lengths, 4000, labels, 2, &error));
    check(byol_source_subset(&subset, source, &second, 1, &error));
    check(byol_source_sound(source, 0, 4000, 0, 0, &waveform, &error));
    assert_int_equal(waveform.count, 500);
    assert_memory_equal(waveform.samples, one, 500 * sizeof(float));
    check(byol_source_sound(subset, 0, 4000, 10, 20, &waveform, &error));
    assert_memory_equal(waveform.samples, two + 10, 20 * sizeof(float));
    assert_int_equal(byol_source_label(subset, 0), 0);
    byol_waveform_release(&waveform);
    byol_source_free(subset);
    byol_source_free(source);
    assert_int_equal(byol_source_from_waveforms(&source, samples, lengths, 10, NULL, 2, &error),
                     BYOL_ERROR_INVALID);
    const size_t none[] = {500, 0};
    assert_int_equal(byol_source_from_waveforms(&source, samples, none, 4000, NULL, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "sound 1 has no samples"));
    byol__free(one);
    byol__free(two);
}

static void a_survey_names_what_is_silent_damaged_or_there_twice(void **state) {
    (void)state;
    mkdir(in_folder("mixed"), 0777);
    write_wav(in_folder("mixed/a.wav"), 400, 440);
    write_wav(in_folder("mixed/b.wav"), 400, 440);
    write_tone(in_folder("mixed/c.flac"), SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 192000, 8, 9600, 440,
               0.5);
    write_tone(in_folder("mixed/d.wav"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 80, 440, 0);
    write_tone(in_folder("mixed/e.flac"), SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 8000, 1, 40000, 440,
               0.5);
    write_tone(in_folder("mixed/f.wav"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 0, 440, 0);
    assert_int_equal(truncate(in_folder("mixed/e.flac"), 3000), 0);
    byol_source *source = opened(in_folder("mixed"));
    byol_survey survey;
    check(byol_source_survey(source, 2, &survey, NULL, NULL, &error));
    assert_int_equal(survey.count, 6);
    assert_int_equal(survey.readable, 4);
    assert_int_equal(survey.silent, 1);
    assert_int_equal(survey.rate.max, 192000);
    assert_int_equal(survey.channels.max, 8);
    assert_int_equal(survey.milliseconds.min, 10);
    assert_int_equal(survey.unreadable_count, 2);
    assert_non_null(strstr(survey.unreadable[0].reason, "e.flac: the sound ends early"));
    assert_non_null(strstr(survey.unreadable[1].reason, "f.wav: the sound has no samples"));
    assert_int_equal(byol_source_unreadable(source, 4), 1);
    assert_int_equal(survey.duplicate_count, 1);
    assert_int_equal(survey.duplicates[0].index, 1);
    byol_survey_release(&survey);
    byol_source_free(source);
}

static void what_needs_something_else_says_so(void **state) {
    (void)state;
    make_tree();
    byol_source *source = opened(in_folder("tree"));
    byol_picture picture = {0};
    const char *text;
    size_t length;
    float mean[3], std[3];
    assert_int_equal(byol_source_image(source, 0, NULL, &picture, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "holds sounds"));
    assert_int_equal(byol_source_text(source, 0, &text, &length, &error), BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_statistics(source, 1, mean, std, &error), BYOL_ERROR_INVALID);
    byol_source_free(source);
    assert_int_equal(byol_source_open(&source, in_folder("tree:nosuch"), &error),
                     BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "sounds"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_has_classes_and_splits, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_list_gives_paths_and_labels, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_shard_holds_sounds, make_folder, remove_folder),
        cmocka_unit_test(waveforms_in_memory_are_a_source),
        cmocka_unit_test_setup_teardown(a_survey_names_what_is_silent_damaged_or_there_twice,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_needs_something_else_says_so, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
