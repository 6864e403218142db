#include "input/loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/threads.h"
#include "data/source_kind.h"
#include "input/input.h"
#include "input/like_lengths.h"

enum { BUFFERS = 2 }; /* the caller has one while the other is filled */

typedef struct worker {
    byol__loader *loader;
    pthread_t thread;
    byol__view_buffers buffers;
} worker;

typedef struct batch_buffer {
    void *view[BYOL_VIEWS_MAX];
    uint32_t *indices;
    uint64_t number;
} batch_buffer;

struct byol__loader {
    const byol_source *source;
    const byol__input_kind *input;
    byol__loader_options options;
    size_t view_bytes[BYOL_VIEWS_MAX]; /* per view of one sample */
    uint32_t count;                    /* samples in the source */
    uint64_t batches_per_epoch;

    batch_buffer buffers[BUFFERS];
    uint32_t *order; /* permutation of epoch `order_epoch` */
    /* Of each sample, and room to sort; NULL: all are alike. */
    uint32_t *lengths, *scratch;
    uint32_t order_epoch;
    bool order_is_made;
    uint64_t next; /* the next batch for byol__loader_next; its filling has begun */

    worker *workers;
    int running; /* of the options.threads workers */

    /* The current job: fill `filling`. The lock protects all that follows. The atomic counter hands
     * out the samples of a job. A job is over when every thread has returned from it, so a late
     * thread cannot enter the next one. */
    pthread_mutex_t lock;
    pthread_cond_t posted, over;
    uint64_t jobs; /* how many were posted so far */
    int busy;      /* threads that have not returned from the last job */
    bool stop;
    const batch_buffer *filling;
    atomic_int sample;
    int failed_sample; /* the first in the batch that failed; batch_size: none */
    byol_status status;
    byol_error error;

    byol__skipped *unreadable; /* from realloc; each index once */
    size_t unreadable_count;
};

void byol__epoch_order(uint64_t seed, uint32_t epoch, uint32_t *order, uint32_t count) {
    byol__random random = byol__random_stream(seed, BYOL__PURPOSE_SHUFFLE, epoch, 0, 0);
    for (uint32_t i = 0; i < count; i++) order[i] = i;
    byol__random_shuffle(&random, order, count);
}

/* ---- the threads ---- */

/* Reports the failure of the first sample, whichever thread is first. */
static void note_failure(byol__loader *loader, int sample, byol_status status,
                         const byol_error *error) {
    pthread_mutex_lock(&loader->lock);
    if (sample < loader->failed_sample) {
        loader->failed_sample = sample;
        loader->status = status;
        loader->error = *error;
    }
    pthread_mutex_unlock(&loader->lock);
}

/* Records an unreadable image. Fails if there are too many. */
static byol_status note_unreadable(byol__loader *loader, uint32_t index, byol_error *why) {
    byol_status status = BYOL_OK;
    size_t known = 0,
           allowed = byol__unreadable_allowed(loader->options.max_unreadable, loader->count);
    byol_error last = *why;
    pthread_mutex_lock(&loader->lock);
    while (known < loader->unreadable_count && loader->unreadable[known].index != index) known++;
    if (known == loader->unreadable_count) {
        byol__skipped *grown = realloc(loader->unreadable, (known + 1) * sizeof *grown);
        if (grown != NULL) {
            loader->unreadable = grown;
            grown[known].index = index;
            snprintf(grown[known].reason, sizeof grown[known].reason, "%.255s", why->text);
            loader->unreadable_count++;
        }
    }
    if (loader->unreadable_count > allowed)
        status = byol__fail(
            why, BYOL_ERROR_FORMAT,
            "%zu of %u %s could not be read, more than data.max_unreadable allows (%g %%). The "
            "last: %.400s. 'byol data' lists them; with a higher data.max_unreadable the run goes "
            "on where it is resumed (--resume)",
            loader->unreadable_count, loader->count,
            byol__samples_noun(loader->source->info.samples), 100 * loader->options.max_unreadable,
            last.text);
    pthread_mutex_unlock(&loader->lock);
    return status;
}

/* Reads the sample of `key`, or in its place the next readable one. */
static byol_status read_sample(byol__loader *loader, const byol__sample_key *key,
                               byol__view_buffers *buffers, byol_error *error) {
    uint32_t index = key->index;
    for (;;) {
        byol_status status =
            loader->input->read(loader->source, index, &loader->options.views, key, buffers, error);
        if (status == BYOL_OK || !byol_source_unreadable(loader->source, index)) return status;
        BYOL__TRY(note_unreadable(loader, index, error));
        index = index + 1 < loader->count ? index + 1 : 0;
        if (index == key->index) return status; /* all are unreadable */
    }
}

static byol_status fill_sample(byol__loader *loader, const batch_buffer *buffer, int sample,
                               byol__view_buffers *buffers, byol_error *error) {
    const byol__view_list *views = &loader->options.views;
    const byol__sample_key key = {loader->options.seed,
                                  (uint32_t)(buffer->number / loader->batches_per_epoch),
                                  buffer->indices[sample]};
    BYOL__TRY(read_sample(loader, &key, buffers, error));
    for (int view = 0; view < views->count; view++) {
        char *to = (char *)buffer->view[view] + (size_t)sample * loader->view_bytes[view];
        BYOL__TRY(loader->input->make(views, view, &key, buffers, to, error));
    }
    return BYOL_OK;
}

static void *work(void *argument) {
    byol__unbind_thread();
    worker *self = argument;
    byol__loader *loader = self->loader;
    uint64_t done = 0;
    pthread_mutex_lock(&loader->lock);
    for (;;) {
        while (!loader->stop && loader->jobs == done)
            pthread_cond_wait(&loader->posted, &loader->lock);
        if (loader->stop) break;
        done = loader->jobs;
        const batch_buffer *buffer = loader->filling;
        pthread_mutex_unlock(&loader->lock);
        for (int sample;
             (sample = atomic_fetch_add(&loader->sample, 1)) < loader->options.batch_size;) {
            byol_error error = {0};
            byol_status status = fill_sample(loader, buffer, sample, &self->buffers, &error);
            if (status != BYOL_OK) note_failure(loader, sample, status, &error);
        }
        pthread_mutex_lock(&loader->lock);
        if (--loader->busy == 0) pthread_cond_signal(&loader->over);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

/* ---- the caller's side ---- */

static void make_order(byol__loader *loader, uint32_t epoch) {
    byol__epoch_order(loader->options.seed, epoch, loader->order, loader->count);
    if (loader->lengths == NULL) return;
    byol__random random =
        byol__random_stream(loader->options.seed, BYOL__PURPOSE_SHUFFLE, epoch, 1, 0);
    byol__order_like_lengths(loader->order, loader->count, (uint32_t)loader->options.batch_size,
                             loader->lengths, &random, loader->scratch);
}

static void choose_samples(byol__loader *loader, uint64_t number, uint32_t *indices) {
    uint32_t epoch = (uint32_t)(number / loader->batches_per_epoch);
    size_t batch_size = (size_t)loader->options.batch_size;
    if (!loader->order_is_made || epoch != loader->order_epoch) make_order(loader, epoch);
    loader->order_is_made = true;
    loader->order_epoch = epoch;
    memcpy(indices, loader->order + number % loader->batches_per_epoch * batch_size,
           batch_size * sizeof *indices);
}

/* Lets the threads fill batch `number`, in a buffer that the caller no longer uses. No other job
 * may be running. */
static void post(byol__loader *loader, uint64_t number) {
    batch_buffer *buffer = &loader->buffers[number % BUFFERS];
    buffer->number = number;
    choose_samples(loader, number, buffer->indices);
    pthread_mutex_lock(&loader->lock);
    loader->filling = buffer;
    loader->failed_sample = loader->options.batch_size;
    atomic_store(&loader->sample, 0);
    loader->busy = loader->running;
    loader->jobs++;
    pthread_cond_broadcast(&loader->posted);
    pthread_mutex_unlock(&loader->lock);
}

byol_status byol__loader_next(byol__loader *loader, byol__batch *batch, byol_error *error) {
    pthread_mutex_lock(&loader->lock);
    while (loader->busy > 0) pthread_cond_wait(&loader->over, &loader->lock);
    byol_status status = loader->status;
    if (status != BYOL_OK && error != NULL) *error = loader->error;
    pthread_mutex_unlock(&loader->lock);
    if (status != BYOL_OK) return status; /* the same at each later call: nothing more is posted */
    const batch_buffer *full = &loader->buffers[loader->next % BUFFERS];
    *batch = (byol__batch){
        .indices = full->indices,
        .number = full->number,
        .epoch = (uint32_t)(full->number / loader->batches_per_epoch),
    };
    for (int view = 0; view < loader->options.views.count; view++) {
        if (loader->input->complete != NULL)
            loader->input->complete(&loader->options.views, view,
                                    (size_t)loader->options.batch_size, full->view[view]);
        batch->view[view] = full->view[view];
    }
    post(loader, ++loader->next);
    return BYOL_OK;
}

uint64_t byol__loader_batches_per_epoch(const byol__loader *loader) {
    return loader->batches_per_epoch;
}

size_t byol__loader_unreadable(const byol__loader *loader, size_t which, byol__skipped *out) {
    byol__loader *self = (byol__loader *)loader; /* for its lock */
    pthread_mutex_lock(&self->lock);
    size_t count = loader->unreadable_count;
    if (out != NULL && which < count) *out = loader->unreadable[which];
    pthread_mutex_unlock(&self->lock);
    return count;
}

/* ---- beginning and end ---- */

static byol_status check_options(const byol__loader_options *options, const byol_source_info *info,
                                 byol_error *error) {
    int smallest = options->views.size[0];
    for (int view = 1; view < options->views.count; view++)
        if (options->views.size[view] < smallest) smallest = options->views.size[view];
    if (info->samples == BYOL_SAMPLES_TEXTS) smallest = options->views.length;
    if (info->samples == BYOL_SAMPLES_SOUNDS) smallest = options->views.frames;
    if (info->samples == BYOL_SAMPLES_SOUNDS && options->views.mel == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID, "there are no mel bands for these sounds: %s",
                          info->description);
    if (info->samples == BYOL_SAMPLES_TEXTS && options->views.tokenizer == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID, "there is no tokenizer for these texts: %s",
                          info->description);
    if (options->batch_size < 1 || options->threads < 1 || options->views.count < 1 || smallest < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "batch size %d, %d views of %d pixels and more, %d loader threads: each "
                          "must be at least 1",
                          options->batch_size, options->views.count, smallest, options->threads);
    if (info->count > UINT32_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%zu samples are more than can be numbered: %s", info->count,
                          info->description);
    if (info->count < (size_t)options->batch_size)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a batch of %d samples cannot be filled: there are %zu (%s); choose a "
                          "smaller batch size",
                          options->batch_size, info->count, info->description);
    return BYOL_OK;
}

static byol_status measure_lengths(byol__loader *loader, byol_error *error) {
    BYOL__TRY(byol__alloc(&loader->lengths, loader->count, sizeof(uint32_t), "lengths", error));
    BYOL__TRY(byol__alloc(&loader->scratch, loader->count, sizeof(uint32_t), "lengths", error));
    for (uint32_t i = 0; i < loader->count; i++)
        BYOL__TRY(loader->input->length(loader->source, i, &loader->lengths[i], error));
    return BYOL_OK;
}

static byol_status allocate(byol__loader *loader, const byol_source_info *info, byol_error *error) {
    const byol__loader_options *options = &loader->options;
    for (int i = 0; i < BUFFERS; i++) {
        batch_buffer *buffer = &loader->buffers[i];
        for (int view = 0; view < options->views.count; view++)
            BYOL__TRY(byol__alloc(&buffer->view[view], options->batch_size,
                                  loader->view_bytes[view], "batch of views", error));
        BYOL__TRY(
            byol__alloc(&buffer->indices, options->batch_size, sizeof(uint32_t), "batch", error));
    }
    BYOL__TRY(
        byol__alloc(&loader->order, loader->count, sizeof(uint32_t), "order of an epoch", error));
    if (loader->input->length != NULL) BYOL__TRY(measure_lengths(loader, error));
    BYOL__TRY(
        byol__alloc(&loader->workers, options->threads, sizeof(worker), "loader threads", error));
    for (int i = 0; i < options->threads; i++)
        BYOL__TRY(
            loader->input->reserve(info, &options->views, &loader->workers[i].buffers, error));
    return BYOL_OK;
}

/* Starts the threads with signals blocked: signals are for the program's own threads. */
static byol_status start(byol__loader *loader, byol_error *error) {
    sigset_t all, before;
    int failed = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < loader->options.threads && !failed; i++) {
        loader->workers[i].loader = loader;
        failed = pthread_create(&loader->workers[i].thread, NULL, work, &loader->workers[i]);
        loader->running += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                      "cannot start loader thread %d of %d: %s; use fewer threads",
                      loader->running + 1, loader->options.threads, strerror(failed));
}

byol_status byol__loader_create(byol__loader **out, const byol_source *source,
                                const byol__loader_options *options, byol_error *error) {
    byol_source_info info;
    byol__loader *loader;
    byol_source_describe(source, &info);
    BYOL__TRY(check_options(options, &info, error));
    BYOL__TRY(byol__alloc(&loader, 1, sizeof *loader, "loader", error));
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->posted, NULL);
    pthread_cond_init(&loader->over, NULL);
    loader->source = source;
    loader->options = *options;
    loader->input = byol__input_of(source);
    for (int view = 0; view < options->views.count; view++)
        loader->view_bytes[view] = loader->input->view_elements(&info, &options->views, view) *
                                   byol__dtype_bytes(loader->input->dtype);
    loader->count = (uint32_t)info.count;
    loader->batches_per_epoch = info.count / options->batch_size;
    loader->next = options->first_batch;
    byol_status status = allocate(loader, &info, error);
    if (status == BYOL_OK) status = start(loader, error);
    if (status != BYOL_OK) {
        byol__loader_free(loader);
        return status;
    }
    post(loader, loader->next);
    *out = loader;
    return BYOL_OK;
}

/* Threads finish their current job first: a few milliseconds. */
void byol__loader_free(byol__loader *loader) {
    if (loader == NULL) return;
    pthread_mutex_lock(&loader->lock);
    loader->stop = true;
    pthread_cond_broadcast(&loader->posted);
    pthread_mutex_unlock(&loader->lock);
    for (int i = 0; i < loader->running; i++) pthread_join(loader->workers[i].thread, NULL);
    for (int i = 0; loader->workers != NULL && i < loader->options.threads; i++)
        byol__view_buffers_release(&loader->workers[i].buffers);
    byol__free(loader->workers);
    for (int i = 0; i < BUFFERS; i++) {
        for (int view = 0; view < loader->options.views.count; view++)
            byol__free(loader->buffers[i].view[view]);
        byol__free(loader->buffers[i].indices);
    }
    byol__free(loader->order);
    byol__free(loader->lengths);
    byol__free(loader->scratch);
    free(loader->unreadable);
    pthread_cond_destroy(&loader->over);
    pthread_cond_destroy(&loader->posted);
    pthread_mutex_destroy(&loader->lock);
    byol__free(loader);
}
