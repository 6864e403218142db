#include "byol/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/threads.h"
#include "comm/comm.h"
#include "config/options.h"
#include "data/npy_vectors.h"
#include "data/source_kind.h"
#include "dnn/precision.h"
#include "encoder/encoder_internal.h"
#include "input/fingerprint.h"
#include "input/input.h"
#include "input/loader.h"
#include "input/sound_cache.h"
#include "input/sound_input.h"
#include "nets/nets.h"
#include "train/method.h"
#include "train/monitor.h"
#include "train/pacing.h"
#include "train/record.h"
#include "train/run_tokenizer.h"
#include "train/steps.h"
#include "train/summary.h"
#include "train/trainer_internal.h"

typedef struct losses {
    double sum;
    uint64_t steps;
} losses;

struct byol_trainer {
    /* The current state of the weights: step, batches, and the resolved configuration. */
    byol__origin origin;
    byol_trainer_hooks hooks;
    const byol__comm *comm; /* the ranks that train together; only the first writes files */
    byol__steps steps;
    byol__pacing pacing;
    uint64_t first_step;
    byol__method *method;
    byol__loader *loader;
    byol__vectors teacher;     /* with target.kind vectors */
    byol_tokenizer *tokenizer; /* of texts */
    byol__mel *mel;            /* of sounds */
    byol__sound_cache *cache;  /* of sounds */
    bool recorded;             /* there is a run folder */
    byol__record record;
    char data[256]; /* the training images, in words */
    const byol_source *source;
    size_t reported; /* how many of the loader's unreadable images */

    byol__monitor monitor;
    double *scratch; /* for the monitor's figures */

    double started, saved; /* on the clock: begin of this call of run, last checkpoint */
    /* Seconds in steps, with waiting for data, without kNN, checkpoints and hooks. */
    double busy;
    double pace;            /* seconds a step, a running mean */
    double overhead;        /* seconds of measuring and saving since the last step */
    uint64_t worked;        /* steps in this call of run */
    losses loss, last_loss; /* of the current epoch, of the one before */
};

/* ---- Creating one ---- */

static void warn(void *context, const char *text) {
    const byol_trainer *trainer = context;
    if (trainer->hooks.on_warning != NULL) trainer->hooks.on_warning(trainer->hooks.context, text);
}

/* A configuration may not have come through byol_config_set, so its options are checked against
 * their ranges before use: what cannot be read back from a checkpoint must not be written to
 * one. */
static byol_status check_options(const byol_config *config, byol_error *error) {
    byol_config copy = *config;
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info option;
        char value[BYOL_PATH_MAX];
        byol_option_describe(i, &option);
        BYOL__TRY(byol_config_get(config, option.key, value, sizeof value, error));
        BYOL__TRY(byol_config_set(&copy, option.key, value, error));
    }
    return byol_config_check(config, error);
}

/* A resumed run keeps its precision. */
static byol_precision resolve_precision(const byol_trainer *trainer) {
    byol_precision wanted = trainer->origin.config.train.precision;
    if (wanted == BYOL_PRECISION_AUTO && trainer->record.checkpoint != NULL)
        return trainer->record.origin.config.train.precision;
    return byol__precision_resolve(wanted);
}

/* Reads the vectors of another model; their length becomes part of the configuration. */
static byol_status read_teacher(byol_trainer *trainer, size_t images, byol_error *error) {
    byol_config *config = &trainer->origin.config;
    byol__vectors *teacher = &trainer->teacher;
    if (config->target.kind != BYOL_TARGET_VECTORS) return BYOL_OK;
    BYOL__TRY(byol__vectors_read(teacher, config->target.vectors, error));
    if (teacher->count != images)
        return byol__fail(
            error, BYOL_ERROR_MISMATCH,
            "%s holds %zu vectors, but there are %zu images: it must have a row for each image of "
            "data.train, in their order ('byol embed' writes such a file)",
            config->target.vectors, teacher->count, images);
    if (config->target.dimension != 0 && config->target.dimension != teacher->dimension)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "%s: its rows have %d numbers, target.dimension is %d",
                          config->target.vectors, teacher->dimension, config->target.dimension);
    config->target.dimension = teacher->dimension;
    return BYOL_OK;
}

/* If a run is so short that its settings leave nothing to train with, fits the settings to it and
 * warns. */
static void fit_short_run(byol_trainer *trainer, const byol_source_info *info) {
    byol_config *config = &trainer->origin.config;
    char text[256];
    size_t samples = info->count;
    if (samples >= 2 && (size_t)config->train.batch_size > samples) {
        snprintf(text, sizeof text, "there are only %zu %s: train.batch_size is %zu, not %d",
                 samples, byol__samples_noun(info->samples), samples, config->train.batch_size);
        config->train.batch_size = (int)samples;
        warn(trainer, text);
    }
    float longest = (float)config->train.epochs / 10;
    if (config->train.minutes > 0 || config->optimizer.warmup_epochs < (float)config->train.epochs)
        return;
    snprintf(text, sizeof text, "a run of %d epoch%s: optimizer.warmup_epochs is %g, not %g",
             config->train.epochs, config->train.epochs == 1 ? "" : "s", (double)longest,
             (double)config->optimizer.warmup_epochs);
    config->optimizer.warmup_epochs = longest;
    warn(trainer, text);
}

/* Encoders for the samples that there are. */
static byol_status check_encoder(const byol_config *config, const byol_source_info *info,
                                 byol_error *error) {
    const char *name = config->encoder.name, *target = config->target.encoder;
    bool texts = info->samples == BYOL_SAMPLES_TEXTS, sounds = info->samples == BYOL_SAMPLES_SOUNDS;
    if (byol__encoder_takes_texts(name) != texts)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          texts    ? "encoder.name %s needs images, but these are texts (take "
                                     "encoder.name transformer): %s"
                          : sounds ? "encoder.name %s needs texts, but these are sounds: %s"
                                   : "encoder.name %s needs texts, but these are images: %s",
                          name, info->description);
    if (byol__takes_sounds(config) && !sounds)
        return byol__fail(
            error, BYOL_ERROR_INVALID, "data.frames is %d, for sounds, but these are %s: %s",
            config->data.frames, byol__samples_noun(info->samples), info->description);
    if (strcmp(target, "same") != 0 && byol__encoder_takes_texts(target) != texts)
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "target.encoder %s and encoder.name %s: one takes texts, the other images", target,
            name);
    return BYOL_OK;
}

/* Of texts: the tokenizer of the run that goes on, or a new one. */
static byol_status open_tokenizer(byol_trainer *trainer, const byol_source *source,
                                  byol_error *error) {
    const byol__safetensors *before = trainer->record.checkpoint;
    BYOL__TRY(before == NULL ? byol__tokenizer_begin(&trainer->tokenizer, source,
                                                     &trainer->origin.config, warn, trainer, error)
                             : byol__checkpoint_tokenizer(before, "the checkpoint",
                                                          &trainer->tokenizer, error));
    /* A run of images has none; it is refused for its other data. */
    if (before != NULL && trainer->tokenizer != NULL)
        BYOL__TRY(byol__tokenizer_check(trainer->tokenizer, &trainer->record.origin.config, error));
    trainer->origin.tokenizer = trainer->tokenizer;
    return BYOL_OK;
}

/* Beside the weights, under the name that others look for. */
static byol_status write_tokenizer(const byol_trainer *trainer, byol_error *error) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(trainer->record.folder.path, "tokenizer.json", path);
    return byol_tokenizer_save(trainer->tokenizer, path, error);
}

static byol_status open_sounds(byol_trainer *trainer, size_t count, byol_error *error) {
    const byol_config *config = &trainer->origin.config;
    BYOL__TRY(byol__mel_of_config(&trainer->mel, config, error));
    return byol__sound_cache_create(&trainer->cache, count, (size_t)config->data.cache << 20,
                                    error);
}

static byol_status open_loader(byol_trainer *trainer, const byol_source *source,
                               byol_error *error) {
    trainer->source = source;
    const byol_config *config = &trainer->origin.config;
    byol__loader_options options = {
        .batch_size = config->train.batch_size,
        .seed = config->train.seed,
        .threads = config->train.threads,
        .first_batch = trainer->origin.batches,
        .max_unreadable = (double)config->data.max_unreadable,
    };
    byol__view_list_make(&options.views, config);
    options.views.tokenizer = trainer->tokenizer;
    options.views.mel = trainer->mel;
    options.views.cache = trainer->cache;
    return byol__loader_create(&trainer->loader, source, &options, error);
}

static byol_status open_monitor(byol_trainer *trainer, byol_error *error) {
    int batch = trainer->method->batch, dimension = trainer->method->projection_dimension;
    int full_rank = batch < dimension ? batch : dimension;
    trainer->monitor.full_rank = full_rank < BYOL__RANK_SAMPLES ? full_rank : BYOL__RANK_SAMPLES;
    size_t scratch = byol__monitor_scratch(batch, dimension),
           pairs = byol__monitor_scratch(batch, trainer->method->dimension);
    size_t features = byol__monitor_scratch(batch, trainer->method->representation_dimension);
    if (pairs > scratch) scratch = pairs;
    return byol__alloc(&trainer->scratch, scratch > features ? scratch : features, sizeof(double),
                       "scratch of the monitor", error);
}

/* The sums of the losses as a line of text for a checkpoint, exact to the last bit, and back again.
 * So a run that is resumed within an epoch reports the whole epoch's mean. */
static void write_losses(byol_trainer *trainer) {
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    snprintf(trainer->origin.losses, sizeof trainer->origin.losses, "%a %" PRIu64 " %a %" PRIu64,
             trainer->loss.sum, trainer->loss.steps, trainer->last_loss.sum,
             trainer->last_loss.steps);
    byol__c_locale_leave(before, c_locale);
}

static void read_losses(byol_trainer *trainer, const char *text) {
    losses now, last;
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    int read =
        sscanf(text, "%la %" SCNu64 " %la %" SCNu64, &now.sum, &now.steps, &last.sum, &last.steps);
    byol__c_locale_leave(before, c_locale);
    if (read != 4) return;
    trainer->loss = now;
    trainer->last_loss = last;
}

/* First checks the arguments, then does the expensive work. The run folder is written to last. */
static byol_status build(byol_trainer *trainer, const byol_source *source, const char *run,
                         bool resume, byol_error *error) {
    byol_source_info info;
    const byol__input_kind *input = byol__input_of(source);
    byol_source_describe(source, &info);
    BYOL__TRY(check_encoder(&trainer->origin.config, &info, error));
    byol__origin *origin = &trainer->origin;
    origin->channels = info.channels;
    snprintf(trainer->data, sizeof trainer->data, "%s", info.description);
    if (origin->config.data.image_size == 0)
        origin->config.data.image_size = byol_source_view_size(source);
    BYOL__TRY(check_options(&origin->config, error));
    fit_short_run(trainer, &info);
    BYOL__TRY(read_teacher(trainer, info.count, error));
    BYOL__TRY(byol__steps_init(&trainer->steps, &origin->config, info.count, error));
    byol__pacing_init(&trainer->pacing, &origin->config);
    BYOL__TRY(byol__fingerprint(source, origin->data, sizeof origin->data, error));
    if (trainer->recorded)
        BYOL__TRY(byol__record_open(&trainer->record, run, resume, warn, trainer, error));
    origin->config.train.precision = resolve_precision(trainer);
    bool goes_on = trainer->record.checkpoint != NULL;
    if (info.samples == BYOL_SAMPLES_TEXTS) BYOL__TRY(open_tokenizer(trainer, source, error));
    BYOL__TRY(input->settle(source, goes_on ? &trainer->record.origin.config : NULL,
                            &origin->config, error));
    if (info.samples == BYOL_SAMPLES_SOUNDS) BYOL__TRY(open_sounds(trainer, info.count, error));
    if (goes_on) BYOL__TRY(byol__record_compare(&trainer->record, origin, warn, trainer, error));

    BYOL__TRY(byol__method_create(&trainer->method, &origin->config, info.channels, trainer->comm,
                                  error));
    trainer->method->vectors = trainer->teacher.values;
    if (trainer->record.checkpoint == NULL)
        BYOL__TRY(byol__method_load(trainer->method, &origin->config, warn, trainer, error));
    BYOL__TRY(open_monitor(trainer, error));
    byol__monitor_read(&trainer->monitor, trainer->record.origin.monitor);
    read_losses(trainer, trainer->record.origin.losses);
    byol__pacing_read(&trainer->pacing, &trainer->steps, trainer->record.origin.pacing);
    if (trainer->recorded)
        BYOL__TRY(byol__record_begin(&trainer->record, trainer->method, &origin->config, error));
    if (trainer->recorded && trainer->tokenizer != NULL) BYOL__TRY(write_tokenizer(trainer, error));
    BYOL__TRY(byol__method_share(trainer->method, error));
    trainer->first_step = origin->step = trainer->method->step;
    origin->batches = origin->step * trainer->steps.accumulate;
    return open_loader(trainer, source, error);
}

byol_status byol_trainer_create(byol_trainer **out, const byol_config *config,
                                const byol_source *source, const char *run, bool resume,
                                const byol_trainer_hooks *hooks, byol_error *error) {
    byol_trainer *trainer;
    BYOL__TRY(byol__alloc(&trainer, 1, sizeof *trainer, "trainer", error));
    trainer->origin.config = *config;
    if (hooks != NULL) trainer->hooks = *hooks;
    trainer->comm = &byol__comm_alone;
    trainer->recorded = run != NULL && trainer->comm->rank == 0;
    byol__threads threads = byol__threads_begin(config->train.threads);
    trainer->origin.config.train.threads = threads.count;
    byol_status status = build(trainer, source, run, resume, error);
    byol__threads_end(threads);
    if (status != BYOL_OK) {
        byol_trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return BYOL_OK;
}

void byol_trainer_free(byol_trainer *trainer) {
    if (trainer == NULL) return;
    byol__loader_free(trainer->loader);
    byol__method_free(trainer->method);
    byol__vectors_release(&trainer->teacher);
    byol_tokenizer_free(trainer->tokenizer);
    byol__mel_free(trainer->mel);
    byol__sound_cache_free(trainer->cache);
    byol__free(trainer->scratch);
    if (trainer->recorded) byol__record_close(&trainer->record);
    byol__free(trainer);
}

void byol__trainer_profile(byol_trainer *trainer, byol__profile *profile) {
    byol__method_profile(trainer->method, profile);
}

/* ---- One step ---- */

static byol_status mean_over_ranks(const byol_trainer *trainer, double *values, size_t count,
                                   byol_error *error) {
    BYOL__TRY(byol__comm_sum_doubles(trainer->comm, values, count, error));
    for (size_t i = 0; i < count; i++) values[i] /= trainer->comm->size;
    return BYOL_OK;
}

/* Does what the optimizer needs. Nothing here allocates. */
static byol_status take_step(byol_trainer *trainer, byol_metrics *metrics, byol_error *error) {
    byol__origin *origin = &trainer->origin;
    double began = byol__now();
    for (uint64_t i = 0; i < trainer->steps.accumulate; i++) {
        byol__batch batch;
        double asked = byol__now();
        BYOL__TRY(byol__comm_share_failure(
            trainer->comm, byol__loader_next(trainer->loader, &batch, error), error));
        byol__profile_add(trainer->method->profile, BYOL__WORK_WAIT, asked, 0, 0);
        trainer->method->samples = batch.indices;
        byol__method_forward_backward(trainer->method, batch.view);
    }
    byol__step_result result;
    metrics->lr = byol__steps_lr(&trainer->steps, &origin->config, origin->step);
    double tau = byol__steps_tau(&trainer->steps, &origin->config, origin->step);
    metrics->tau = trainer->method->kind == BYOL_TARGET_EMA ? tau : (double)NAN;
    BYOL__TRY(byol__method_update(trainer->method, metrics->lr, tau, &result, error));
    origin->step++;
    origin->batches += trainer->steps.accumulate;

    double seconds = byol__now() - began;
    /* So that all ranks end after the same step. */
    BYOL__TRY(mean_over_ranks(trainer, &seconds, 1, error));
    trainer->busy += seconds;
    trainer->pace = trainer->worked == 0 ? seconds : 0.9 * trainer->pace + 0.1 * seconds;
    trainer->worked++;
    trainer->loss.sum += result.loss;
    trainer->loss.steps++;
    metrics->step = origin->step;
    byol__pacing_step(&trainer->pacing, &trainer->steps, &origin->config, origin->step,
                      seconds + trainer->overhead);
    trainer->overhead = 0;
    metrics->steps = byol__pacing_total(&trainer->pacing, &trainer->steps, origin->step);
    metrics->epoch = byol__steps_epoch(&trainer->steps, origin->step);
    metrics->loss = result.loss;
    metrics->gradient_norm = result.gradient_norm;
    return BYOL_OK;
}

/* The figures that tell learning from collapse: means over the predicting views and over the pairs.
 * The rank of the matrix is expensive, so it is the first view's. With several processes, each
 * figure is their mean, so that all judge alike. */
static byol_status measure(byol_trainer *trainer, bool with_rank, byol_metrics *metrics,
                           byol_error *error) {
    const byol__method *method = trainer->method;
    int n = method->rows < method->batch ? method->rows : method->batch, d = method->dimension,
        own = method->projection_dimension, pairs = method->pair_count;
    metrics->spread = metrics->positive_cosine = metrics->negative_cosine = 0;
    for (int i = 0; i < pairs; i++) {
        const byol__pair *pair = &method->pairs[i];
        double positive, negative;
        byol__pair_cosines(method->prediction[pair->prediction],
                           method->target_projection[pair->target], n, d, trainer->scratch,
                           &positive, &negative);
        metrics->positive_cosine += positive / pairs;
        metrics->negative_cosine += negative / pairs;
    }
    for (int v = 0; v < method->predicting; v++)
        metrics->spread +=
            byol__spread(method->projection[v], n, own, trainer->scratch) / method->predicting;
    metrics->effective_rank =
        with_rank ? byol__effective_rank(method->projection[0], n, own, trainer->scratch)
                  : (double)NAN;
    metrics->representation_rank =
        with_rank ? byol__effective_rank(method->representation, n,
                                         method->representation_dimension, trainer->scratch)
                  : (double)NAN;
    metrics->images_per_second =
        (double)trainer->steps.accumulate * n * trainer->comm->size / trainer->pace;
    metrics->seconds = byol__now() - trainer->started;
    double by_clock = byol__pacing_left(&trainer->pacing);
    metrics->seconds_left =
        by_clock > 0 ? by_clock : (double)(metrics->steps - metrics->step) * trainer->pace;
    double *const figures[] = {&metrics->spread, &metrics->positive_cosine,
                               &metrics->negative_cosine, &metrics->effective_rank,
                               &metrics->representation_rank};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        BYOL__TRY(mean_over_ranks(trainer, figures[i], 1, error));
    return BYOL_OK;
}

static byol_status judge(byol_trainer *trainer, const byol_metrics *metrics, byol_error *error) {
    const byol__reading reading = {.step = metrics->step,
                                   .loss = metrics->loss,
                                   .spread = metrics->spread,
                                   .effective_rank = metrics->effective_rank};
    char text[512];
    byol__verdict verdict = byol__monitor_judge(&trainer->monitor, &reading, text, sizeof text);
    if (verdict == BYOL__NOT_A_NUMBER) return byol__fail(error, BYOL_ERROR_NUMERIC, "%s", text);
    if (text[0] != '\0') warn(trainer, text);
    if (verdict != BYOL__COLLAPSED || !trainer->origin.config.train.stop_on_collapse)
        return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_COLLAPSED, "stopped: %s",
                      text[0] != '\0' ? text
                                      : "the representation has not recovered from its collapse");
}

/* Reports images that have turned out unreadable since the last call: all in unreadable.txt, the
 * first ones as warnings. */
static byol_status report_unreadable(byol_trainer *trainer, byol_error *error) {
    enum { WARNINGS = 10 };
    size_t count = byol__loader_unreadable(trainer->loader, 0, NULL);
    for (; trainer->reported < count; trainer->reported++) {
        byol__skipped image;
        char name[BYOL_PATH_MAX], text[512];
        byol__loader_unreadable(trainer->loader, trainer->reported, &image);
        byol_source_name(trainer->source, image.index, name, sizeof name);
        if (trainer->recorded)
            BYOL__TRY(byol__record_unreadable(&trainer->record, name, image.reason, error));
        if (trainer->reported > WARNINGS) continue;
        bool is_sound = trainer->source->info.samples == BYOL_SAMPLES_SOUNDS;
        snprintf(text, sizeof text, "%s is left out, another takes its place: %s",
                 is_sound ? "a sound" : "an image", image.reason);
        if (trainer->reported == WARNINGS)
            snprintf(text, sizeof text,
                     "more %s cannot be read; they are counted, and named in unreadable.txt",
                     is_sound ? "sounds" : "images");
        warn(trainer, text);
    }
    return BYOL_OK;
}

/* If the step has ended an epoch, calls the hook. Returns the accuracy that the hook measured, or
 * NaN. */
static double end_epoch(byol_trainer *trainer) {
    uint64_t step = trainer->origin.step;
    int done = byol__steps_epochs_done(&trainer->steps, step);
    int before = byol__steps_epochs_done(&trainer->steps, step - 1);
    if (done == before) return (double)NAN;
    trainer->last_loss = trainer->loss;
    trainer->loss = (losses){0};
    const byol_epoch_info info = {.epoch = done, .before = before, .epochs = trainer->steps.epochs};
    if (trainer->hooks.on_epoch == NULL) return (double)NAN;
    return trainer->hooks.on_epoch(trainer->hooks.context, trainer, &info);
}

/* ---- A run ---- */

static void sum_up(const byol_trainer *trainer, byol_run_result *result) {
    double images = (double)(trainer->worked * trainer->steps.accumulate) * trainer->method->batch *
                    trainer->comm->size;
    bool begun = trainer->loss.steps > 0; /* stopped within an epoch: its steps so far */
    double sum = begun ? trainer->loss.sum : trainer->last_loss.sum;
    uint64_t steps = begun ? trainer->loss.steps : trainer->last_loss.steps;
    *result = (byol_run_result){
        .epochs = byol__steps_epochs_done(&trainer->steps, trainer->origin.step),
        .steps = trainer->origin.step,
        .loss = steps > 0 ? sum / (double)steps : (double)NAN,
        .images_per_second = trainer->busy > 0 ? images / trainer->busy : 0,
        .peak_memory_bytes = byol__peak_memory(),
        .unreadable = trainer->recorded ? trainer->record.unreadable
                                        : byol__loader_unreadable(trainer->loader, 0, NULL),
    };
}

static byol_status save(byol_trainer *trainer, byol_error *error) {
    byol_run_result result;
    byol_trainer_info info;
    byol__origin *origin = &trainer->origin;
    trainer->saved = byol__now();
    byol__monitor_write(&trainer->monitor, origin->monitor, sizeof origin->monitor);
    write_losses(trainer);
    byol__pacing_write(&trainer->pacing, &trainer->steps, origin->pacing, sizeof origin->pacing);
    sum_up(trainer, &result);
    byol_trainer_describe(trainer, &info);
    byol__summary summary = {.config = &origin->config,
                             .info = &info,
                             .result = &result,
                             .data = trainer->data,
                             .verdict = byol__monitor_verdict(&trainer->monitor)};
    BYOL__TRY(byol__record_save_encoder(&trainer->record, trainer->method, origin, error));
    BYOL__TRY(byol__summary_write(trainer->record.folder.path, &summary, error));
    return byol__record_save_checkpoint(&trainer->record, trainer->method, origin, error);
}

static bool checkpoint_is_due(const byol_trainer *trainer) {
    double minutes = (double)trainer->origin.config.checkpoint.every_minutes;
    uint64_t steps = (uint64_t)trainer->origin.config.checkpoint.every_steps;
    return trainer->recorded && ((steps > 0 && trainer->origin.step % steps == 0) ||
                                 (minutes > 0 && byol__now() - trainer->saved >= minutes * 60));
}

static byol_status train(byol_trainer *trainer, byol_error *error) {
    const byol_config *config = &trainer->origin.config;
    while (trainer->origin.step < trainer->steps.total) {
        byol_metrics metrics;
        byol_status taken = take_step(trainer, &metrics, error);
        if (taken != BYOL_OK) {
            report_unreadable(trainer, NULL);
            return taken;
        }
        bool is_last = metrics.step == trainer->steps.total;
        bool logged = is_last || metrics.step % (uint64_t)config->train.log_every == 0;
        double begun = byol__now();
        BYOL__TRY(measure(trainer, logged, &metrics, error));
        trainer->overhead += byol__now() - begun;
        byol_status verdict = judge(trainer, &metrics, error);
        if (verdict == BYOL_ERROR_NUMERIC) return verdict;
        double knn = end_epoch(trainer);
        byol_status kept = BYOL_OK;
        if (trainer->recorded && (logged || isfinite(knn)))
            kept = byol__record_log(&trainer->record, &metrics, knn, error);
        /* After the step is complete: if this fails, the step is kept. */
        if (kept == BYOL_OK) kept = report_unreadable(trainer, error);
        BYOL__TRY(byol__comm_share_failure(trainer->comm, kept, error));
        int stop = trainer->hooks.on_step != NULL &&
                   trainer->hooks.on_step(trainer->hooks.context, &metrics) != 0;
        BYOL__TRY(byol__comm_agree(trainer->comm, &stop, error));
        if (verdict != BYOL_OK) return verdict;
        if (stop)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped at step %llu of %llu",
                              (unsigned long long)metrics.step, (unsigned long long)metrics.steps);
        begun = byol__now();
        if (!is_last && checkpoint_is_due(trainer)) kept = save(trainer, error);
        BYOL__TRY(byol__comm_share_failure(trainer->comm, kept, error));
        trainer->overhead += byol__now() - begun;
    }
    return BYOL_OK;
}

/* Whether there are new, good weights: finite, and their batch norm statistics are not a part of a
 * step ahead of them. */
static bool has_news(const byol_trainer *trainer, byol_status status) {
    return trainer->record.saved_step != trainer->origin.step && status != BYOL_ERROR_NUMERIC &&
           trainer->method->pending == 0;
}

/* Saves good weights, whatever ended the run; bad ones never replace them. If writing fails, the
 * run has failed. If the run had failed before, the error names both failures. */
static byol_status keep_weights(byol_trainer *trainer, byol_status status, byol_error *error) {
    if (!trainer->recorded || !has_news(trainer, status)) return status;
    byol_error why = {0}, words = *error;
    byol_status saved = save(trainer, &why);
    if (saved == BYOL_OK) return status;
    if (status != BYOL_OK && status != BYOL_ERROR_CANCELLED)
        return byol__fail(error, status, "%.400s; and no checkpoint could be written: %.400s",
                          words.text, why.text);
    *error = why;
    return saved;
}

static byol_status conclude(byol_trainer *trainer, byol_status status, byol_error *error) {
    status = keep_weights(trainer, status, error);
    if (status != BYOL_ERROR_NUMERIC) return status;
    if (trainer->recorded) {
        uint64_t step = trainer->origin.step + (trainer->method->pending > 0);
        byol__record_log_break(&trainer->record, step, byol__steps_epoch(&trainer->steps, step));
    }
    byol_error words = *error;
    const char *advice =
        "a lower optimizer.lr, a longer optimizer.warmup_epochs or optimizer.clip_norm may help";
    if (trainer->recorded && trainer->record.saved_step > 0)
        return byol__fail(error, status,
                          "%.400s; the last good checkpoint, of step %llu, stays; %s", words.text,
                          (unsigned long long)trainer->record.saved_step, advice);
    return byol__fail(error, status, "%.400s; %s", words.text, advice);
}

byol_status byol_trainer_run(byol_trainer *trainer, byol_run_result *result, byol_error *error) {
    if (trainer->method->pending > 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "this run failed within step %llu; create a trainer anew",
                          (unsigned long long)trainer->origin.step + 1);
    byol_error words = {0};
    byol__threads threads = byol__threads_begin(trainer->origin.config.train.threads);
    trainer->started = trainer->saved = byol__now();
    trainer->busy = 0;
    trainer->worked = 0;
    byol_status status = conclude(trainer, train(trainer, &words), &words);
    byol__threads_end(threads);
    if (result != NULL) sum_up(trainer, result);
    if (status != BYOL_OK && error != NULL) *error = words;
    return status;
}

/* ---- Description and results ---- */

const byol_config *byol_trainer_config(const byol_trainer *trainer) {
    return &trainer->origin.config;
}

void byol_trainer_describe(const byol_trainer *trainer, byol_trainer_info *info) {
    const byol__method *method = trainer->method;
    const byol__table *params = &method->graph.params;
    size_t arena_floats = (2 + (size_t)method->states) * params->total + method->target_count +
                          method->graph.statistics.total + method->target_statistics_count;
    *info = (byol_trainer_info){
        .parameters_encoder = byol__table_values(params, BYOL__BACKBONE),
        .parameters_projector = byol__table_values(params, BYOL__PROJECTOR),
        .parameters_predictor = byol__table_values(params, BYOL__PREDICTOR),
        .flops_per_image = method->flops / (uint64_t)method->batch,
        .workspace_bytes = method->workspace_bytes,
        .arena_bytes = arena_floats * sizeof(float),
        .staging_bytes = method->staging_bytes,
        .steps_per_epoch = trainer->steps.batches_per_epoch / trainer->steps.accumulate,
        .steps = trainer->steps.total == BYOL__STEPS_OPEN ? 0 : trainer->steps.total,
        .first_step = trainer->first_step,
    };
}

byol_status byol_trainer_encoder(const byol_trainer *trainer, byol_encoder **out,
                                 byol_error *error) {
    return byol__encoder_create(out, &trainer->origin, trainer->method->params,
                                trainer->method->statistics, error);
}

const float *byol_trainer_vectors(const byol_trainer *trainer, byol_layer layer, int *count,
                                  int *dimension) {
    const byol__method *method = trainer->method;
    *count = method->rows;
    *dimension = layer == BYOL_LAYER_PROJECTION ? method->projection_dimension : method->dimension;
    if (trainer->worked == 0 || layer == BYOL_LAYER_BACKBONE) return NULL;
    return layer == BYOL_LAYER_PROJECTION ? method->projection[0] : method->prediction[0];
}

byol_status byol_trainer_save(const byol_trainer *trainer, const char *path, byol_error *error) {
    return byol__record_write_encoder(path, trainer->method, &trainer->origin, error);
}
