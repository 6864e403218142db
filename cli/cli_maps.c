/* Maps of features on disk. */
#include <stdlib.h>

#include "byol/dense.h"
#include "cli_vectors.h"

byol_status cli_settle_size(const byol_source *source, int size[2], byol_error *error) {
    byol_picture picture = {0};
    byol_source_info info;
    byol_source_describe(source, &info);
    if (size[0] > 0) return BYOL_OK;
    if (info.samples == BYOL_SAMPLES_TEXTS)
        return cli_error(error, BYOL_ERROR_INVALID, "%.500s: texts have no maps", info.description);
    byol_status status = BYOL_ERROR_NOT_FOUND;
    for (size_t i = 0; i < info.count && status != BYOL_OK; i++)
        status = byol_source_image(source, i, NULL, &picture, error);
    size[0] = picture.image.height;
    size[1] = picture.image.width;
    byol_picture_release(&picture);
    return status;
}

/* Batch by batch: all maps may be more than the memory holds. */
static byol_status write_batches(byol_dense *dense, const byol_source *source, size_t count,
                                 size_t batch, size_t floats, float *maps, FILE *stream,
                                 byol_error *error) {
    cli_progress progress;
    byol_status status = BYOL_OK;
    cli_progress_begin(&progress, "embedding", cli_samples(source));
    for (size_t first = 0; first < count && status == BYOL_OK; first += batch) {
        size_t n = count - first < batch ? count - first : batch;
        status = byol_dense_embed(dense, source, first, n, maps, error);
        if (status == BYOL_OK) fwrite(maps, sizeof *maps, n * floats, stream);
        if (status == BYOL_OK && cli_progress_hook(&progress, first + n, count) != 0)
            status = cli_error(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu images",
                               first + n, count);
    }
    cli_progress_end(&progress);
    return status;
}

static byol_status write_file(const char *path, byol_dense *dense, const byol_source *source,
                              size_t batch, const size_t shape[4], byol_error *error) {
    unsigned char header[CLI_NPY_HEADER_MAX];
    size_t floats = shape[1] * shape[2] * shape[3];
    cli_file file;
    float *maps = cli_matrix(batch, floats);
    if (maps == NULL) return cli_error(error, BYOL_ERROR_MEMORY, "no memory for maps");
    byol_status status = cli_file_begin(&file, path, error);
    if (status == BYOL_OK) {
        fwrite(header, 1, cli_npy_header(header, shape, 4), file.stream);
        status = write_batches(dense, source, shape[0], batch, floats, maps, file.stream, error);
        if (status == BYOL_OK)
            status = cli_file_finish(&file, error);
        else
            cli_file_abandon(&file);
    }
    free(maps);
    return status;
}

byol_status cli_maps_write(const char *path, const byol_encoder *encoder, const byol_source *source,
                           const char *stage, const int size[2], int threads, size_t shape[4],
                           byol_error *error) {
    int settled[2] = {size[0], size[1]};
    byol_source_info source_info;
    byol_dense_options options = {.threads = threads};
    byol_dense *dense = NULL;
    byol_source_describe(source, &source_info);
    byol_status status = byol_encoder_stage_find(encoder, stage, &options.stage, error);
    if (status == BYOL_OK) status = cli_settle_size(source, settled, error);
    if (status != BYOL_OK) return status;
    options.height = settled[0];
    options.width = settled[1];
    status = byol_dense_create(&dense, encoder, &options, error);
    if (status != BYOL_OK) return status;
    byol_dense_info info;
    byol_dense_describe(dense, &info);
    shape[0] = source_info.count;
    shape[1] = (size_t)info.channels;
    shape[2] = (size_t)info.height;
    shape[3] = (size_t)info.width;
    status = write_file(path, dense, source, (size_t)info.batch, shape, error);
    byol_dense_free(dense);
    return status;
}
