/* The page: whatever a run is called or holds, it is well-formed, loads nothing, and says what the
 * run says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/report.h"
#include "byol/trainer.h"
#include "folder.h"
#include "markup.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/near.h"
#include "report/run_data.h"
#include "tiny.h"

/* A run of 2 epochs on tiny pictures. */
static void train(const char *run, float lr) {
    byol_source *source = tiny_source();
    byol_config config = tiny_config();
    byol_trainer *trainer;
    byol_error error = {0};
    config.optimizer.lr = lr;
    if (byol_trainer_create(&trainer, &config, source, run, 0, NULL, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(byol_trainer_run(trainer, NULL, &error), BYOL_OK);
    byol_trainer_free(trainer);
    byol_source_free(source);
}

static char *read_page(const char *path) {
    char *text;
    size_t length;
    byol_error error = {0};
    if (byol__read_file(path, &text, &length, &error) != BYOL_OK) fail_msg("%s", error.text);
    assert_int_equal(strlen(text), length);
    return text;
}

/* ---- Escaping ---- */

static void markup_in_words_becomes_text(void **state) {
    (void)state;
    char *text;
    size_t length;
    FILE *page = open_memstream(&text, &length);
    byol__html(page, "<p title=\"%s\">%5.1f %% %d %zu %s</p>", "\"><script>", 2.25, -3, (size_t)7,
               "a&b 'c' \x01 \xc3\xa9 \xff\xed\xa0\x80");
    fclose(page);
    assert_string_equal(text, "<p title=\"&quot;&gt;&lt;script&gt;\">  2.2 % -3 7 a&amp;b "
                              "&#39;c&#39; \xef\xbf\xbd \xc3\xa9 "
                              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</p>");
    free(text);
}

static void a_picture_is_base64_of_a_png(void **state) {
    (void)state;
    const uint8_t pixels[4] = {0, 80, 160, 255};
    char *text;
    size_t length;
    FILE *page = open_memstream(&text, &length);
    byol__html_picture(page, pixels, 1, 2, 2);
    fclose(page);
    assert_memory_equal(text, "data:image/png;base64,iVBORw0KGgo", 33); /* the signature of PNG */
    assert_int_equal((length - 22) % 4, 0);
    free(text);
}

/* ---- Charts ---- */

static char *draw(const byol__chart *chart) {
    char *text = NULL;
    size_t length;
    FILE *page = open_memstream(&text, &length);
    assert_int_equal(byol__chart_write(page, chart, NULL), BYOL_OK);
    fclose(page);
    return text;
}

static void a_long_series_is_drawn_as_means_within_its_range(void **state) {
    (void)state;
    enum { LONG = 960 }; /* four values a stretch */
    double x[LONG], y[LONG];
    for (int i = 0; i < LONG; i++) {
        x[i] = i * 0.001;
        y[i] = i % 2 == 0 ? 1 : 3;
    }
    byol__chart chart = {
        .title = "t", .about = "a", .unit = "", .series = {{"s", x, y, LONG}}, .series_count = 1};
    char *text = draw(&chart);
    expect_well_formed(text);
    const char *const words[] = {"class=\"band s0\"", "data-y=\"2 2 2"};
    expect_words(text, words, 2);
    free(text);
}

static void values_that_are_not_finite_are_passed_over(void **state) {
    (void)state;
    double x[] = {0, 1, 2, 3}, y[] = {5, NAN, INFINITY, 6};
    byol__chart chart = {
        .title = "t", .about = "a", .unit = " %", .series = {{"s", x, y, 4}}, .series_count = 1};
    char *text = draw(&chart);
    const char *const words[] = {"data-x=\"0 3\"", "data-y=\"5 6\"", "s from 5 to 6 %."};
    expect_words(text, words, 3);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    free(text);
}

static void a_chart_of_nothing_is_not_drawn(void **state) {
    (void)state;
    double x[] = {0, NAN}, y[] = {NAN, 1};
    byol__chart chart = {
        .title = "t", .about = "a", .unit = "", .series = {{"s", x, y, 2}}, .series_count = 1};
    char *text = draw(&chart);
    assert_string_equal(text, "");
    free(text);
}

static void a_series_that_never_changes_still_has_an_axis(void **state) {
    (void)state;
    double x[] = {0, 1, 2}, y[] = {0, 0, 0};
    byol__chart chart = {
        .title = "t", .about = "a", .unit = "", .series = {{"s", x, y, 3}}, .series_count = 1};
    char *text = draw(&chart);
    assert_null(strstr(text, "nan"));
    assert_true(occurrences(text, "<span style=\"--p:") >= 4);
    free(text);
}

/* ---- Runs ---- */

static void write_text(const char *name, const char *text) {
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The folder becomes a run that has logged this. */
static void pretend_run(const char *log) {
    byol_config config = tiny_config();
    snprintf(config.data.train, sizeof config.data.train, "somewhere");
    FILE *file = fopen(in_folder("config.yaml"), "w");
    assert_int_equal(byol_config_write(&config, file, NULL), BYOL_OK);
    fclose(file);
    write_text("metrics.jsonl", log);
}

static void a_line_that_was_cut_is_passed_over_and_resumptions_are_summed(void **state) {
    (void)state;
    char run[512];
    pretend_run("{\"step\": 1, \"epoch\": 0.5, \"loss\": 2, \"seconds\": 10}\n"
                "{\"step\": 2, \"epoch\": 1, \"loss\": 1, \"seconds\": 20}\n"
                "{\"step\": 3, \"epoch\": 1.5, \"loss\": 1, \"seconds\": 4}\n{\"step\": 4, \"epo");
    byol__run_data run_data = {0};
    snprintf(run, sizeof run, "%s//", folder);
    assert_int_equal(byol__run_data_read(&run_data, run, NULL), BYOL_OK);
    assert_int_equal(run_data.lines, 3);
    assert_true(run_data.seconds == 24);
    assert_true(run_data.last_step == 3);
    assert_true(isnan(byol__run_data_last(&run_data, BYOL__KNN)));
    assert_string_equal(run_data.name, strrchr(folder, '/') + 1);
    byol__run_data_release(&run_data);
}

/* By nearest neighbours. */
static byol_evaluation result_of(double accuracy, double random_init_accuracy,
                                 double pixel_accuracy) {
    static const uint64_t confusion[9] = {8, 2, 0, 1, 9, 0, 0, 0, 10};
    return (byol_evaluation){.method = "knn",
                             .step = 8,
                             .train = "train",
                             .test = "<test>",
                             .train_count = 20,
                             .test_count = 30,
                             .classes = 3,
                             .accuracy = accuracy,
                             .random_init_accuracy = random_init_accuracy,
                             .pixel_accuracy = pixel_accuracy,
                             .choice_name = "k",
                             .choice = 5,
                             .confusion = confusion};
}

static void keep_results(const char *run, uint64_t step) {
    byol_evaluation evaluation = result_of(90, 60, 70.5);
    evaluation.step = step;
    assert_int_equal(byol_evaluation_save(run, &evaluation, NULL), BYOL_OK);
}

static int is_outdated(double *last_step) {
    int outdated = 0;
    byol__run_data run_data = {0};
    assert_int_equal(byol__run_data_read(&run_data, folder, NULL), BYOL_OK);
    assert_non_null(byol__run_data_evaluation(&run_data, "knn", &outdated));
    *last_step = run_data.last_step;
    byol__run_data_release(&run_data);
    return outdated;
}

static void an_old_run_without_a_recipe_is_byols(void **state) {
    (void)state;
    pretend_run("");
    write_text("config.yaml", "data: {train: somewhere}\n");
    byol__run_data run_data = {0};
    assert_int_equal(byol__run_data_read(&run_data, folder, NULL), BYOL_OK);
    assert_string_equal(run_data.config.recipe, "byol");
    byol__run_data_release(&run_data);
}

static void a_run_is_as_far_as_its_log_or_its_last_checkpoint(void **state) {
    (void)state;
    double last_step;
    pretend_run("{\"step\": 4, \"epoch\": 1, \"loss\": 1, \"seconds\": 4}\n");
    write_text("summary.json", "{\"steps\": 6, \"steps_planned\": 8}");
    keep_results(folder, 6);
    assert_false(is_outdated(&last_step));
    assert_true(last_step == 6);
    write_text("summary.json", "{\"steps\": 3, \"steps_planned\": 8}");
    assert_true(is_outdated(&last_step));
    assert_true(last_step == 4);
}

static void a_page_of_one_run_holds_every_part_and_nothing_else(void **state) {
    (void)state;
    const char *run = in_folder("a \"b\" <script>alert(1)<&'c"), *out = in_folder("page.html");
    byol_error error = {0};
    train(run, 0.5f);
    keep_results(run, 8);
    byol_source *source = tiny_source();
    byol_report_options options;
    byol_report_options_init(&options);
    options.data = options.train = source;
    const char *const runs[] = {run};
    if (byol_report_write(runs, 1, out, &options, &error) != BYOL_OK) fail_msg("%s", error.text);
    char *page = read_page(out);
    expect_well_formed(page);
    expect_self_contained(page);
    const char *const words[] = {
        "id=\"summary\"",    "id=\"worth\"",   "id=\"curves\"",    "id=\"views\"",
        "id=\"neighbours\"", "id=\"map\"",     "id=\"confusion\"", "id=\"system\"",
        "id=\"settings\"",   "id=\"explain\"", "90.0 %",           "70.50 %",
        "19.5 points",       "oneDNN",         "by random weights"};
    expect_words(page, words, sizeof words / sizeof *words);
    assert_null(strstr(page, "<script>alert"));
    assert_int_equal(occurrences(page, "<script>"), 1);
    /* views; asked and neighbours of three eyes; maps of both of four pairs */
    assert_int_equal(occurrences(page, "<img "), 9 * 3 + 8 * (1 + 3 * 8) + 4 * 2);
    assert_int_equal(occurrences(page, "data-l=\"-1\""), TINY_IMAGES);
    byol__free(page);
    byol_source_free(source);
}

/* ---- Texts ---- */

enum { TEXTS = 32 };

/* Pairs of texts: the words of a pair stand in no other text. All have the same label; -1: none. */
static byol_source *paired_texts(int32_t label) {
    static char lines[TEXTS][96];
    const char *texts[TEXTS];
    int32_t labels[TEXTS];
    byol_source *source;
    for (int i = 0; i < TEXTS; i++) {
        const char *const forms[] = {"<b>the</b> red%d & \"blue%d\" day%d",
                                     "day%d in blue%d, red%d"};
        snprintf(lines[i], sizeof lines[i], forms[i % 2], i / 2, i / 2, i / 2);
        texts[i] = lines[i];
        labels[i] = label;
    }
    assert_int_equal(
        byol_source_from_texts(&source, texts, NULL, label >= 0 ? labels : NULL, TEXTS, NULL),
        BYOL_OK);
    return source;
}

/* A transformer that has learned from the texts for 2 epochs. */
static void train_on_texts(const char *run, const byol_source *source) {
    byol_config config;
    byol_trainer *trainer;
    byol_error error = {0};
    byol_config_init(&config);
    byol_config_set(&config, "encoder.name", "transformer", NULL);
    config.encoder.width = 16;
    config.encoder.depth = 1;
    config.encoder.heads = 2;
    config.data.length = 16;
    config.data.vocabulary = 200;
    config.train.batch_size = 8;
    config.train.epochs = 2;
    config.train.threads = 1;
    config.train.log_every = 1;
    if (byol_trainer_create(&trainer, &config, source, run, 0, NULL, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(byol_trainer_run(trainer, NULL, &error), BYOL_OK);
    byol_trainer_free(trainer);
}

static char *page_of_texts(const char *run, const byol_source *train, const byol_source *test) {
    byol_report_options options;
    byol_error error = {0};
    byol_report_options_init(&options);
    options.data = options.train = train;
    options.test = test;
    if (byol_report_write(&run, 1, in_folder("page.html"), &options, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    char *page = read_page(in_folder("page.html"));
    expect_well_formed(page);
    expect_self_contained(page);
    return page;
}

/* Between two words on it. */
static void says_nothing_of_images(const char *page, const char *from, const char *to) {
    const char *begin = strstr(page, from), *end = strstr(page, to);
    assert_true(begin != NULL && begin < end);
    const char *found = strstr(begin, "image");
    if (found != NULL && found < end) fail_msg("%.80s", found);
}

static void a_page_of_texts_holds_them_where_pictures_would_be(void **state) {
    (void)state;
    const char *run = in_folder("run");
    byol_source *source = paired_texts(-1);
    train_on_texts(run, source);
    char *page = page_of_texts(run, source, NULL);
    const char *const words[] = {
        "id=\"views\"",      "id=\"neighbours\"",
        "id=\"map\"",        "by random weights",
        "by words (TF-IDF)", "Texts a second",
        "a text and step",   "&lt;b&gt;the&lt;/b&gt; red0 &amp; &quot;blue0&quot; day0"};
    expect_words(page, words, sizeof words / sizeof *words);
    assert_int_equal(occurrences(page, "<figure class=\"text-views\">"), 6);
    assert_int_equal(occurrences(page, "<li class=\"near"),
                     8 * 3 * 5); /* asked, eyes, neighbours */
    assert_int_equal(occurrences(page, " data-t=\""), TEXTS);
    assert_int_equal(occurrences(page, "<img "), 0);
    assert_null(strstr(page, "<b>the"));
    says_nothing_of_images(page, "<main>", "id=\"curves\"");
    says_nothing_of_images(page, "id=\"views\"", "id=\"settings\"");
    byol__free(page);
    byol_source_free(source);
}

static void neighbours_of_another_class_are_crossed_out(void **state) {
    (void)state;
    const char *run = in_folder("run");
    byol_source *zeros = paired_texts(0), *ones = paired_texts(1);
    train_on_texts(run, zeros);
    char *page = page_of_texts(run, zeros, NULL);
    assert_int_equal(occurrences(page, "<li class=\"near\">"), 8 * 5);
    assert_int_equal(occurrences(page, "<li class=\"near other\">"), 0);
    byol__free(page);
    page = page_of_texts(run, zeros, ones);
    assert_int_equal(occurrences(page, "<li class=\"near other\">"), 8 * 5);
    assert_null(strstr(page, "by words (TF-IDF)")); /* labels tell who is right */
    byol__free(page);
    byol_source_free(zeros);
    byol_source_free(ones);
}

static void by_words_the_nearest_text_is_that_of_the_same_words(void **state) {
    (void)state;
    const char *run = in_folder("run");
    byol_source *source = paired_texts(-1);
    byol_report_options options;
    byol__exhibit exhibit = {0};
    train_on_texts(run, source);
    byol_report_options_init(&options);
    options.train = source;
    assert_int_equal(byol__exhibit_open(&exhibit, run, &options, NULL), BYOL_OK);
    for (size_t i = 0; i < TEXTS; i++) {
        byol__near best[2];
        assert_int_equal(byol__find_near(&exhibit, BYOL__NO_NETWORK, i, 2, best), 2);
        assert_int_equal(best[0].index, i ^ 1);
        assert_true(best[0].cosine < 1);
        assert_true(best[1].cosine < best[0].cosine / 2);
        assert_true(fabsf(byol__exhibit_likeness(&exhibit, BYOL__NO_NETWORK, i, i) - 1) < 1e-5f);
    }
    byol__exhibit_release(&exhibit);
    byol_source_free(source);
}

static char *page_without_pictures(const char *run) {
    const char *out = in_folder("page.html");
    byol_report_options options;
    byol_error error = {0};
    byol_report_options_init(&options);
    if (byol_report_write(&run, 1, out, &options, &error) != BYOL_OK) fail_msg("%s", error.text);
    char *page = read_page(out);
    expect_well_formed(page);
    return page;
}

static void texts_stand_beside_words_and_not_beside_pixels(void **state) {
    (void)state;
    pretend_run("");
    write_text("config.yaml", "encoder: {name: transformer}\n");
    byol_evaluation result = result_of(80, 60, NAN);
    result.hog_accuracy = NAN;
    result.tfidf_accuracy = 85;
    result.majority_accuracy = 40;
    assert_int_equal(byol_evaluation_save(folder, &result, NULL), BYOL_OK);
    char *page = page_without_pictures(folder);
    const char *const words[] = {"a regression on words (TF-IDF) 85.0 %",
                                 "a regression on words (TF-IDF) does better",
                                 "5.0 points below a regression on words (TF-IDF)",
                                 "<th scope=\"row\">Words (TF-IDF)</th>",
                                 "<th scope=\"row\">Most frequent class</th>",
                                 "other ones than the training texts"};
    expect_words(page, words, sizeof words / sizeof *words);
    assert_null(strstr(page, "<th scope=\"row\">Raw pixels</th>"));
    byol__free(page);
}

static void what_a_run_without_a_log_does_not_know_is_left_out(void **state) {
    (void)state;
    pretend_run("");
    char *page = page_without_pictures(folder);
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "0 steps"));
    byol__free(page);
    write_text("summary.json", "{\"steps\": 2, \"steps_planned\": 8, \"images_per_second\": 120}");
    keep_results(folder, 1);
    page = page_without_pictures(folder);
    const char *const words[] = {"epoch <strong>0.5 of 2</strong> (2 steps). ",
                                 "measured after step 1 of 2", "<dd>120<"};
    expect_words(page, words, 3);
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "<dt>Loss"));
    byol__free(page);
}

/* tiny_config is of recipe byol, which is not the default. */
static void the_recipe_is_among_the_settings_that_differ(void **state) {
    (void)state;
    pretend_run("");
    char *page = page_without_pictures(folder);
    const char *recipe = strstr(page, "<code>recipe</code>"),
               *others = strstr(page, "All other settings");
    assert_non_null(recipe);
    assert_true(recipe < others);
    assert_true(strstr(page, "<code>loss.distance</code>") > others);
    byol__free(page);
}

static void a_tie_is_called_a_tie_and_at_the_top_says_nothing_about_the_network(void **state) {
    (void)state;
    const struct {
        double accuracy, random, pixels;
        const char *verdict, *remark;
    } cases[] = {{100, 100, 90, "too few or too easy", "as the untrained network"},
                 {100, 60, 100, "too few or too easy", "as the raw pixels"},
                 {80, 60, 80, "the raw pixels do as well", "as the raw pixels"},
                 {80, 60, 90, "the raw pixels do better", "10.0 points below the raw pixels"},
                 {50, 50, 40, "worth nothing", "as the untrained network"}};
    pretend_run("");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        byol_evaluation result = result_of(cases[c].accuracy, cases[c].random, cases[c].pixels);
        assert_int_equal(byol_evaluation_save(folder, &result, NULL), BYOL_OK);
        char *page = page_without_pictures(folder);
        expect_words(page, &cases[c].verdict, 1);
        expect_words(page, &cases[c].remark, 1);
        assert_int_equal(strstr(page, "worth nothing") != NULL, cases[c].accuracy == 50);
        byol__free(page);
    }
}

static void accuracies_on_the_training_images_are_called_that_and_not_judged(void **state) {
    (void)state;
    byol_evaluation result = result_of(100, 60, 70);
    pretend_run("");
    assert_int_equal(byol_evaluation_save(folder, &result, NULL), BYOL_OK);
    char *page = page_without_pictures(folder);
    assert_non_null(strstr(page, "other ones than the training images"));
    byol__free(page);
    result.same_images = 1;
    assert_int_equal(byol_evaluation_save(folder, &result, NULL), BYOL_OK);
    page = page_without_pictures(folder);
    const char *const words[] = {
        "are the training images</strong>: this means little", "on the training images",
        "means little where they are the training images", "the same images"};
    expect_words(page, words, 4);
    assert_null(strstr(page, "other ones than the training images"));
    assert_null(strstr(page, "30.0 points"));
    byol__free(page);
}

static void a_page_without_pictures_says_why(void **state) {
    (void)state;
    const char *run = in_folder("run"), *out = in_folder("page.html");
    train(run, 0.5f);
    byol_report_options options;
    byol_report_options_init(&options);
    options.note = "the data <are> gone";
    const char *const runs[] = {run};
    assert_int_equal(byol_report_write(runs, 1, out, &options, NULL), BYOL_OK);
    char *page = read_page(out);
    expect_well_formed(page);
    const char *const words[] = {"the data &lt;are&gt; gone", "byol knn"};
    expect_words(page, words, 2);
    assert_null(strstr(page, "<img "));
    byol__free(page);
}

static void runs_are_compared_by_curves_and_by_what_differs(void **state) {
    (void)state;
    const char *one = in_folder("one"), *two = in_folder("two"), *out = in_folder("page.html");
    train(one, 0.5f);
    train(two, 0.25f);
    keep_results(two, 8);
    byol_report_options options;
    byol_report_options_init(&options);
    const char *const runs[] = {one, two};
    assert_int_equal(byol_report_write(runs, 2, out, &options, NULL), BYOL_OK);
    char *page = read_page(out);
    expect_well_formed(page);
    expect_self_contained(page);
    const char *const words[] = {"optimizer.lr", "<td><code>0.25</code></td>", "class=\"line s1\"",
                                 "90.00 %"};
    expect_words(page, words, 4);
    assert_null(strstr(page, "<code>encoder.width</code>"));
    byol__free(page);
}

static void what_is_no_run_leaves_no_page(void **state) {
    (void)state;
    const char *run = in_folder("nothing"), *out = in_folder("page.html");
    byol_error error = {0};
    byol_report_options options;
    byol_report_options_init(&options);
    const char *const runs[] = {run};
    assert_int_equal(byol_report_write(runs, 1, out, &options, &error), BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, run));
    assert_int_equal(byol_report_write(runs, 0, out, &options, &error), BYOL_ERROR_INVALID);
    assert_int_equal(byol_report_write(runs, 17, out, &options, &error), BYOL_ERROR_INVALID);
    assert_false(byol__is_file(out));
}

static int stop_at_once(void *context, uint64_t done, uint64_t total) {
    (void)done;
    (void)total;
    ++*(int *)context;
    return 1;
}

static void a_stopped_report_leaves_the_old_page(void **state) {
    (void)state;
    const char *run = in_folder("run"), *out = in_folder("page.html");
    int asked = 0;
    train(run, 0.5f);
    byol_source *source = tiny_source();
    byol_report_options options;
    byol_report_options_init(&options);
    const char *const runs[] = {run};
    assert_int_equal(byol_report_write(runs, 1, out, &options, NULL), BYOL_OK);
    char *before = read_page(out);
    options.train = source;
    options.progress = stop_at_once;
    options.context = &asked;
    assert_int_equal(byol_report_write(runs, 1, out, &options, NULL), BYOL_ERROR_CANCELLED);
    assert_int_equal(asked, 1);
    char *after = read_page(out);
    assert_string_equal(before, after);
    byol__free(before);
    byol__free(after);
    byol_source_free(source);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_in_words_becomes_text),
        cmocka_unit_test(a_picture_is_base64_of_a_png),
        cmocka_unit_test(a_long_series_is_drawn_as_means_within_its_range),
        cmocka_unit_test(values_that_are_not_finite_are_passed_over),
        cmocka_unit_test(a_chart_of_nothing_is_not_drawn),
        cmocka_unit_test(a_series_that_never_changes_still_has_an_axis),
        IN_A_FOLDER(a_line_that_was_cut_is_passed_over_and_resumptions_are_summed),
        IN_A_FOLDER(an_old_run_without_a_recipe_is_byols),
        IN_A_FOLDER(a_run_is_as_far_as_its_log_or_its_last_checkpoint),
        IN_A_FOLDER(a_page_of_one_run_holds_every_part_and_nothing_else),
        IN_A_FOLDER(a_page_of_texts_holds_them_where_pictures_would_be),
        IN_A_FOLDER(neighbours_of_another_class_are_crossed_out),
        IN_A_FOLDER(by_words_the_nearest_text_is_that_of_the_same_words),
        IN_A_FOLDER(texts_stand_beside_words_and_not_beside_pixels),
        IN_A_FOLDER(what_a_run_without_a_log_does_not_know_is_left_out),
        IN_A_FOLDER(the_recipe_is_among_the_settings_that_differ),
        IN_A_FOLDER(a_tie_is_called_a_tie_and_at_the_top_says_nothing_about_the_network),
        IN_A_FOLDER(accuracies_on_the_training_images_are_called_that_and_not_judged),
        IN_A_FOLDER(a_page_without_pictures_says_why),
        IN_A_FOLDER(runs_are_compared_by_curves_and_by_what_differs),
        IN_A_FOLDER(what_is_no_run_leaves_no_page),
        IN_A_FOLDER(a_stopped_report_leaves_the_old_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
