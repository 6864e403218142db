#include "cli_eval.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "byol/report.h"
#include "byol/survey.h"
#include "byol/views.h"
#include "cli_vectors.h"

/* What is judged. Those from PIXELS on need no network: two of images, of sounds and of texts. */
typedef enum kind { TRAINED, RANDOM, PIXELS, HOG, MELS, CEPSTRA, TFIDF, MAJORITY, KINDS } kind;

static const char *const kind_names[KINDS] = {
    "trained encoder", "randomly initialised", "raw pixels",     "gradients (HOG)",
    "log-mels",        "cepstra (MFCC)",       "words (TF-IDF)", "most frequent class"};

static const char *const kind_keys[KINDS] = {
    "accuracy",        "random_init_accuracy", "pixel_accuracy", "hog_accuracy",
    "logmel_accuracy", "mfcc_accuracy",        "tfidf_accuracy", "majority_accuracy"};

/* In a sentence. */
static const char *const kind_words[KINDS] = {
    [PIXELS] = "the raw pixels",
    [HOG] = "gradients of the pixels (HOG)",
    [MELS] = "mean and deviation of the log-mels",
    [CEPSTRA] = "cepstra with their slopes (MFCC)",
    [TFIDF] = "a regression on words (TF-IDF)",
    [MAJORITY] = "naming the most frequent class",
};

static const char *samples_of(const cli_session *s) { return cli_samples(s->train.whole); }

static byol_status no_memory(byol_error *error, const char *what) {
    return cli_error(error, BYOL_ERROR_MEMORY, "no memory for %s; --limit takes fewer samples",
                     what);
}

/* ---- sources ---- */

/* splitmix64 (Steele, Lea, Flood, 2014): an order that is the same on every machine */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void shuffle(uint32_t *order, size_t count) {
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(next_random(&state) % i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* Unreadable samples cannot be classified. One pass over the chosen ones finds them and leaves
 * them out of the set. */
static byol_status leave_out_unreadable(cli_labelled *set, const char *spec, int threads,
                                        byol_error *error) {
    byol_source *chosen;
    cli_progress progress;
    char text[BYOL_PATH_MAX + 128];
    byol_status status = byol_source_subset(&chosen, set->whole, set->order, set->count, error);
    if (status != BYOL_OK) return status;
    const char *samples = cli_samples(set->whole);
    snprintf(text, sizeof text, "checking the %s", samples);
    cli_progress_begin(&progress, text, samples);
    status = byol_source_survey(chosen, threads, NULL, cli_progress_hook, &progress, error);
    cli_progress_end(&progress);
    size_t kept = 0;
    for (size_t i = 0; i < set->count && status == BYOL_OK; i++)
        if (!byol_source_unreadable(chosen, i)) set->order[kept++] = set->order[i];
    byol_source_free(chosen);
    if (status != BYOL_OK) return status;
    if (kept < set->count) {
        snprintf(text, sizeof text, "%zu of %zu %s of %.900s cannot be read and are left out",
                 set->count - kept, set->count, samples, spec);
        cli_warn(text);
    }
    set->count = kept;
    return BYOL_OK;
}

byol_status cli_labelled_open(cli_labelled *set, const char *spec, size_t limit, int threads,
                              byol_error *error) {
    byol_status status = byol_source_open(&set->whole, spec, error);
    if (status != BYOL_OK) return status;
    byol_source_info info;
    byol_source_describe(set->whole, &info);
    if (info.classes == 0)
        return cli_error(error, BYOL_ERROR_INVALID,
                         "%.500s has no labels: accuracy cannot be measured on it", spec);
    set->count = limit > 0 && limit < info.count ? limit : info.count;
    set->channels = info.channels;
    set->decoded = info.decoded;
    set->classes = info.classes;
    snprintf(set->description, sizeof set->description, "%s", info.description);
    set->order = malloc(info.count * sizeof *set->order);
    set->labels = malloc(set->count * sizeof *set->labels);
    if (set->order == NULL || set->labels == NULL) return no_memory(error, "labels");
    shuffle(set->order, info.count);
    if (info.decoded) status = leave_out_unreadable(set, spec, threads, error);
    if (status == BYOL_OK)
        status = byol_source_subset(&set->source, set->whole, set->order, set->count, error);
    for (size_t i = 0; i < set->count && status == BYOL_OK; i++)
        set->labels[i] = byol_source_label(set->source, i);
    return status;
}

void cli_labelled_release(cli_labelled *set) {
    byol_source_free(set->source);
    byol_source_free(set->whole);
    free(set->order);
    free(set->labels);
}

/* Classes are numbered in the order of their names, so a folder that lacks one numbers the others
 * differently. */
byol_status cli_compare_classes(const cli_labelled *train, const cli_labelled *test,
                                byol_error *error) {
    const char *samples = cli_samples(train->whole);
    if (test->classes > train->classes)
        return cli_error(error, BYOL_ERROR_MISMATCH,
                         "the test %s have %d classes, the training %s %d", samples, test->classes,
                         samples, train->classes);
    for (int i = 0; i < test->classes; i++) {
        const char *one = byol_source_class_name(train->whole, i),
                   *other = byol_source_class_name(test->whole, i);
        if (one == NULL || other == NULL || strcmp(one, other) == 0) continue;
        return cli_error(
            error, BYOL_ERROR_MISMATCH,
            "class %d is '%.100s' in the training %s and '%.100s' in the test %s: they are of "
            "different data sets, or one lacks a class",
            i, one, samples, other, samples);
    }
    return BYOL_OK;
}

static uint8_t pixel_at(const byol_image *image, int c, int y, int x) {
    return image->pixels[(size_t)c * image->channel_stride + (size_t)y * image->row_stride +
                         (size_t)x * image->pixel_stride];
}

static int equal_pixels(const byol_image *a, const byol_image *b) {
    if (a->channels != b->channels || a->height != b->height || a->width != b->width) return 0;
    for (int c = 0; c < a->channels; c++)
        for (int y = 0; y < a->height; y++)
            for (int x = 0; x < a->width; x++)
                if (pixel_at(a, c, y, x) != pixel_at(b, c, y, x)) return 0;
    return 1;
}

/* Sets `*same`. 0: these are no sounds that can be read. */
static int sounds_are_same(const byol_source *a, const byol_source *b, size_t index, int *same) {
    byol_waveform one = {0}, other = {0};
    enum { COMPARED = 1 << 20 }; /* samples from the beginning */
    int read = byol_source_sound(a, index, 0, 0, COMPARED, &one, NULL) == BYOL_OK &&
               byol_source_sound(b, index, 0, 0, COMPARED, &other, NULL) == BYOL_OK;
    *same = read && one.count == other.count &&
            memcmp(one.samples, other.samples, one.count * sizeof *one.samples) == 0;
    byol_waveform_release(&one);
    byol_waveform_release(&other);
    return read;
}

static int is_same_sample(const byol_source *a, const byol_source *b, size_t index) {
    const char *text, *other_text;
    size_t length, other_length;
    int same;
    if (byol_source_text(a, index, &text, &length, NULL) == BYOL_OK &&
        byol_source_text(b, index, &other_text, &other_length, NULL) == BYOL_OK)
        return length == other_length && memcmp(text, other_text, length) == 0;
    if (sounds_are_same(a, b, index, &same)) return same;
    byol_picture one = {0}, other = {0};
    same = byol_source_image(a, index, NULL, &one, NULL) == BYOL_OK &&
           byol_source_image(b, index, NULL, &other, NULL) == BYOL_OK &&
           equal_pixels(&one.image, &other.image);
    byol_picture_release(&one);
    byol_picture_release(&other);
    return same;
}

/* Compares the labels of all images and the pixels of some, wherever the files are (two sets of one
 * size are in the same order). */
static int are_same_images(const cli_labelled *a, const cli_labelled *b) {
    enum { LOOKED_AT = 32 };
    if (a->count != b->count || memcmp(a->labels, b->labels, a->count * sizeof *a->labels) != 0)
        return 0;
    for (size_t i = 0; i < a->count && i < LOOKED_AT; i++)
        if (!is_same_sample(a->source, b->source, i)) return 0;
    return 1;
}

/* Where the last colon is in the first `length` bytes; `length` if there is none behind the last
 * slash: it belongs to a folder's name. */
static size_t last_colon(const char *spec, size_t length) {
    for (size_t i = length; i > 0 && spec[i - 1] != '/'; i--)
        if (spec[i - 1] == ':') return i - 1;
    return length;
}

/* "cifar:1,2,3" and "test" -> "cifar:test". Columns stay behind it: "set:train:text=body" ->
 * "set:test:text=body". */
static void with_split(const char *spec, const char *split, char out[BYOL_PATH_MAX]) {
    size_t length = strlen(spec), columns = last_colon(spec, length);
    const char *item = spec + columns + (columns < length);
    bool has_columns = strncmp(item, "text=", 5) == 0 || strncmp(item, "label=", 6) == 0 ||
                       strncmp(item, "classes=", 8) == 0;
    if (!has_columns) columns = length;
    snprintf(out, BYOL_PATH_MAX, "%.*s:%s%s", (int)last_colon(spec, columns), spec, split,
             spec + columns);
}

void cli_eval_sources(const byol_config *config, const char *given_train, const char *given_test,
                      char train[BYOL_PATH_MAX], char test[BYOL_PATH_MAX]) {
    const char *usual = config->eval.train[0] != '\0' ? config->eval.train : config->data.train;
    snprintf(train, BYOL_PATH_MAX, "%s", given_train != NULL ? given_train : usual);
    if (given_test != NULL)
        snprintf(test, BYOL_PATH_MAX, "%s", given_test);
    else if (given_train == NULL && config->eval.test[0] != '\0')
        snprintf(test, BYOL_PATH_MAX, "%s", config->eval.test);
    else
        with_split(train, "test", test);
}

/* ---- arguments ---- */

enum {
    OPTION_TRAIN = 4000,
    OPTION_TEST,
    OPTION_LIMIT,
    OPTION_THREADS,
    OPTION_SEED,
    OPTION_NO_BASELINES,
    OPTION_MEAN
};

static const struct argp_option options[] = {
    {"train", OPTION_TRAIN, "SRC", 0,
     "Labelled images, texts or sounds to learn from (default: what the run was trained on)", 1},
    {"test", OPTION_TEST, "SRC", 0,
     "Labelled images, texts or sounds to classify (default: the test split of the same)", 1},
    {"limit", OPTION_LIMIT, "N", 0, "A quick look: at most N images, texts or sounds of each", 1},
    {"threads", OPTION_THREADS, "N", 0, "0: every processor the process may use", 1},
    {"seed", OPTION_SEED, "N", 0,
     "Of the random initialisation (default: the run's, so the encoder before training) and of the "
     "method's own draws",
     1},
    {"mean", OPTION_MEAN, "CROPS", 0,
     "Of images: take the mean of the vectors of each, its mirror image and so many random crops, "
     "not "
     "the centre view alone",
     1},
    {"no-baselines", OPTION_NO_BASELINES, NULL, 0,
     "Measure the trained encoder alone: faster, where the rest is known", 1},
    {0},
};

static uint64_t read_seed(const char *text, struct argp_state *state) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || *text == '-')
        argp_error(state, "--seed takes a whole number up to %llu, not '%s'",
                   (unsigned long long)UINT64_MAX, text);
    return value;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    cli_eval *eval = state->input;
    switch (key) {
    case OPTION_TRAIN: eval->train = argument; return 0;
    case OPTION_TEST: eval->test = argument; return 0;
    case OPTION_LIMIT:
        eval->limit = (size_t)cli_whole_number("--limit", argument, 0, INT32_MAX, state);
        return 0;
    case OPTION_THREADS: eval->threads = cli_threads(argument, state); return 0;
    case OPTION_MEAN:
        eval->mean = 1;
        eval->crops = (int)cli_whole_number("--mean", argument, 0, 1000, state);
        return 0;
    case OPTION_NO_BASELINES: eval->no_baselines = 1; return 0;
    case OPTION_SEED:
        eval->has_seed = 1;
        eval->seed = read_seed(argument, state);
        return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&eval->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which RUN or WEIGHTS file?"); return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_eval_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

/* ---- features ---- */

static byol_status interrupted(byol_error *error) {
    return cli_error(error, BYOL_ERROR_CANCELLED, "interrupted");
}

/* Features that need no encoder: the images as vectors, prepared as for the encoder, or their
 * gradients. */
static byol_status describe_images(cli_session *s, kind what, const cli_labelled *set,
                                   size_t dimension, float *values, byol_error *error) {
    int side = byol_encoder_config(s->trained)->data.image_size;
    size_t pixels = (size_t)set->channels * (size_t)side * (size_t)side;
    float *image = malloc(pixels * sizeof *image);
    byol_status status = image == NULL ? no_memory(error, "an image") : BYOL_OK;
    for (size_t i = 0; i < set->count && status == BYOL_OK; i++) {
        float *dst = values + i * dimension;
        status = byol_encoder_prepare(s->trained, set->source, i, image, error);
        if (status != BYOL_OK) break;
        if (what == HOG)
            byol_hog(image, set->channels, side, dst);
        else
            memcpy(dst, image, pixels * sizeof *image);
        if (cli_progress_hook(&s->progress, i, set->count) != 0) status = interrupted(error);
    }
    free(image);
    return status;
}

static byol_status describe_sounds(cli_session *s, kind what, const cli_labelled *set,
                                   float *values, byol_error *error) {
    return byol_sound_describe(set->source, what == MELS ? BYOL_SOUND_MELS : BYOL_SOUND_CEPSTRA,
                               byol_encoder_config(s->trained), values, cli_progress_hook,
                               &s->progress, error);
}

/* 0: there is no such thing. */
static int dimension_of(const cli_session *s, kind what) {
    bool is_spectrum = what == MELS || what == CEPSTRA;
    byol_sample_kind wanted = is_spectrum ? BYOL_SAMPLES_SOUNDS : BYOL_SAMPLES_IMAGES;
    if (what >= PIXELS && s->samples != wanted) return 0;
    if (is_spectrum)
        return byol_sound_dimension(what == MELS ? BYOL_SOUND_MELS : BYOL_SOUND_CEPSTRA,
                                    byol_encoder_config(s->trained));
    int side = byol_encoder_config(s->trained)->data.image_size;
    if (what == PIXELS) return s->train.channels * side * side;
    if (what == HOG) return byol_hog_dimension(side);
    return byol_encoder_dimension(s->trained, BYOL_LAYER_BACKBONE);
}

/* Makes one set of features. `pass` below 0: the images as they are, else augmentation number
 * `pass`. Owned: free(values). */
static byol_status make_features(cli_session *s, kind what, const cli_labelled *set, int pass,
                                 byol_features *features, byol_error *error) {
    int dimension = dimension_of(s, what);
    float *values = cli_matrix(set->count, (size_t)dimension);
    if (values == NULL) return no_memory(error, "features");
    *features = (byol_features){values, set->labels, set->count, dimension, s->train.classes};
    char what_is_done[64];
    snprintf(what_is_done, sizeof what_is_done, "%s: %s %s", kind_names[what],
             set == &s->test ? "test" : "training", samples_of(s));
    cli_progress_begin(&s->progress, what_is_done, samples_of(s));
    byol_encoder *encoder = what == TRAINED ? s->trained : s->random;
    byol_status status =
        what >= MELS     ? describe_sounds(s, what, set, values, error)
        : what >= PIXELS ? describe_images(s, what, set, (size_t)dimension, values, error)
        : s->options->mean && pass < 0
            ? byol_encoder_embed_mean(encoder, set->source, BYOL_LAYER_BACKBONE, s->options->crops,
                                      s->options->seed, values, cli_progress_hook, &s->progress,
                                      error)
        : pass < 0 ? byol_encoder_embed(encoder, set->source, BYOL_LAYER_BACKBONE, values,
                                        cli_progress_hook, &s->progress, error)
                   : byol_encoder_embed_augmented(encoder, set->source, BYOL_LAYER_BACKBONE,
                                                  s->options->seed, (uint32_t)pass, values,
                                                  cli_progress_hook, &s->progress, error);
    cli_progress_end(&s->progress);
    return status;
}

static byol_status measure_kind(cli_session *s, kind what, cli_measure measure, const void *context,
                                cli_row *row, byol_error *error) {
    int passes = what >= PIXELS ? 1 : s->options->passes;
    byol_features *train = calloc((size_t)passes, sizeof *train), test = {0};
    if (train == NULL) return no_memory(error, "features");
    byol_status status = BYOL_OK;
    for (int p = 0; p < passes && status == BYOL_OK; p++)
        status = make_features(s, what, &s->train, passes > 1 ? p : -1, &train[p], error);
    if (status == BYOL_OK) status = make_features(s, what, &s->test, -1, &test, error);
    if (status == BYOL_OK) {
        cli_progress_begin(&s->progress, kind_names[what], NULL);
        status = measure(context, train, passes, &test, row, &s->progress, error);
        cli_progress_end(&s->progress);
    }
    for (int p = 0; p < passes; p++) free((void *)train[p].values);
    free((void *)test.values);
    free(train);
    return status;
}

/* ---- results ---- */

static void print_table(const cli_session *s, const cli_row rows[KINDS], const char *choice_name) {
    FILE *stream = cli_tables();
    if (stream == NULL) return;
    int best = 0;
    for (int k = 1; k < KINDS; k++)
        if (rows[k].measured && rows[k].accuracy > rows[best].accuracy) best = k;
    char train[32], test[32];
    fprintf(stream, "%s\n%s training %s, %s test %s, %d classes\n\n", s->options->model,
            cli_count(train, s->train.count), samples_of(s), cli_count(test, s->test.count),
            samples_of(s), s->train.classes);
    fprintf(stream, "  %-22s %10s  %8s\n", "features", "accuracy", choice_name);
    for (int k = 0; k < KINDS; k++) {
        char choice[24] = "";
        if (!rows[k].measured) continue;
        if (k < TFIDF) snprintf(choice, sizeof choice, "%8.4g", rows[k].choice);
        fprintf(stream, "%s%c %-22s %8.2f %%  %s%s\n", k == best ? cli_bold(stream) : "",
                k == best ? '*' : ' ', kind_names[k], rows[k].accuracy, choice,
                k == best ? cli_plain(stream) : "");
    }
    fprintf(stream, "\n(* the best; %s %s %s)\n", choice_name,
            s->options->choice_given ? "as given" : "chosen on held-out training",
            s->options->choice_given ? "" : samples_of(s));
    if (s->options->mean)
        fprintf(
            stream,
            "(vectors of encoders are means over the centre view, its mirror image and %d crops)\n",
            s->options->crops);
}

static void warn_if_worthless(const cli_session *s, const cli_row rows[KINDS]) {
    double trained = rows[TRAINED].accuracy, untrained = rows[RANDOM].accuracy;
    int best = PIXELS; /* of those that need no network */
    for (int k = HOG; k < KINDS; k++)
        if (rows[k].measured && rows[k].accuracy > rows[best].accuracy) best = k;
    double simple = rows[best].accuracy;
    char text[256];
    if (s->same_images || !rows[RANDOM].measured) return; /* then nothing can be said */
    if (trained >= 100 && (untrained >= 100 || simple >= 100))
        snprintf(text, sizeof text,
                 "the trained encoder gets every one of the test %s right, and so %s: they are too "
                 "few or too easy to "
                 "show what it has learned",
                 samples_of(s),
                 untrained >= 100 ? "does one with random weights"
                                  : "do features without a network");
    else if (trained <= untrained)
        snprintf(text, sizeof text,
                 "the trained encoder (%.2f %%) is no better than one with random weights (%.2f "
                 "%%): what it has "
                 "learned is worth nothing here. Look at loss and spread in metrics.jsonl, or "
                 "check the views",
                 trained, untrained);
    else if (trained <= simple)
        snprintf(text, sizeof text,
                 "the trained encoder (%.2f %%) has learned something (random weights: %.2f %%), "
                 "but it is no better "
                 "than %s (%.2f %%). Train longer, or check the views",
                 trained, untrained, kind_words[best], simple);
    else
        return;
    cli_warn(text);
}

static json_t *describe_result(const cli_session *s, const cli_row rows[KINDS],
                               const char *choice_name) {
    json_t *object = json_object();
    for (int k = 0; k < KINDS; k++)
        if (rows[k].measured)
            json_object_set_new(object, kind_keys[k], json_real(rows[k].accuracy));
    json_object_set_new(object, "classes", json_integer(s->train.classes));
    json_object_set_new(object, "train_count", json_integer((json_int_t)s->train.count));
    json_object_set_new(object, "test_count", json_integer((json_int_t)s->test.count));
    json_object_set_new(object, choice_name, json_real(rows[TRAINED].choice));
    if (s->options->mean)
        json_object_set_new(object, "mean_over_views", json_integer(2 + s->options->crops));
    return object;
}

/* ---- whole evaluations ---- */

static void append(byol_error *error, const char *words) {
    size_t length = strlen(error->text);
    snprintf(error->text + length, sizeof error->text - length, "%s", words);
}

/* If a name was not given but came from the run's configuration, the error says so and which option
 * gives one. */
static byol_status open_sets(cli_session *s, const char *train, const char *test,
                             byol_error *error) {
    const cli_eval *eval = s->options;
    byol_status status = cli_labelled_open(&s->train, train, eval->limit, eval->threads, error);
    if (status == BYOL_ERROR_NOT_FOUND && eval->train == NULL)
        append(error, " (as the run's config.yaml has it, from the folder where it was trained; "
                      "--train SRC says where "
                      "the data are now)");
    if (status != BYOL_OK) return status;
    status = cli_labelled_open(&s->test, test, eval->limit, eval->threads, error);
    if (status != BYOL_OK && eval->test == NULL)
        append(error, ". There must be labelled samples to test with: name them with --test SRC");
    return status;
}

static void warn_of_same(const cli_session *s) {
    char text[192];
    snprintf(text, sizeof text,
             "the test %s are the training %s: accuracies on what was learned from mean little. "
             "Name other ones with --test",
             samples_of(s), samples_of(s));
    cli_warn(text);
}

byol_status cli_session_open(cli_session *s, const cli_eval *eval, byol_error *error) {
    s->options = eval;
    char train[BYOL_PATH_MAX], test[BYOL_PATH_MAX];
    byol_status status =
        byol_encoder_load(&s->trained, s->options->model, s->options->threads, error);
    if (status != BYOL_OK) return status;
    const byol_config *config = byol_encoder_config(s->trained);
    cli_eval_sources(config, s->options->train, s->options->test, train, test);
    status = open_sets(s, train, test, error);
    if (status == BYOL_OK) status = cli_compare_classes(&s->train, &s->test, error);
    if (s->train.decoded)
        s->train.channels = byol_encoder_channels(s->trained); /* decoded to what is wanted */
    if (s->test.decoded) s->test.channels = byol_encoder_channels(s->trained);
    if (status == BYOL_OK && s->test.channels != s->train.channels) {
        status = cli_error(error, BYOL_ERROR_MISMATCH,
                           "the test images have %d channels, the training images %d",
                           s->test.channels, s->train.channels);
    }
    if (status != BYOL_OK) return status;
    byol_source_info info;
    byol_source_describe(s->train.source, &info);
    s->samples = info.samples;
    cli_say("train: %s", s->train.description);
    cli_say("test:  %s", s->test.description);
    s->same_images = are_same_images(&s->train, &s->test);
    if (s->same_images) warn_of_same(s);
    uint64_t seed = s->options->has_seed ? s->options->seed : config->train.seed;
    return byol_encoder_create_random(&s->random, s->trained, seed, error);
}

/* For the report. A folder that cannot be written causes a warning; the result is still printed. */
void cli_session_keep(const cli_session *s, const cli_accuracies *accuracies,
                      const char *choice_name, double choice, const int32_t *predicted) {
    byol_error error = {0};
    byol_classification predictions = {0};
    if (!cli_is_folder(s->options->model)) return;
    byol_status status = byol_classification_init(&predictions, s->test.labels, predicted,
                                                  s->test.count, s->train.classes, &error);
    const byol_evaluation evaluation = {
        .method = s->options->method,
        .step = byol_encoder_step(s->trained),
        .train = s->train.description,
        .test = s->test.description,
        .train_count = s->train.count,
        .test_count = s->test.count,
        .classes = s->train.classes,
        .accuracy = accuracies->trained,
        .random_init_accuracy = accuracies->random_init,
        .pixel_accuracy = accuracies->pixels,
        .hog_accuracy = accuracies->hog,
        .logmel_accuracy = accuracies->mels,
        .mfcc_accuracy = accuracies->cepstra,
        .tfidf_accuracy = accuracies->tfidf,
        .majority_accuracy = accuracies->majority,
        .choice_name = choice_name,
        .choice = choice,
        .confusion = predictions.confusion,
        .same_images = s->same_images,
    };
    if (status == BYOL_OK && byol_evaluation_is_outranked(s->options->model, &evaluation))
        cli_say("not kept: %s/evaluation.json has a result of these weights that says more, by "
                "more %s or by other ones than were learned from; to keep this one, remove that "
                "file first",
                s->options->model, samples_of(s));
    else if (status == BYOL_OK)
        status = byol_evaluation_save(s->options->model, &evaluation, &error);
    if (status != BYOL_OK) cli_warn(error.text);
    byol_classification_release(&predictions);
}

static double accuracy_of(const cli_row *row) {
    return row->measured ? row->accuracy : (double)NAN;
}

/* What is possible with texts without any network. */
static byol_status measure_words(cli_session *s, cli_row rows[KINDS], byol_error *error) {
    byol_tfidf_options usual;
    byol_tfidf_result result;
    byol_tfidf_options_init(&usual);
    usual.threads = s->options->threads;
    cli_progress_begin(&s->progress, kind_names[TFIDF], NULL);
    byol_status status = byol_tfidf(s->train.source, s->test.source, &usual, &result, NULL, NULL,
                                    cli_progress_hook, &s->progress, error);
    cli_progress_end(&s->progress);
    if (status == BYOL_OK)
        status =
            byol_majority(s->train.source, s->test.source, &rows[MAJORITY].accuracy, NULL, error);
    if (status != BYOL_OK) return status;
    rows[TFIDF].accuracy = result.accuracy;
    rows[TFIDF].measured = rows[MAJORITY].measured = 1;
    return BYOL_OK;
}

/* Measures all kinds on an open session. rows[TRAINED].predicted is the caller's: free. */
static byol_status measure_all(cli_session *s, const char *choice_name, cli_measure measure,
                               const void *context, cli_row rows[KINDS], byol_error *error) {
    byol_status status = BYOL_OK;
    rows[TRAINED].predicted = malloc(s->test.count * sizeof *rows->predicted);
    if (rows[TRAINED].predicted == NULL) return no_memory(error, "predictions");
    for (kind what = TRAINED; what <= CEPSTRA && status == BYOL_OK; what++) {
        if ((what != TRAINED && s->options->no_baselines) || dimension_of(s, what) == 0) continue;
        status = measure_kind(s, what, measure, context, &rows[what], error);
        rows[what].measured = 1;
    }
    if (status == BYOL_OK && s->samples == BYOL_SAMPLES_TEXTS && !s->options->no_baselines)
        status = measure_words(s, rows, error);
    const cli_accuracies accuracies = {accuracy_of(&rows[TRAINED]), accuracy_of(&rows[RANDOM]),
                                       accuracy_of(&rows[PIXELS]),  accuracy_of(&rows[HOG]),
                                       accuracy_of(&rows[MELS]),    accuracy_of(&rows[CEPSTRA]),
                                       accuracy_of(&rows[TFIDF]),   accuracy_of(&rows[MAJORITY])};
    /* The run keeps results of the centre view only, so that they can be compared. */
    if (status == BYOL_OK && !s->options->mean)
        cli_session_keep(s, &accuracies, choice_name, rows[TRAINED].choice,
                         rows[TRAINED].predicted);
    return status;
}

/* Measures and prints everything for an open session. */
static byol_status evaluate(cli_session *s, const char *choice_name, cli_measure measure,
                            const void *context, const cli_report *report, json_t **result,
                            byol_error *error) {
    cli_row rows[KINDS] = {0};
    byol_status status = measure_all(s, choice_name, measure, context, rows, error);
    if (status == BYOL_OK) {
        *result = describe_result(s, rows, choice_name);
        print_table(s, rows, choice_name);
        status = cli_report_show(report, &s->test, s->train.classes, rows[TRAINED].predicted,
                                 *result, error);
        warn_if_worthless(s, rows);
    }
    if (status == BYOL_OK && s->options->after != NULL)
        status = s->options->after(s, context, *result, error);
    free(rows[TRAINED].predicted);
    return status;
}

void cli_session_close(cli_session *s) {
    byol_encoder_free(s->trained);
    byol_encoder_free(s->random);
    cli_labelled_release(&s->train);
    cli_labelled_release(&s->test);
}

byol_status cli_eval_keep(const cli_eval *eval, const char *choice_name, cli_measure measure,
                          const void *context, byol_error *error) {
    cli_session s = {0};
    cli_row rows[KINDS] = {0};
    cli_catch_interrupts();
    byol_status status = cli_session_open(&s, eval, error);
    if (status == BYOL_OK) status = measure_all(&s, choice_name, measure, context, rows, error);
    free(rows[TRAINED].predicted);
    cli_session_close(&s);
    return status;
}

int cli_eval_run(const cli_eval *eval, const char *choice_name, cli_measure measure,
                 const void *context, const cli_report *report) {
    cli_session s = {0};
    byol_error error = {0};
    json_t *result = NULL;
    int code = report->csv != NULL ? cli_check_output("--csv", report->csv, NULL) : EXIT_DONE;
    if (code != EXIT_DONE) return code;
    cli_catch_interrupts();
    byol_status status = cli_session_open(&s, eval, &error);
    if (status == BYOL_OK)
        status = evaluate(&s, choice_name, measure, context, report, &result, &error);
    cli_session_close(&s);
    return cli_conclude(status, result, &error);
}
