#include "train/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "nets/nets.h"

enum {
    ARENAS = 6 /* online and target: parameters and statistics each; up to two of optimizer state */
};

/* ---- Opening ---- */

byol_status byol__record_open(byol__record *record, const char *run, bool resume,
                              byol__damaged warn, void *context, byol_error *error) {
    record->folder.lock = -1;
    BYOL__TRY(byol__run_open(&record->folder, run, resume, error));
    if (!resume) return BYOL_OK;
    byol_error why = {0};
    byol_status status = byol__run_open_newest(record->folder.path, &record->checkpoint,
                                               &record->origin, warn, context, &why);
    if (status == BYOL_ERROR_NOT_FOUND) {
        char text[BYOL__RUN_PATH_MAX + 128], encoder[BYOL__RUN_PATH_MAX];
        byol__run_path(record->folder.path, "encoder.safetensors", encoder);
        snprintf(text, sizeof text, "nothing to resume in %s: the run begins%s",
                 record->folder.path,
                 byol__is_file(encoder)
                     ? "; an encoder without its checkpoint lies there: it is kept, with a name "
                       "that ends in .old1 (or 2, 3 ...)"
                     : "");
        if (warn != NULL) warn(context, text);
        return BYOL_OK;
    }
    if (status != BYOL_OK && error != NULL) *error = why;
    return status;
}

void byol__record_close(byol__record *record) {
    if (record->folder.path[0] == '\0') return;
    byol__safetensors_close(record->checkpoint);
    record->checkpoint = NULL;
    if (record->log != NULL) fclose(record->log);
    record->log = NULL;
    byol__run_close(&record->folder);
}

/* ---- Can it be resumed? ---- */

typedef enum effect { DECIDES, WARNS, FREE } effect;

/* What a changed setting means for the result. A setting that is not listed decides it. */
static const struct {
    const char *key; /* ends with '.': all keys below it */
    effect effect;
} differences[] = {
    {"checkpoint.", FREE},         {"eval.", FREE},
    {"train.log_every", FREE},     {"train.stop_on_collapse", FREE},
    {"data.max_unreadable", FREE}, {"data.cache", FREE},
    {"data.train", FREE}, /* the fingerprint shows whether the data is the same */
    {"train.threads", WARNS},
};

static effect effect_of(const char *key) {
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        size_t length = strlen(differences[i].key);
        int beneath = differences[i].key[length - 1] == '.';
        if (beneath ? strncmp(key, differences[i].key, length) == 0
                    : strcmp(key, differences[i].key) == 0)
            return differences[i].effect;
    }
    return DECIDES;
}

static void append_difference(char *text, size_t size, const char *key, const char *was,
                              const char *is) {
    size_t used = strlen(text);
    int length = snprintf(text + used, size - used, "%s%s was %s and is %s", used > 0 ? "; " : "",
                          key, was, is);
    if ((size_t)length >= size - used) memcpy(text + size - 4, "...", 4);
}

byol_status byol__record_compare(const byol__record *record, const byol__origin *origin,
                                 byol__damaged warn, void *context, byol_error *error) {
    char deciding[768] = "", warning[256] = "", was[BYOL_PATH_MAX], is[BYOL_PATH_MAX];
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info option;
        byol_option_describe(i, &option);
        BYOL__TRY(byol_config_get(&record->origin.config, option.key, was, sizeof was, error));
        BYOL__TRY(byol_config_get(&origin->config, option.key, is, sizeof is, error));
        if (strcmp(was, is) == 0) continue;
        effect found = effect_of(option.key);
        if (found == DECIDES) append_difference(deciding, sizeof deciding, option.key, was, is);
        if (found == WARNS) append_difference(warning, sizeof warning, option.key, was, is);
    }
    if (strcmp(record->origin.data, origin->data) != 0)
        append_difference(deciding, sizeof deciding, "the data", record->origin.data, origin->data);
    if (deciding[0] != '\0')
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the run in %s cannot go on with other settings: %s. Set them back, or "
                          "start another run",
                          record->folder.path, deciding);
    if (warning[0] != '\0' && warn != NULL) {
        char text[384];
        snprintf(text, sizeof text,
                 "%s: the result may differ in the last bits from that of a run in one go",
                 warning);
        warn(context, text);
    }
    return BYOL_OK;
}

/* ---- What a checkpoint holds ---- */

static size_t list_arenas(const byol__method *method, byol__arena arenas[ARENAS]) {
    const byol__table *params = &method->graph.params, *statistics = &method->graph.statistics;
    static const char *const moments[] = {"moment1.", "moment2."};
    size_t count = 0;
    arenas[count++] = (byol__arena){"online.", params, BYOL__PREDICTOR, method->params};
    arenas[count++] = (byol__arena){"online.", statistics, BYOL__PREDICTOR, method->statistics};
    if (method->target_params != NULL) {
        const byol__graph *target = &method->target_graph;
        arenas[count++] =
            (byol__arena){"target.", &target->params, BYOL__PROJECTOR, method->target_params};
        arenas[count++] = (byol__arena){"target.", &target->statistics, BYOL__PROJECTOR,
                                        method->target_statistics};
    }
    for (int i = 0; i < method->states; i++)
        arenas[count++] = (byol__arena){method->states == 1 ? "momentum." : moments[i], params,
                                        BYOL__PREDICTOR, method->state[i]};
    return count;
}

/* The norm of an arena is finite if and only if every value is: it is summed in double, where no
 * float overflows. */
static byol_status check_finite(const byol__arena *arenas, size_t count, byol_error *error) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(
                byol__arena_norm(arenas[i].values, arenas[i].table->section_end[arenas[i].last])))
            return byol__fail(error, BYOL_ERROR_NUMERIC,
                              "NaN or infinity among the %s values after this step",
                              arenas[i].prefix);
    return BYOL_OK;
}

/* ---- Beginning ---- */

static byol_status restore(byol__record *record, byol__method *method, byol_error *error) {
    byol__arena arenas[ARENAS];
    size_t count = list_arenas(method, arenas);
    BYOL__TRY(byol__checkpoint_read(record->checkpoint, arenas, count, error));
    byol__safetensors_close(record->checkpoint);
    record->checkpoint = NULL;
    method->step = record->saved_step = record->origin.step;
    BYOL__TRY(byol__method_stage(method, error));
    return byol__run_set_aside(&record->folder, method->step, error);
}

/* Counts the images that a resumed run has named already. */
static byol_status count_unreadable(byol__record *record, byol_error *error) {
    char path[BYOL__RUN_PATH_MAX], *text;
    size_t length;
    byol__run_path(record->folder.path, "unreadable.txt", path);
    if (!byol__is_file(path)) return BYOL_OK;
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    for (size_t i = 0; i < length; i++) record->unreadable += text[i] == '\n';
    byol__free(text);
    return BYOL_OK;
}

byol_status byol__record_begin(byol__record *record, byol__method *method,
                               const byol_config *config, byol_error *error) {
    if (record->checkpoint != NULL)
        BYOL__TRY(restore(record, method, error));
    else
        BYOL__TRY(byol__run_keep_old(&record->folder, error));
    BYOL__TRY(byol__run_write_config(&record->folder, config, error));
    BYOL__TRY(count_unreadable(record, error));
    BYOL__TRY(byol__run_truncate_log(&record->folder, method->step, error));
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(record->folder.path, "metrics.jsonl", path);
    record->log = fopen(path, "ae");
    if (record->log == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", path, strerror(errno));
    return BYOL_OK;
}

/* ---- Writing ---- */

byol_status byol__record_log(byol__record *record, const byol_metrics *metrics, double knn,
                             byol_error *error) {
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"epoch", metrics->epoch},
        {"loss", metrics->loss},
        {"lr", metrics->lr},
        {"tau", metrics->tau},
        {"spread", metrics->spread},
        {"positive_cosine", metrics->positive_cosine},
        {"negative_cosine", metrics->negative_cosine},
        {"effective_rank", metrics->effective_rank},
        {"representation_rank", metrics->representation_rank},
        {"gradient_norm", metrics->gradient_norm},
        {"images_per_second", metrics->images_per_second},
        {"seconds", metrics->seconds},
        {"knn", knn},
    };
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    fprintf(record->log, "{\"step\": %" PRIu64, metrics->step);
    /* JSON has no NaN: unknown figures are left out. */
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (isfinite(figures[i].value))
            fprintf(record->log, ", \"%s\": %.9g", figures[i].key, figures[i].value);
    fputs("}\n", record->log);
    byol__c_locale_leave(before, c_locale);
    if (fflush(record->log) == 0 && !ferror(record->log)) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_IO, "cannot write %s/metrics.jsonl: %s",
                      record->folder.path, strerror(errno));
}

void byol__record_log_break(byol__record *record, uint64_t step, double epoch) {
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    fprintf(record->log, "{\"step\": %" PRIu64 ", \"epoch\": %.9g}\n", step, epoch);
    byol__c_locale_leave(before, c_locale);
    /* Errors are ignored: the failure itself has been reported already. */
    fflush(record->log);
}

/* Does a line of `text` begin with `name` and a tab? */
static int is_listed(const char *text, const char *name) {
    size_t length = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == '\t') return 1;
    }
    return 0;
}

byol_status byol__record_unreadable(byol__record *record, const char *name, const char *reason,
                                    byol_error *error) {
    char path[BYOL__RUN_PATH_MAX], *text = NULL;
    size_t length;
    byol__run_path(record->folder.path, "unreadable.txt", path);
    if (byol__is_file(path)) BYOL__TRY(byol__read_file(path, &text, &length, error));
    int listed = text != NULL && is_listed(text, name);
    byol__free(text);
    if (listed) return BYOL_OK;
    FILE *file = fopen(path, "ae");
    int failed = file == NULL || fprintf(file, "%s\t%s\n", name, reason) < 0;
    if (file != NULL && fclose(file) != 0) failed = 1;
    record->unreadable += !failed;
    return failed ? byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", path, strerror(errno))
                  : BYOL_OK;
}

byol_status byol__record_write_encoder(const char *path, const byol__method *method,
                                       const byol__origin *origin, byol_error *error) {
    const byol__arena arenas[] = {
        {"", &method->graph.params, BYOL__PREDICTOR, method->params},
        {"", &method->graph.statistics, BYOL__PREDICTOR, method->statistics},
    };
    return byol__checkpoint_write(path, arenas, sizeof arenas / sizeof *arenas, origin, error);
}

byol_status byol__record_save_encoder(const byol__record *record, const byol__method *method,
                                      const byol__origin *origin, byol_error *error) {
    byol__arena arenas[ARENAS];
    size_t count = list_arenas(method, arenas);
    char path[BYOL__RUN_PATH_MAX];
    BYOL__TRY(check_finite(arenas, count, error));
    byol__run_path(record->folder.path, "encoder.safetensors", path);
    return byol__record_write_encoder(path, method, origin, error);
}

byol_status byol__record_save_checkpoint(byol__record *record, const byol__method *method,
                                         const byol__origin *origin, byol_error *error) {
    byol__arena arenas[ARENAS];
    size_t count = list_arenas(method, arenas);
    char path[BYOL__RUN_PATH_MAX];
    /* So that after a power cut the log is never behind the checkpoint. */
    fdatasync(fileno(record->log));
    byol__run_checkpoint_path(record->folder.path, origin->step, path);
    BYOL__TRY(byol__checkpoint_write(path, arenas, count, origin, error));
    record->saved_step = origin->step;
    return byol__run_prune(&record->folder, origin->config.checkpoint.keep, error);
}
