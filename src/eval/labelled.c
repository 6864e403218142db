#include "eval/labelled.h"

#include <string.h>

#include <omp.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source_kind.h"

static byol_status read_labels(byol__labelled *set, const byol_source_info *info,
                               byol_error *error) {
    if (info->classes == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "%s has no labels", info->description);
    BYOL__TRY(byol__alloc(&set->labels, info->count, sizeof *set->labels, "labels", error));
    set->count = info->count;
    for (size_t i = 0; i < info->count; i++) set->labels[i] = byol_source_label(set->source, i);
    return BYOL_OK;
}

byol_status byol__labelled_open(byol__labelled *set, const byol_source *source,
                                const byol__preparation *how, byol_error *error) {
    byol_source_info info;
    BYOL__TRY(byol__check_input(how, source, error));
    byol_source_describe(source, &info);
    *set = (byol__labelled){.source = source, .how = *how};
    set->threads = omp_get_max_threads();
    byol_status status = read_labels(set, &info, error);
    if (status == BYOL_OK)
        status = byol__alloc(&set->buffers, (size_t)set->threads, sizeof *set->buffers,
                             "buffers of the views", error);
    if (status != BYOL_OK) byol__labelled_release(set);
    return status;
}

void byol__labelled_release(byol__labelled *set) {
    byol__free(set->labels);
    for (int i = 0; set->buffers != NULL && i < set->threads; i++)
        byol__view_buffers_release(&set->buffers[i]);
    byol__free(set->buffers);
    memset(set, 0, sizeof *set);
}

byol_status byol__labelled_batch(const byol__labelled *set, const uint32_t *indices, size_t first,
                                 size_t n, int pass, void *samples, int32_t *labels,
                                 byol_error *error) {
    byol__preparation how = set->how;
    how.augmented = pass >= 0;
    how.pass = pass >= 0 ? (uint32_t)pass : 0;
    for (size_t i = 0; i < n && labels != NULL; i++)
        labels[i] = set->labels[indices != NULL ? indices[i] : first + i];
    return byol__prepare_batch(&how, set->source, indices, first, n, set->buffers, samples, error);
}

byol_status byol__labelled_check(const byol__labelled *set, double max_unreadable,
                                 byol_error *error) {
    size_t unreadable = 0;
    for (size_t i = 0; i < set->count; i++)
        unreadable += byol_source_unreadable(set->source, i) != 0;
    if (unreadable <= byol__unreadable_allowed(max_unreadable, set->count)) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%zu of %zu images could not be read, more than data.max_unreadable allows "
                      "(%g %%); 'byol data' "
                      "lists them",
                      unreadable, set->count, 100 * max_unreadable);
}
