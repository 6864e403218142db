#include "train/start.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "state/runfolder.h"
#include "state/safetensors.h"

/* Which sections had tensors in the file, and which lacked some. */
typedef struct sections {
    int found[BYOL__SECTIONS], missing[BYOL__SECTIONS];
} sections;

static byol_status read_row(const byol__safetensors *file, const char *prefix, const byol__param *row, float *arena,
                            byol_error *error) {
    char name[BYOL__PARAM_NAME_MAX + 8];
    snprintf(name, sizeof name, "%s%s", prefix, row->name);
    return byol__safetensors_read(file, name, row->dims, row->ndims, arena + row->offset, error);
}

static byol_status read_table(const byol__safetensors *file, const char *prefix, const byol__table *table, float *arena,
                              sections *seen, byol_error *error) {
    for (int r = 0; r < table->count; r++) {
        const byol__param *row = &table->rows[r];
        byol_error why = {0};
        byol_status status = read_row(file, prefix, row, arena, &why);
        int excused = status == BYOL_NOT_FOUND && row->section != BYOL__BACKBONE;
        seen->found[row->section] |= status == BYOL_OK;
        seen->missing[row->section] |= excused;
        if (status == BYOL_OK || (excused && !seen->found[row->section])) continue;
        return byol__fail(error, status, "%s", why.text);
    }
    for (int section = 0; section < BYOL__SECTIONS; section++)
        if (seen->found[section] && seen->missing[section])
            return byol__fail(error, BYOL_NOT_FOUND, "a part of the %s is missing",
                              section == BYOL__PROJECTOR ? "projector" : "predictor");
    return BYOL_OK;
}

byol_status byol__start_from(const char *path, const byol__graph *graph, float *params, float *statistics,
                             byol_error *error) {
    char encoder[BYOL__RUN_PATH_MAX];
    byol__safetensors *file;
    sections seen = {0};
    if (byol__is_folder(path)) {
        byol__run_path(path, "encoder.safetensors", encoder);
        path = encoder;
    }
    BYOL__TRY(byol__safetensors_open(&file, path, error));
    int is_checkpoint = read_row(file, "online.", &graph->params.rows[0], params, NULL) == BYOL_OK;
    const char *prefix = is_checkpoint ? "online." : "";
    byol_status status = read_table(file, prefix, &graph->params, params, &seen, error);
    if (status == BYOL_OK) status = read_table(file, prefix, &graph->statistics, statistics, &seen, error);
    byol__safetensors_close(file);
    return status == BYOL_OK ? BYOL_OK : byol__fail_within(error, status, "cannot begin with %s", path);
}
