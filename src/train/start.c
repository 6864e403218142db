#include "train/start.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "nets/nets.h"
#include "state/checkpoint.h"
#include "state/runfolder.h"
#include "state/safetensors.h"
#include "train/places.h"

/* Which sections have tensors in the file, which lack some, and what does not fit. */
typedef struct sections {
    int found[BYOL__SECTIONS_MAX], missing[BYOL__SECTIONS_MAX];
    bool resized; /* the places of patches, which were of another size of image */
    bool fresh;   /* matrices of low-rank attention, which the file lacks */
    int wrong;
    byol_status status; /* of the first that does not fit */
    char words[768];
} sections;

static byol_status read_row(const byol__safetensors *file, const char *prefix,
                            const byol__param *row, float *arena, byol_error *error) {
    char name[BYOL__PARAM_NAME_MAX + 8];
    snprintf(name, sizeof name, "%s%s", prefix, row->name);
    return byol__safetensors_read(file, name, row->dims, row->ndims, arena + row->offset, error);
}

/* Adds `text` to the list in `list`, or dots if it does not fit. */
static void append(char *list, size_t size, const char *text) {
    size_t used = strlen(list);
    if (used + strlen(text) + sizeof "; ..." < size)
        snprintf(list + used, size - used, "%s%s", used > 0 ? "; " : "", text);
    else if (used < 3 || strcmp(list + used - 3, "...") != 0)
        snprintf(list + used, size - used, "; ...");
}

/* Notes the file's error without its path, which is printed once. */
static void note_wrong(sections *seen, const char *path, byol_status status, const char *words) {
    size_t length = strlen(path);
    if (strncmp(words, path, length) == 0) words += length + strspn(words + length, ": ");
    if (seen->wrong++ == 0) seen->status = status;
    append(seen->words, sizeof seen->words, words);
}

/* A row called pos_embed that has another number of places in the file. */
static byol_status read_resized(const byol__safetensors *file, const char *prefix,
                                const byol__table *table, const byol__param *row, float *arena,
                                sections *seen) {
    char name[BYOL__PARAM_NAME_MAX + 8];
    int in_front = byol__table_find(table, "cls_token") != BYOL__NONE;
    if (strcmp(row->name, "pos_embed") != 0) return BYOL_ERROR_MISMATCH;
    snprintf(name, sizeof name, "%s%s", prefix, row->name);
    BYOL__TRY(byol__read_places(file, name, row, in_front, arena + row->offset, NULL));
    seen->resized = true;
    return BYOL_OK;
}

static void read_table(const byol__safetensors *file, const char *path, const char *prefix,
                       const byol__table *table, float *arena, sections *seen) {
    for (int r = 0; r < table->count; r++) {
        const byol__param *row = &table->rows[r];
        byol_error why = {0};
        byol_status status = read_row(file, prefix, row, arena, &why);
        if (status == BYOL_ERROR_MISMATCH)
            status = read_resized(file, prefix, table, row, arena, seen);
        bool optional = row->flags & BYOL__OPTIONAL;
        int excused =
            status == BYOL_ERROR_NOT_FOUND && (optional || row->section != BYOL__BACKBONE);
        seen->found[row->section] |= status == BYOL_OK;
        seen->missing[row->section] |= excused && !optional;
        seen->fresh |= excused && optional;
        if (status != BYOL_OK && !excused) note_wrong(seen, path, status, why.text);
    }
}

static byol_status judge(sections *seen, byol_error *error) {
    for (int section = BYOL__PROJECTOR; section < BYOL__SECTIONS_MAX; section++)
        if (seen->found[section] && seen->missing[section])
            note_wrong(seen, "", BYOL_ERROR_NOT_FOUND,
                       section == BYOL__PROJECTOR ? "a part of the projector is missing"
                                                  : "a part of the predictor is missing");
    if (seen->wrong == 0) return BYOL_OK;
    return byol__fail(
        error, seen->status,
        "%d tensor%s not fit (encoder.name, .width, .stem and .patch decide shapes): %s",
        seen->wrong, seen->wrong == 1 ? " does" : "s do", seen->words);
}

/* Names the tensors that have no place in the network. PyTorch's counters of batches do not
 * matter. */
static void tell_left_out(const byol__safetensors *file, const char *path, const byol__graph *graph,
                          const sections *seen, byol__hear hear, void *context) {
    static const char counter[] = "num_batches_tracked";
    char list[512] = "", text[1024];
    for (size_t i = 0; i < byol__safetensors_count(file); i++) {
        const char *name = byol__safetensors_name(file, i);
        size_t length = strlen(name);
        if (length >= sizeof counter - 1 &&
            strcmp(name + length - (sizeof counter - 1), counter) == 0)
            continue;
        if (byol__table_find(&graph->params, name) == BYOL__NONE &&
            byol__table_find(&graph->statistics, name) == BYOL__NONE)
            append(list, sizeof list, name);
    }
    int fresh = seen->missing[BYOL__PROJECTOR] || seen->missing[BYOL__PREDICTOR];
    if (list[0] == '\0' && !fresh && !seen->resized && !seen->fresh) return;
    snprintf(text, sizeof text, "begins with %.300s%s%s%s%s%s", path,
             seen->fresh ? "; matrices of low rank that it lacks begin at random" : "",
             seen->resized ? "; places of patches are resized to this size of image" : "",
             fresh ? "; heads that it lacks begin at random" : "",
             list[0] != '\0' ? "; left out: " : "", list);
    hear(context, text);
}

byol_status byol__start_from(const char *path, const byol__graph *graph, float *params,
                             float *statistics, byol__hear hear, void *context, byol_error *error) {
    char encoder[BYOL__RUN_PATH_MAX];
    byol__safetensors *file;
    sections seen = {0};
    if (byol__is_folder(path)) {
        byol__run_path(path, "encoder.safetensors", encoder);
        path = encoder;
    }
    BYOL__TRY(byol__safetensors_open(&file, path, error));
    const char *prefix = byol__checkpoint_prefix(file, &graph->params.rows[0], params);
    bool is_checkpoint = *prefix != '\0';
    read_table(file, path, prefix, &graph->params, params, &seen);
    read_table(file, path, prefix, &graph->statistics, statistics, &seen);
    byol_status status = judge(&seen, error);
    if (status == BYOL_OK && !is_checkpoint && hear != NULL)
        tell_left_out(file, path, graph, &seen, hear, context);
    byol__safetensors_close(file);
    return status == BYOL_OK ? BYOL_OK
                             : byol__fail_within(error, status, "cannot begin with %.200s", path);
}
