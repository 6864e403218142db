/* Small whole runs in the test's own folder, TEST_RUNS, and their files; after cmocka.h. */
#ifndef TEST_RUNS_H
#define TEST_RUNS_H

#include <ftw.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/trainer.h"
#include "tiny.h"

/* ---- Runs ---- */

/* What the hooks saw and what they should do. */
typedef struct witness {
    uint64_t stop_at; /* step; 0: never */
    uint64_t full_at; /* from this step on no file can be written; 0: never */
    uint64_t last_step;
    int warnings, epochs;
    char warning[1024]; /* the last one */
} witness;

static inline void limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static inline int on_step(void *context, const byol_metrics *metrics) {
    witness *seen = context;
    seen->last_step = metrics->step;
    if (metrics->step == seen->full_at) limit_files(2000);
    return metrics->step == seen->stop_at;
}

static inline double on_epoch(void *context, byol_trainer *trainer, const byol_epoch_info *info) {
    witness *seen = context;
    (void)trainer;
    seen->epochs++;
    return info->epoch == 1 ? 12.5 : (double)NAN;
}

static inline void on_warning(void *context, const char *text) {
    witness *seen = context;
    seen->warnings++;
    snprintf(seen->warning, sizeof seen->warning, "%s", text);
}

static inline byol_status start(const byol_config *config, const char *run, int resume,
                                witness *seen, byol_error *error) {
    const byol_trainer_hooks hooks = {
        .context = seen, .on_step = on_step, .on_epoch = on_epoch, .on_warning = on_warning};
    byol_source *source = tiny_source();
    byol_trainer *trainer = NULL;
    byol_status status = byol_trainer_create(&trainer, config, source, run, resume, &hooks, error);
    if (status == BYOL_OK) status = byol_trainer_run(trainer, NULL, error);
    byol_trainer_free(trainer);
    byol_source_free(source);
    return status;
}

static inline void expect(byol_status wanted, const byol_config *config, const char *run,
                          int resume, witness *seen) {
    byol_error error = {0};
    byol_status status = start(config, run, resume, seen, &error);
    if (status != wanted) print_error("%s\n", error.text);
    assert_int_equal(status, wanted);
}

/* ---- Files ---- */

static inline int remove_entry(const char *path, const struct stat *info, int kind,
                               struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_run(const char *run) { nftw(run, remove_entry, 8, FTW_DEPTH | FTW_PHYS); }

static inline int is_there(const char *run, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", run, name);
    return byol__is_file(path);
}

static inline char *read_file(const char *run, const char *name, size_t *length) {
    char path[256], *text = NULL;
    byol_error error = {0};
    snprintf(path, sizeof path, "%s/%s", run, name);
    if (byol__read_file(path, &text, length, &error) != BYOL_OK) fail_msg("%s", error.text);
    return text;
}

static inline void assert_same_file(const char *a, const char *b, const char *name) {
    size_t length_a, length_b;
    char *text_a = read_file(a, name, &length_a), *text_b = read_file(b, name, &length_b);
    assert_int_equal(length_a, length_b);
    assert_memory_equal(text_a, text_b, length_a);
    byol__free(text_a);
    byol__free(text_b);
}

static inline void assert_other_file(const char *a, const char *b, const char *name) {
    size_t length_a, length_b;
    char *text_a = read_file(a, name, &length_a), *text_b = read_file(b, name, &length_b);
    assert_true(length_a != length_b || memcmp(text_a, text_b, length_a) != 0);
    byol__free(text_a);
    byol__free(text_b);
}

static inline void flip_byte(const char *run, const char *name, long offset) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", run, name);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, offset, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, offset, SEEK_SET);
    fputc(byte ^ 0x10, file);
    fclose(file);
}

/* Line `number` of the log, without the times. */
static inline json_t *log_line(const char *run, int number) {
    size_t length;
    char *text = read_file(run, "metrics.jsonl", &length), *line = text;
    for (int i = 0; i < number && line != NULL; i++)
        line = strchr(line, '\n') == NULL ? NULL : strchr(line, '\n') + 1;
    json_t *object = line == NULL ? NULL : json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    json_object_del(object, "seconds");
    json_object_del(object, "images_per_second");
    byol__free(text);
    return object;
}

static inline void assert_same_log(const char *a, const char *b, int lines) {
    for (int i = 0; i < lines; i++) {
        json_t *line_a = log_line(a, i), *line_b = log_line(b, i);
        assert_non_null(line_a);
        assert_true(json_equal(line_a, line_b));
        json_decref(line_a);
        json_decref(line_b);
    }
    assert_null(log_line(b, lines));
}

/* The run that all others are compared with: 8 steps in one go. */
static const char whole[] = TEST_RUNS "/whole";

static inline int make_whole(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails instead */
    remove_run(TEST_RUNS);
    byol_config config = tiny_config();
    witness seen = {0};
    return start(&config, whole, 0, &seen, NULL) == BYOL_OK && seen.last_step == 8 &&
                   seen.epochs == 2
               ? 0
               : -1;
}

static inline int clean_up(void **state) {
    (void)state;
    remove_run(TEST_RUNS);
    return 0;
}

#endif
