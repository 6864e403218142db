#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "byol/budget.h"
#include "byol/trainer.h"
#include "cli_eval.h"
#include "cli_events.h"
#include "cli_vectors.h"

typedef struct arguments {
    cli_settings settings;
    const char *file, *out;
    double minutes; /* --budget; 0: none */
    bool resume;
} arguments;

enum { OPTION_BUDGET = 4100 };

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &args->settings; return 0;
    case 'o': args->out = argument; return 0;
    case 'r': args->resume = 1; return 0;
    case OPTION_BUDGET:
        args->minutes = byol_budget_minutes(argument);
        if (args->minutes <= 0)
            argp_error(state, "--budget takes a time, as in 90s, 30m, 8h or 2d, not '%s'",
                       argument);
        return 0;
    case ARGP_KEY_ARG: cli_only_argument(&args->file, argument, "CONFIG.yaml", state); return 0;
    case ARGP_KEY_END:
        if (args->out == NULL)
            argp_error(state, "--out RUN is needed: the folder for checkpoints and results");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"out", 'o', "RUN", 0,
     "Folder for checkpoints, metrics and the encoder; created if it is not there", 0},
    {"budget", OPTION_BUDGET, "TIME", 0,
     "Of images: choose everything for a run of this time (30m, 8h), by the images, and by what "
     "this machine "
     "does in some "
     "seconds. "
     "What the file, flags and --set say stands",
     0},
    {"resume", 'r', NULL, 0,
     "Go on from the last good checkpoint in RUN, exactly as if it had never stopped; without a "
     "CONFIG.yaml, with the "
     "configuration that lies there",
     0},
    {0},
};
static const char doc[] =
    "Trains an encoder on images, texts or sounds without labels. The file is read first, then "
    "flags and "
    "--set in "
    "their order. Ctrl-C "
    "writes a checkpoint and ends with exit code 130."
    "\vExamples:\n"
    "  byol pretrain --data photos/ --budget 30m --out runs/photos\n"
    "  byol pretrain configs/fashion-mnist.yaml --out runs/fashion-mnist\n"
    "  byol pretrain --data fashion-mnist --width 16 --epochs 5 --out runs/quick\n"
    "  byol pretrain configs/text/simcse-text.yaml --data reviews.tsv --out runs/texts\n"
    "  byol pretrain --out runs/fashion-mnist --resume";

/* ---- configuration ---- */

/* Without a CONFIG.yaml, a resumed run uses its own config.yaml. */
static int configure(const arguments *args, byol_config *config) {
    char saved[BYOL_PATH_MAX + 16];
    const char *file = args->file;
    snprintf(saved, sizeof saved, "%s/config.yaml", args->out);
    if (file == NULL && args->resume && access(saved, F_OK) == 0) file = saved;
    if (file != NULL && cli_is_folder(file))
        return cli_usage("%s is a folder, not a CONFIG.yaml; data are named with --data %s", file,
                         file);
    byol_config_init(config);
    /* An old config.yaml without `recipe` comes from a time when BYOL was the default. */
    if (file == saved) byol_config_set(config, "recipe", "byol", NULL);
    int code = cli_settings_override(&args->settings, file, config);
    if (code != EXIT_DONE) return code;
    if (config->data.train[0] == '\0' && file == NULL && args->resume)
        return cli_usage("%s holds no run that could go on: there is no %s", args->out, saved);
    if (config->data.train[0] == '\0')
        return cli_usage(
            "no images, texts or sounds to learn from: give --data SRC, or data.train in the "
            "configuration");
    return EXIT_DONE;
}

/* ---- kNN during training ---- */

typedef struct online_knn {
    cli_labelled train, test;
    double accuracy; /* the last; NaN: none yet */
} online_knn;

static byol_status open_online_knn(online_knn *knn, const byol_config *config, byol_error *error) {
    char train[BYOL_PATH_MAX], test[BYOL_PATH_MAX];
    cli_eval_sources(config, NULL, NULL, train, test);
    byol_status status = cli_labelled_open(&knn->train, train, 0, config->train.threads, error);
    if (status == BYOL_OK)
        status = cli_labelled_open(&knn->test, test, 0, config->train.threads, error);
    if (status == BYOL_OK) status = cli_compare_classes(&knn->train, &knn->test, error);
    return status;
}

static float *embed(byol_encoder *encoder, const cli_labelled *set, byol_error *error) {
    size_t dimension = (size_t)byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
    float *values = cli_matrix(set->count, dimension);
    cli_progress progress;
    if (values == NULL) {
        cli_error(error, BYOL_ERROR_MEMORY, "no memory for the features of %zu %s", set->count,
                  cli_samples(set->source));
        return NULL;
    }
    cli_progress_begin(&progress, "kNN: embedding", cli_samples(set->source));
    byol_status status = byol_encoder_embed(encoder, set->source, BYOL_LAYER_BACKBONE, values,
                                            cli_progress_hook, &progress, error);
    cli_progress_end(&progress);
    if (status == BYOL_OK) return values;
    free(values);
    return NULL;
}

/* Returns NaN, with the reason in `error`, where kNN cannot be measured. */
static double measure_knn(const online_knn *knn, byol_trainer *trainer, byol_error *error) {
    byol_encoder *encoder;
    double accuracy = NAN;
    if (byol_trainer_encoder(trainer, &encoder, error) != BYOL_OK) return accuracy;
    float *train = embed(encoder, &knn->train, error);
    float *test = train != NULL ? embed(encoder, &knn->test, error) : NULL;
    if (test != NULL) {
        int dimension = byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
        byol_features bank = {train, knn->train.labels, knn->train.count, dimension,
                              knn->train.classes};
        byol_features asked = {test, knn->test.labels, knn->test.count, dimension,
                               knn->train.classes};
        byol_knn_options knn_options;
        byol_knn_options_init(&knn_options);
        knn_options.threads = byol_trainer_config(trainer)->train.threads;
        if ((size_t)knn_options.k > bank.count) knn_options.k = (int)bank.count;
        double measured;
        if (byol_knn(&bank, &asked, &knn_options, &measured, NULL, NULL, NULL, error) == BYOL_OK)
            accuracy = measured;
    }
    free(train);
    free(test);
    byol_encoder_free(encoder);
    return accuracy;
}

/* ---- hooks ---- */

typedef struct session {
    const arguments *args;
    byol_config config;
    online_knn knn;
    cli_events events;
    cli_progress progress;
    int time_told;
    uint64_t first_step;
    const char *samples; /* "images" or "texts" */
    int labelled;        /* they are: the result can be judged by them */
} session;

/* After a few steps it is known how long a run by epochs takes. This is said once, early, so that
 * stopping the run loses nothing. */
static void tell_time(session *s, const byol_metrics *m) {
    enum { STEPS = 5 };
    char text[192];
    if (s->time_told || m->step < s->first_step + STEPS || s->config.train.minutes > 0) return;
    s->time_told = 1;
    double images = (double)s->config.train.batch_size * s->config.train.accumulate;
    double minutes = (double)(m->steps - m->step) * images / m->images_per_second / 60;
    bool of_images = strcmp(s->samples, "images") == 0; /* --budget knows no texts */
    if (minutes > 60) {
        snprintf(text, sizeof text, "this run will take about %.1f hours; %s", minutes / 60,
                 of_images ? "--budget 1h chooses a recipe for one hour"
                           : "fewer --epochs make it shorter");
        cli_progress_end(&s->progress);
        cli_warn(text);
    } else if (minutes >= 1) {
        cli_progress_end(&s->progress);
        cli_say("about %.0f minutes to go", minutes);
    }
}

static int on_step(void *context, const byol_metrics *m) {
    session *s = context;
    tell_time(s, m);
    char label[48], tail[160];
    int epoch = (int)ceil(m->epoch - 1e-9);
    snprintf(label, sizeof label, "epoch %d", epoch < 1 ? 1 : epoch);
    if (s->config.train.minutes == 0) {
        size_t used = strlen(label);
        snprintf(label + used, sizeof label - used, "/%d", s->config.train.epochs);
    }
    snprintf(tail, sizeof tail, "loss %.4f  spread %.2f", m->loss, m->spread);
    if (isfinite(s->knn.accuracy)) {
        size_t used = strlen(tail);
        snprintf(tail + used, sizeof tail - used, "  kNN %.2f %%", s->knn.accuracy);
    }
    s->progress.what = label;
    /* the bar counts only the steps since the run was resumed, as its clock does */
    double total = (double)(m->steps - s->first_step), done = (double)(m->step - s->first_step);
    s->progress.left = m->seconds_left;
    cli_progress_draw(&s->progress, done, total, m->images_per_second, tail);
    s->progress.what = "";
    cli_events_step(&s->events, m);
    return cli_interrupted();
}

static double evaluate(session *s, byol_trainer *trainer, const byol_epoch_info *info) {
    int every = s->config.eval.every_epochs;
    if (every == 0 || cli_interrupted()) return NAN;
    if (info->epoch / every == info->before / every && info->epoch != info->epochs) return NAN;
    byol_error error = {0};
    double accuracy = measure_knn(&s->knn, trainer, &error);
    cli_progress_end(&s->progress);
    if (isfinite(accuracy)) {
        s->knn.accuracy = accuracy;
        cli_say("epoch %d: kNN %.2f %%", info->epoch, accuracy);
    } else if (!cli_interrupted()) {
        cli_warn(error.text);
    }
    return accuracy;
}

static double on_epoch(void *context, byol_trainer *trainer, const byol_epoch_info *info) {
    session *s = context;
    double accuracy = evaluate(s, trainer, info);
    cli_events_epoch(&s->events, accuracy);
    return accuracy;
}

static void on_warning(void *context, const char *text) {
    session *s = context;
    cli_progress_end(&s->progress);
    cli_warn(text);
}

/* ---- beginning and end ---- */

static void introduce(const session *s, const byol_trainer *trainer, const byol_source *source) {
    if (cli_out.quiet) return;
    byol_source_info data;
    byol_trainer_info info;
    static const char *const articles[] = {"an image", "a text", "a sound"};
    char a[32], b[32], c[32], d[64];
    byol_source_describe(source, &data);
    byol_trainer_describe(trainer, &info);
    cli_settings_print(byol_trainer_config(trainer), stderr);
    cli_say("data         %s", data.description);
    cli_say("parameters   encoder %s, projector %s, predictor %s",
            cli_count(a, info.parameters_encoder), cli_count(b, info.parameters_projector),
            cli_count(c, info.parameters_predictor));
    cli_say("memory       workspace %s, parameters and their companions %s, staged weights %s",
            cli_bytes(a, info.workspace_bytes), cli_bytes(b, info.arena_bytes),
            cli_bytes(c, info.staging_bytes));
    if (info.steps > 0)
        snprintf(d, sizeof d, "%s in all", cli_count(c, info.steps));
    else
        snprintf(d, sizeof d, "%.4g minutes in all",
                 (double)byol_trainer_config(trainer)->train.minutes);
    cli_say("work         %sFLOP %s, %s steps an epoch, %s",
            cli_scaled(a, (double)info.flops_per_image), articles[data.samples],
            cli_count(b, info.steps_per_epoch), d);
    cli_say("run          %s%s%s", s->args->out, info.first_step > 0 ? ", resumed after step " : "",
            info.first_step > 0 ? cli_count(d, info.first_step) : "");
}

static bool was_complete(const session *s, const byol_run_result *result) {
    return s->first_step == result->steps;
}

/* A run that was already complete has measured nothing now: its figures come from summary.json, if
 * that is of the same last step. */
static void recall(const session *s, byol_run_result *result) {
    char path[PATH_MAX];
    json_int_t memory = (json_int_t)result->peak_memory_bytes,
               unreadable = (json_int_t)result->unreadable;
    snprintf(path, sizeof path, "%s/summary.json", s->args->out);
    json_t *summary = json_load_file(path, 0, NULL);
    if (json_integer_value(json_object_get(summary, "steps")) == (json_int_t)result->steps)
        json_unpack(summary, "{s?F, s?F, s?I, s?I}", "loss", &result->loss, "images_per_second",
                    &result->images_per_second, "peak_memory_bytes", &memory, "unreadable",
                    &unreadable);
    json_decref(summary);
    result->peak_memory_bytes = (uint64_t)memory;
    result->unreadable = (uint64_t)unreadable;
}

static void print_result(const session *s, const byol_run_result *result) {
    FILE *stream = cli_tables();
    if (stream == NULL) return;
    char memory[32], steps[32], speed[32];
    snprintf(speed, sizeof speed, "%s a second", s->samples);
    fprintf(stream, "  %-18s %s\n  %-18s %d\n  %-18s %s\n", "run", s->args->out, "epochs",
            result->epochs, "steps", cli_count(steps, result->steps));
    if (was_complete(s, result)) fprintf(stream, "  %-18s it was complete already\n", "");
    if (isfinite(result->loss))
        fprintf(stream, "  %-18s %.4f\n  %-18s %.1f\n  %-18s %s\n", "loss (last epoch)",
                result->loss, speed, result->images_per_second, "peak memory",
                cli_bytes(memory, result->peak_memory_bytes));
    if (isfinite(s->knn.accuracy)) fprintf(stream, "  %-18s %.2f %%\n", "kNN", s->knn.accuracy);
    if (result->unreadable > 0)
        fprintf(stream, "  %-18s %s of the %s, named in %s/unreadable.txt\n", "could not be read",
                cli_count(steps, result->unreadable), s->samples, s->args->out);
    if (s->labelled)
        cli_say("\nWhat it is worth: byol knn %s; byol linear %s", s->args->out, s->args->out);
    else
        cli_say("\nWhat it has learned: byol report %s", s->args->out);
}

/* A number that JSON can hold. */
static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *describe_result(const session *s, const byol_run_result *result) {
    json_t *object = json_pack(
        "{s:o, s:i, s:I, s:o, s:o, s:I, s:I}", "run", cli_text(s->args->out), "epochs",
        result->epochs, "steps", (json_int_t)result->steps, "loss", number(result->loss),
        "images_per_second", number(result->images_per_second), "peak_memory_bytes",
        (json_int_t)result->peak_memory_bytes, "unreadable", (json_int_t)result->unreadable);
    if (isfinite(s->knn.accuracy)) json_object_set_new(object, "knn", json_real(s->knn.accuracy));
    return object;
}

static byol_status train(session *s, byol_trainer *trainer, const byol_source *source,
                         byol_run_result *result, byol_error *error) {
    byol_trainer_info info;
    byol_source_info data;
    byol_source_describe(source, &data);
    s->labelled = data.classes > 0;
    s->samples = cli_samples(source);
    byol_trainer_describe(trainer, &info);
    s->first_step = info.first_step;
    introduce(s, trainer, source);
    cli_events_open(&s->events, s->args->out, trainer, source);
    cli_progress_begin(&s->progress, "", s->samples);
    byol_status status = byol_trainer_run(trainer, result, error);
    cli_progress_end(&s->progress);
    cli_events_close(&s->events);
    return status;
}

/* Sets what the budget chooses, then what the user sets. A resumed run keeps what was chosen. */
static byol_status choose(session *s, const byol_source *source, byol_error *error) {
    const arguments *args = s->args;
    byol_config chosen;
    byol_budget budget;
    if (args->minutes == 0 || s->config.train.minutes > 0) return BYOL_OK;
    byol_config_init(&chosen);
    memcpy(chosen.data.train, s->config.data.train, sizeof chosen.data.train);
    chosen.train.threads = s->config.train.threads;
    chosen.train.precision = s->config.train.precision;
    cli_progress_begin(&s->progress, "measuring this machine", NULL);
    byol_status status = byol_budget_choose(&chosen, source, args->minutes, cli_progress_hook,
                                            &s->progress, &budget, error);
    cli_progress_end(&s->progress);
    if (status != BYOL_OK) return status;
    if (cli_settings_override(&args->settings, args->file, &chosen) != EXIT_DONE)
        return cli_error(error, BYOL_ERROR_INVALID,
                         "that is what the budget's choices and the settings come to together");
    s->config = chosen;
    cli_say("for %.4g minutes (all of it is in config.yaml, and what you set yourself stands):",
            args->minutes);
    for (int i = 0; i < BYOL_BUDGET_REASONS; i++) cli_say("  - %s", budget.reasons[i]);
    return BYOL_OK;
}

static byol_status run(session *s, byol_source **source, byol_trainer **trainer,
                       byol_run_result *result, byol_error *error) {
    byol_status status = byol_source_open(source, s->config.data.train, error);
    if (status == BYOL_OK) status = choose(s, *source, error);
    if (status == BYOL_OK && s->config.eval.every_epochs > 0)
        status = open_online_knn(&s->knn, &s->config, error);
    byol_trainer_hooks hooks = {s, on_step, on_epoch, on_warning};
    if (status == BYOL_OK)
        status = byol_trainer_create(trainer, &s->config, *source, s->args->out, s->args->resume,
                                     &hooks, error);
    if (status == BYOL_OK) status = train(s, *trainer, *source, result, error);
    return status;
}

static int report(const session *s, byol_status status, byol_run_result *result,
                  const byol_error *error) {
    if (status == BYOL_OK) {
        if (was_complete(s, result)) recall(s, result);
        print_result(s, result);
        return cli_finish(describe_result(s, result), EXIT_DONE);
    }
    if (status == BYOL_ERROR_CANCELLED && cli_interrupted()) {
        if (result->steps > 0)
            cli_say("stopped; a checkpoint is in %s. Go on with: byol pretrain --out %s --resume",
                    s->args->out, s->args->out);
        else
            cli_say("stopped before the first step");
        return EXIT_INTERRUPTED;
    }
    return cli_fail(status, error);
}

int cmd_pretrain(int argc, char **argv) {
    const struct argp_child children[] = {
        {cli_settings_argp(), 0, NULL, 0}, {&cli_output_argp, 0, NULL, 0}, {0}};
    const struct argp parser = {options, parse, "[CONFIG.yaml]", doc, children, NULL, NULL};
    arguments args = {0};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    session s = {.args = &args, .knn.accuracy = NAN};
    int code = configure(&args, &s.config);
    if (code == EXIT_DONE) {
        byol_source *source = NULL;
        byol_trainer *trainer = NULL;
        byol_run_result result = {0};
        byol_error error = {0};
        cli_catch_interrupts();
        byol_status status = run(&s, &source, &trainer, &result, &error);
        code = report(&s, status, &result, &error);
        byol_trainer_free(trainer);
        byol_source_free(source);
        cli_labelled_release(&s.knn.train);
        cli_labelled_release(&s.knn.test);
    }
    cli_settings_release(&args.settings);
    return code;
}
