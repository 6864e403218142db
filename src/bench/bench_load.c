/* How fast a source of images becomes batches of two views. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/threads.h"
#include "bench/bench_shared.h"
#include "byol/bench.h"
#include "byol/source.h"
#include "data/source_kind.h"
#include "input/loader.h"

/* Bytes of this process that are in memory now; 0 if the system does not report it. */
static uint64_t resident_bytes(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) return 0;
    int read = fscanf(file, "%*u %llu", &pages);
    fclose(file);
    return read == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Takes batches until the time is over. The first does not count: the loader's threads begin with
 * it. Memory is read after a quarter of the time, when all buffers have their full size, and again
 * at the end. */
static byol_status drain(byol__loader *loader, int batch_size, const byol_bench_options *options,
                         byol_bench_load_result *result, byol_error *error) {
    byol__batch batch;
    BYOL__TRY(byol__loader_next(loader, &batch, error));
    double begin = byol__now(), passed = 0;
    uint64_t images = 0;
    while (passed < options->seconds) {
        BYOL__TRY(byol__loader_next(loader, &batch, error));
        images += (uint64_t)batch_size;
        passed = byol__now() - begin;
        if (result->memory_bytes_early == 0 && passed > options->seconds / 4)
            result->memory_bytes_early = resident_bytes();
        if (byol__bench_cancelled(options, passed))
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
    }
    result->memory_bytes_late = resident_bytes();
    result->images_per_second = (double)images / passed;
    result->epochs = (double)images / result->count;
    result->unreadable = byol__loader_unreadable(loader, 0, NULL);
    return BYOL_OK;
}

static byol_status measure(const byol_config *config, const byol_source *source,
                           const byol_bench_options *options, byol_bench_load_result *result,
                           byol_error *error) {
    byol_source_info info;
    BYOL__TRY(byol__need_images(source, "measuring a loader", error));
    byol_source_describe(source, &info);
    byol_config resolved = *config;
    if (config->data.image_size == 0) resolved.data.image_size = byol_source_view_size(source);
    byol__loader_options loading = {
        .batch_size = (size_t)config->train.batch_size < info.count ? config->train.batch_size
                                                                    : (int)info.count,
        .seed = config->train.seed,
        .threads = result->threads,
        .max_unreadable = (double)config->data.max_unreadable,
    };
    byol__view_list_make(&loading.views, &resolved);
    result->count = (double)info.count;
    result->image_size = resolved.data.image_size;
    byol__loader *loader;
    BYOL__TRY(byol__loader_create(&loader, source, &loading, error));
    byol_status status = drain(loader, loading.batch_size, options, result, error);
    byol__loader_free(loader);
    return status;
}

byol_status byol_bench_load(const byol_config *config, const byol_bench_options *options,
                            byol_bench_load_result *result, byol_error *error) {
    if (config->data.train[0] == '\0')
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "there is nothing to load: data.train (--data SRC) names no images");
    byol__threads threads = byol__threads_begin(config->train.threads);
    *result = (byol_bench_load_result){.threads = threads.count};
    byol_source *source;
    byol_status status = byol_source_open(&source, config->data.train, error);
    if (status == BYOL_OK) {
        status = measure(config, source, options, result, error);
        byol_source_free(source);
    }
    byol__threads_end(threads);
    return status;
}
