#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "byol/report.h"
#include "byol/verify.h"
#include "cli_vectors.h"

enum { SHOWN = 5, SMALLER = 2 };

/* Shares of different pairs accepted by mistake that are measured where the pairs are enough. */
static const double smaller_fars[SMALLER] = {0.001, 0.0001};

typedef struct arguments {
    const char *model, *pairs, *root, *threshold_pairs, *roc;
    double far;
    int threads, mean, crops, no_baselines;
} arguments;

typedef enum kind { TRAINED, RANDOM, PIXELS, KINDS } kind;
static const char *const kind_names[KINDS] = {"trained encoder", "randomly initialised",
                                              "raw pixels"},
                         *const kind_keys[KINDS] = {"trained", "random_init", "pixels"};

/* A file of pairs and its pictures. */
typedef struct set {
    byol_pairs pairs;
    byol_source *source; /* (pairs.files) */
    double *scores;      /* (pairs.count): of what is measured now */
} set;

typedef struct verification {
    const arguments *args;
    byol_encoder *encoder, *random;
    set test, choosing; /* choosing: of --threshold-pairs; empty without */
    byol_roc roc[KINDS];
    bool measured[KINDS];
    byol_threshold threshold; /* of the trained encoder; folds 0: none */
} verification;

/* ---- arguments ---- */

enum { ROOT = 7000, THRESHOLD_PAIRS, FAR, MEAN, NO_BASELINES, ROC };

static double read_share(const char *text, struct argp_state *state) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0 && value < 1))
        argp_error(state, "--far takes a share between 0 and 1, not '%s'", text);
    return value;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'p': args->pairs = argument; return 0;
    case ROOT: args->root = argument; return 0;
    case THRESHOLD_PAIRS: args->threshold_pairs = argument; return 0;
    case FAR: args->far = read_share(argument, state); return 0;
    case MEAN:
        args->mean = 1;
        args->crops = (int)cli_whole_number("--mean", argument, 0, 1000, state);
        return 0;
    case NO_BASELINES: args->no_baselines = 1; return 0;
    case ROC: args->roc = argument; return 0;
    case 't': args->threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_END:
        if (args->model == NULL) argp_error(state, "which RUN or WEIGHTS file?");
        if (args->pairs == NULL)
            argp_error(state, "--pairs FILE is needed: lines of LABEL PATH PATH");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"pairs", 'p', "FILE", 0,
     "Pairs of pictures, a line each: LABEL PATH PATH with tabs or blanks between; label 1: the "
     "same person (or thing), 0: different ones",
     0},
    {"root", ROOT, "FOLDER", 0, "What the paths are relative to (default: the folder of FILE)", 0},
    {"threshold-pairs", THRESHOLD_PAIRS, "FILE", 0,
     "Choose the threshold on these pairs, of other persons. Default: folds of the persons in "
     "--pairs, each judged by a threshold that the others chose",
     0},
    {"far", FAR, "X", 0,
     "The share of different pairs accepted by mistake that the threshold is chosen for (default "
     "0.01)",
     0},
    {"mean", MEAN, "CROPS", 0,
     "Take the mean of the vectors of each picture, its mirror image and so many random crops (0: "
     "picture and mirror image)",
     0},
    {"no-baselines", NO_BASELINES, NULL, 0, "Measure the trained encoder alone", 0},
    {"roc", ROC, "FILE.csv", 0, "Where the trained encoder's curve goes: threshold, FAR, TAR", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Tells whether two pictures show the same person, by the cosine of their vectors: the share of "
    "same pairs accepted (TAR) at a share of different pairs accepted by mistake (FAR), and the "
    "rate where both errors are equal (EER). Beside it the same network with random weights, and "
    "the distance of raw pixels."
    "\vExample:\n  byol verify runs/faces --pairs faces/pairs_test.txt --mean 0",
    cli_output_children,
    NULL,
    NULL};

/* ---- pairs and pictures ---- */

static void tell_of_self(const set *s) {
    char text[BYOL_PATH_MAX + 256];
    for (size_t i = 0; i < s->pairs.self_count && i < SHOWN; i++) {
        const byol_pair *pair = &s->pairs.self[i];
        snprintf(text, sizeof text,
                 "line %zu pairs %.900s with itself, which says nothing: it is left out%s",
                 pair->line, s->pairs.path[pair->a],
                 i + 1 == SHOWN && s->pairs.self_count > SHOWN ? ", and so are more" : "");
        cli_warn(text);
    }
}

static byol_status open_set(set *s, const char *path, const char *root, byol_error *error) {
    byol_status status = byol_pairs_read(&s->pairs, path, root, error);
    if (status != BYOL_OK) return status;
    tell_of_self(s);
    s->scores = calloc(s->pairs.count, sizeof *s->scores);
    if (s->scores == NULL)
        return cli_error(error, BYOL_ERROR_MEMORY, "no memory for %zu pairs", s->pairs.count);
    return byol_source_from_files(&s->source, (const char *const *)s->pairs.path, s->pairs.files,
                                  error);
}

static void close_set(set *s) {
    byol_pairs_release(&s->pairs);
    byol_source_free(s->source);
    free(s->scores);
}

/* A threshold on persons that were chosen on means nothing. */
static void warn_of_shared_pictures(const verification *v) {
    size_t shared = 0, i = 0, j = 0;
    const byol_pairs *a = &v->test.pairs, *b = &v->choosing.pairs;
    while (i < a->files && j < b->files) {
        int order = strcmp(a->path[i], b->path[j]);
        shared += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    if (shared > 0)
        cli_warn("--pairs and --threshold-pairs share pictures: the threshold is not chosen on "
                 "other persons");
}

/* ---- vectors ---- */

static byol_status check_readable(const set *s, byol_error *error) {
    for (size_t i = 0; i < s->pairs.files; i++)
        if (byol_source_unreadable(s->source, i))
            return cli_error(error, BYOL_ERROR_FORMAT,
                             "%.900s cannot be read as a picture: take its pairs out, or 'byol "
                             "data' says why",
                             s->pairs.path[i]);
    return BYOL_OK;
}

static byol_status embed(const verification *v, byol_encoder *encoder, const set *s, float *values,
                         cli_progress *progress, byol_error *error) {
    byol_status status =
        v->args->mean
            ? byol_encoder_embed_mean(encoder, s->source, BYOL_LAYER_BACKBONE, v->args->crops, 1,
                                      values, cli_progress_hook, progress, error)
            : byol_encoder_embed(encoder, s->source, BYOL_LAYER_BACKBONE, values, cli_progress_hook,
                                 progress, error);
    return status == BYOL_OK ? check_readable(s, error) : status;
}

static byol_status score_by_encoder(const verification *v, byol_encoder *encoder, set *s,
                                    const char *what, byol_error *error) {
    int dimension = byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
    float *values = cli_matrix(s->pairs.files, (size_t)dimension);
    if (values == NULL) return cli_error(error, BYOL_ERROR_MEMORY, "no memory for vectors");
    cli_progress progress;
    cli_progress_begin(&progress, what, "images");
    byol_status status = embed(v, encoder, s, values, &progress, error);
    cli_progress_end(&progress);
    if (status == BYOL_OK) byol_pairs_cosines(&s->pairs, values, dimension, s->scores);
    free(values);
    return status;
}

/* All pixels of the pictures where these are of one size, (files, *dimension) floats; else
 * *dimension is 0. Owned: free. */
static byol_status read_pixels(const set *s, int channels, float **values, int *dimension,
                               byol_error *error) {
    byol_picture picture = {0};
    const byol_image_request wanted = {.channels = channels};
    byol_status status = BYOL_OK;
    *values = NULL;
    *dimension = 0;
    for (size_t i = 0; i < s->pairs.files && status == BYOL_OK; i++) {
        status = byol_source_image(s->source, i, &wanted, &picture, error);
        if (status != BYOL_OK) break;
        int pixels = picture.image.height * picture.image.width * channels;
        if (i == 0) *values = cli_matrix(s->pairs.files, (size_t)(*dimension = pixels));
        if (*values == NULL) status = cli_error(error, BYOL_ERROR_MEMORY, "no memory for pixels");
        if (pixels != *dimension) *dimension = 0;
        if (status != BYOL_OK || *dimension == 0) break;
        for (int k = 0; k < pixels; k++)
            (*values)[i * (size_t)pixels + (size_t)k] = (float)picture.image.pixels[k] / 255;
    }
    byol_picture_release(&picture);
    return status;
}

/* As the encoder sees them. */
static byol_status prepare_pixels(const verification *v, const set *s, int channels, float **values,
                                  int *dimension, byol_error *error) {
    int side = byol_encoder_config(v->encoder)->data.image_size;
    *dimension = channels * side * side;
    *values = cli_matrix(s->pairs.files, (size_t)*dimension);
    if (*values == NULL) return cli_error(error, BYOL_ERROR_MEMORY, "no memory for pixels");
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < s->pairs.files && status == BYOL_OK; i++)
        status =
            byol_encoder_prepare(v->encoder, s->source, i, *values + i * (size_t)*dimension, error);
    return status;
}

static byol_status score_by_pixels(const verification *v, set *s, byol_error *error) {
    int channels = byol_encoder_channels(v->encoder), dimension;
    float *values;
    byol_status status = read_pixels(s, channels, &values, &dimension, error);
    if (status == BYOL_OK && dimension == 0) {
        free(values);
        status = prepare_pixels(v, s, channels, &values, &dimension, error);
    }
    if (status == BYOL_OK) byol_pairs_distances(&s->pairs, values, dimension, s->scores);
    free(values);
    return status;
}

/* ---- measuring ---- */

/* On pairs of their own, or on folds. */
static byol_status check_threshold(verification *v, byol_error *error) {
    const byol_pairs *test = &v->test.pairs, *other = &v->choosing.pairs;
    byol_roc roc;
    if (v->choosing.source == NULL)
        return byol_threshold_cross_check(&v->threshold, test, v->test.scores, v->args->far, 1,
                                          error);
    byol_status status =
        score_by_encoder(v, v->encoder, &v->choosing, "pairs for the threshold", error);
    if (status == BYOL_OK)
        status = byol_roc_init(&roc, other->pair, v->choosing.scores, other->count, error);
    if (status != BYOL_OK) return status;
    byol_threshold_apply(&v->threshold, roc.threshold[byol_roc_at(&roc, v->args->far)], test->pair,
                         v->test.scores, test->count);
    byol_roc_release(&roc);
    return BYOL_OK;
}

static byol_status measure(verification *v, kind what, byol_error *error) {
    byol_status status = what == PIXELS
                             ? score_by_pixels(v, &v->test, error)
                             : score_by_encoder(v, what == TRAINED ? v->encoder : v->random,
                                                &v->test, kind_names[what], error);
    if (status == BYOL_OK)
        status = byol_roc_init(&v->roc[what], v->test.pairs.pair, v->test.scores,
                               v->test.pairs.count, error);
    if (status != BYOL_OK) return status;
    v->measured[what] = true;
    return what == TRAINED ? check_threshold(v, error) : BYOL_OK;
}

static byol_status open_all(verification *v, byol_error *error) {
    const arguments *args = v->args;
    byol_status status = byol_encoder_load(&v->encoder, args->model, args->threads, error);
    if (status != BYOL_OK) return status;
    if (byol_encoder_samples(v->encoder) != BYOL_SAMPLES_IMAGES)
        return cli_error(error, BYOL_ERROR_UNSUPPORTED,
                         "%.700s is no encoder of pictures, which pairs are of", args->model);
    status = open_set(&v->test, args->pairs, args->root, error);
    if (status == BYOL_OK && args->threshold_pairs != NULL) {
        status = open_set(&v->choosing, args->threshold_pairs, args->root, error);
        if (status == BYOL_OK) warn_of_shared_pictures(v);
    }
    if (status != BYOL_OK || args->no_baselines) return status;
    return byol_encoder_create_random(&v->random, v->encoder,
                                      byol_encoder_config(v->encoder)->train.seed, error);
}

/* ---- results ---- */

static double tar_at(const byol_roc *roc, double far) {
    return 100 * roc->tar[byol_roc_at(roc, far)];
}

static void print_fars(const verification *v, FILE *stream) {
    const byol_roc *roc = &v->roc[TRAINED];
    if (!byol_roc_supports(roc, 0.01))
        fprintf(stream,
                "1 %% FAR is %.1f of %zu different pairs: too few to mean much (500 would do)\n",
                (double)roc->different / 100, roc->different);
    for (int i = 0; i < SMALLER; i++) {
        double far = smaller_fars[i];
        if (byol_roc_supports(roc, far))
            fprintf(stream, "TAR at %g %% FAR, trained encoder: %.1f %%\n", 100 * far,
                    tar_at(roc, far));
        else
            fprintf(stream, "TAR at %g %% FAR: not measured, it takes %.0f different pairs\n",
                    100 * far, 5 / far);
        if (!byol_roc_supports(roc, far)) break;
    }
}

static void print_threshold(const verification *v, FILE *stream) {
    const byol_threshold *t = &v->threshold;
    if (t->folds == 0) {
        fputs("threshold: none, there are too few persons or pairs to choose one on others\n",
              stream);
        return;
    }
    fprintf(stream, "threshold %.4f, chosen for %g %% FAR on ", t->threshold, 100 * v->args->far);
    if (v->args->threshold_pairs != NULL)
        fprintf(stream, "%s", v->args->threshold_pairs);
    else
        fprintf(stream, "other persons (%d folds of %u, its mean)", t->folds,
                (unsigned)v->test.pairs.persons);
    fprintf(stream,
            ": FAR %.1f %%, TAR %.1f %%\n(a threshold does not transfer well: on new persons the "
            "FAR is rarely the one it was chosen for)\n",
            100 * t->far, 100 * t->tar);
}

static void print_table(const verification *v) {
    FILE *stream = cli_tables();
    char same[32], different[32];
    const byol_roc *trained = &v->roc[TRAINED];
    if (stream == NULL) return;
    fprintf(
        stream, "%s\n%s pairs of the same, %s of different persons (%zu pictures, %u persons)\n\n",
        v->args->model, cli_count(same, trained->same), cli_count(different, trained->different),
        v->test.pairs.files, (unsigned)v->test.pairs.persons);
    fprintf(stream, "  %-22s %8s  %16s  %8s\n", "features", "EER", "TAR at 1 % FAR", "AUC");
    int best = 0;
    for (int k = 1; k < KINDS; k++)
        if (v->measured[k] && v->roc[k].eer < v->roc[best].eer) best = k;
    for (int k = 0; k < KINDS; k++)
        if (v->measured[k])
            fprintf(stream, "%s%c %-22s %6.2f %%  %14.2f %%  %6.2f %%%s\n",
                    k == best ? cli_bold(stream) : "", k == best ? '*' : ' ', kind_names[k],
                    100 * v->roc[k].eer, tar_at(&v->roc[k], 0.01), 100 * v->roc[k].auc,
                    k == best ? cli_plain(stream) : "");
    fputs("\n(* the best; encoders by cosine, pixels by distance)\n", stream);
    if (v->args->mean)
        fprintf(stream, "(vectors are means over picture, mirror image and %d crops)\n",
                v->args->crops);
    print_fars(v, stream);
    print_threshold(v, stream);
}

static void warn_if_worthless(const verification *v) {
    char text[256];
    for (int k = RANDOM; k < KINDS; k++) {
        if (!v->measured[k] || v->roc[TRAINED].eer < v->roc[k].eer) continue;
        snprintf(text, sizeof text,
                 "the trained encoder (EER %.2f %%) is no better than %s (%.2f %%)",
                 100 * v->roc[TRAINED].eer,
                 k == RANDOM ? "one with random weights" : "the raw pixels", 100 * v->roc[k].eer);
        cli_warn(text);
    }
}

static json_t *describe(const verification *v) {
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "same", (json_int_t)v->roc[TRAINED].same, "different",
        (json_int_t)v->roc[TRAINED].different, "self", (json_int_t)v->test.pairs.self_count,
        "pictures", (json_int_t)v->test.pairs.files, "persons", (json_int_t)v->test.pairs.persons);
    for (int k = 0; k < KINDS; k++) {
        if (!v->measured[k]) continue;
        json_t *row = json_pack("{s:f, s:f, s:f}", "eer", 100 * v->roc[k].eer, "tar_at_far_1",
                                tar_at(&v->roc[k], 0.01), "auc", 100 * v->roc[k].auc);
        if (byol_roc_supports(&v->roc[k], smaller_fars[0]))
            json_object_set_new(row, "tar_at_far_0.1",
                                json_real(tar_at(&v->roc[k], smaller_fars[0])));
        json_object_set_new(object, kind_keys[k], row);
    }
    const byol_threshold *t = &v->threshold;
    if (t->folds > 0 && isfinite(t->threshold))
        json_object_set_new(object, "threshold",
                            json_pack("{s:f, s:f, s:f, s:i}", "value", t->threshold, "far",
                                      100 * t->far, "tar", 100 * t->tar, "folds", t->folds));
    if (v->args->mean)
        json_object_set_new(object, "mean_over_views", json_integer(2 + v->args->crops));
    return object;
}

/* A folder that cannot be written causes a warning; the result is printed all the same. */
static void keep(const verification *v) {
    byol_error error = {0};
    bool has_threshold = v->threshold.folds > 0 && isfinite(v->threshold.threshold);
    const byol_verification result = {
        .step = byol_encoder_step(v->encoder),
        .pairs = v->args->pairs,
        .trained = &v->roc[TRAINED],
        .random_init = v->measured[RANDOM] ? &v->roc[RANDOM] : NULL,
        .pixels = v->measured[PIXELS] ? &v->roc[PIXELS] : NULL,
        .far = v->args->far,
        .threshold = has_threshold ? &v->threshold : NULL,
        .mean = v->args->mean,
    };
    if (!cli_is_folder(v->args->model)) return;
    if (byol_verification_save(v->args->model, &result, &error) != BYOL_OK) cli_warn(error.text);
}

static byol_status write_roc(const verification *v, byol_error *error) {
    const byol_roc *roc = &v->roc[TRAINED];
    cli_file file;
    if (v->args->roc == NULL) return BYOL_OK;
    byol_status status = cli_file_begin(&file, v->args->roc, error);
    if (status != BYOL_OK) return status;
    fputs("threshold,far,tar\n", file.stream);
    for (size_t i = 0; i < roc->count; i++)
        fprintf(file.stream, "%.9g,%.9g,%.9g\n", roc->threshold[i], roc->far[i], roc->tar[i]);
    return cli_file_finish(&file, error);
}

static byol_status run(verification *v, json_t **result, byol_error *error) {
    byol_status status = open_all(v, error);
    for (kind what = TRAINED; what < KINDS && status == BYOL_OK; what++)
        if (what == TRAINED || !v->args->no_baselines) status = measure(v, what, error);
    if (status == BYOL_OK) status = write_roc(v, error);
    if (status != BYOL_OK) return status;
    keep(v);
    print_table(v);
    warn_if_worthless(v);
    *result = describe(v);
    return BYOL_OK;
}

int cmd_verify(int argc, char **argv) {
    arguments args = {.far = 0.01};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = args.roc != NULL ? cli_check_output("--roc", args.roc, ".csv") : EXIT_DONE;
    if (code != EXIT_DONE) return code;
    cli_catch_interrupts();
    verification v = {.args = &args};
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = run(&v, &result, &error);
    for (int k = 0; k < KINDS; k++) byol_roc_release(&v.roc[k]);
    close_set(&v.test);
    close_set(&v.choosing);
    byol_encoder_free(v.encoder);
    byol_encoder_free(v.random);
    return cli_conclude(status, result, &error);
}
