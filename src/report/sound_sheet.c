/* The contact sheet of sounds: a page, since they are to be heard too. */
#include "base/error.h"
#include "base/files.h"
#include "byol/sheet.h"
#include "data/source_kind.h"
#include "input/input.h"
#include "report/page_frame.h"
#include "report/sections.h"

static byol_status write_file(const char *path, const byol_config *config,
                              const byol_source *source, size_t count, byol_progress progress,
                              void *context, byol_error *error) {
    byol__atomic_file file;
    byol_source_info info;
    byol_source_describe(source, &info);
    BYOL__TRY(byol__atomic_open(&file, path, error));
    byol__page_begin(file.stream, "views", "Views of sounds", info.description);
    byol_status status =
        byol__section_sound_views(file.stream, config, source, count, progress, context, error);
    byol__page_end(file.stream, "views");
    if (status == BYOL_OK) return byol__atomic_commit(&file, error);
    byol__atomic_abandon(&file);
    return status;
}

byol_status byol_sound_sheet_write(const char *path, const byol_config *config,
                                   const byol_source *source, int count, byol_progress progress,
                                   void *context, byol_sound_sheet_info *info, byol_error *error) {
    byol_config own = *config; /* settled for these sounds */
    byol_source_info of;
    byol_source_describe(source, &of);
    if (of.samples != BYOL_SAMPLES_SOUNDS)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a page of spectrograms needs sounds, but these are %s: %s",
                          byol__samples_noun(of.samples), of.description);
    if (count < 1)
        return byol__fail(error, BYOL_ERROR_INVALID, "a page of %d sounds; at least 1 is needed",
                          count);
    if ((size_t)count > of.count) count = (int)of.count;
    BYOL__TRY(byol__input_of(source)->settle(source, NULL, &own, error));
    BYOL__TRY(write_file(path, &own, source, (size_t)count, progress, context, error));
    if (info != NULL) *info = (byol_sound_sheet_info){count, own.data.mels, own.data.frames};
    return BYOL_OK;
}
