/* The loader: what a batch holds depends on the seed and its number, and on nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "byol/source.h"
#include "data/source_kind.h"
#include "input/loader.h"

enum {
    COUNT = 23,
    BATCH = 5,
    PER_EPOCH = COUNT / BATCH,
    SIDE = 8,
    VIEW_FLOATS = BATCH * 3 * SIDE * SIDE
};

static uint8_t pixels[COUNT * 3 * SIDE * SIDE];

static byol_source *some_source(void) {
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 2654435761u >> 13);
    byol_source *source;
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, COUNT, 3, SIDE, SIDE, NULL),
                     BYOL_OK);
    return source;
}

static byol__loader_options some_options(int threads, uint64_t first_batch) {
    byol__loader_options options = {.views = {.count = 2, .large = 2},
                                    .batch_size = BATCH,
                                    .seed = 3,
                                    .threads = threads,
                                    .first_batch = first_batch};
    for (int v = 0; v < 2; v++) {
        options.views.size[v] = SIDE;
        options.views.recipe[v] = (byol_view_recipe){.crop_area_min = 0.2f,
                                                     .crop_area_max = 1,
                                                     .crop_aspect_min = 0.75f,
                                                     .crop_aspect_max = 1.33f,
                                                     .flip = 0.5f,
                                                     .jitter = 0.8f,
                                                     .brightness = 0.4f,
                                                     .contrast = 0.4f,
                                                     .saturation = 0.2f,
                                                     .hue = 0.1f,
                                                     .blur = 0.5f,
                                                     .blur_sigma_min = 0.1f,
                                                     .blur_sigma_max = 2,
                                                     .mean = {0.5f, 0.4f, 0.3f},
                                                     .std = {0.2f, 0.25f, 0.3f}};
    }
    return options;
}

static byol__loader *some_loader(const byol_source *source, const byol__loader_options *options) {
    byol__loader *loader;
    byol_error error = {0};
    if (byol__loader_create(&loader, source, options, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return loader;
}

static byol__batch next(byol__loader *loader) {
    byol__batch batch;
    byol_error error = {0};
    if (byol__loader_next(loader, &batch, &error) != BYOL_OK) fail_msg("%s", error.text);
    return batch;
}

static void are_equal(const byol__batch *a, const byol__batch *b) {
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->epoch, b->epoch);
    assert_memory_equal(a->indices, b->indices, BATCH * sizeof *a->indices);
    for (int v = 0; v < 2; v++)
        assert_memory_equal(a->view[v], b->view[v], VIEW_FLOATS * sizeof(float));
}

static void the_number_of_threads_changes_nothing(void **state) {
    (void)state;
    byol_source *source = some_source();
    byol__loader_options one = some_options(1, 0), three = some_options(3, 0),
                         many = some_options(2 * BATCH, 0);
    byol__loader *a = some_loader(source, &one), *b = some_loader(source, &three),
                 *c = some_loader(source, &many);
    for (int i = 0; i < 5 * PER_EPOCH; i++) {
        byol__batch of_a = next(a), of_b = next(b), of_c = next(c);
        are_equal(&of_a, &of_b);
        are_equal(&of_a, &of_c);
    }
    byol__loader_free(a);
    byol__loader_free(b);
    byol__loader_free(c);
    byol_source_free(source);
}

static void a_loader_that_begins_at_k_gives_batch_k(void **state) {
    (void)state;
    byol_source *source = some_source();
    byol__loader_options from_start = some_options(2, 0);
    byol__loader *whole = some_loader(source, &from_start);
    for (uint64_t k = 0; k < 3 * PER_EPOCH; k++) {
        byol__batch expected = next(whole);
        byol__loader_options from_k = some_options(2, k);
        byol__loader *resumed = some_loader(source, &from_k);
        byol__batch found = next(resumed);
        assert_int_equal(found.number, k);
        are_equal(&expected, &found);
        byol__loader_free(resumed);
    }
    byol__loader_free(whole);
    byol_source_free(source);
}

static void a_batch_holds_the_views_of_its_samples(void **state) {
    (void)state;
    byol_source *source = some_source();
    byol__loader_options options = some_options(2, 0);
    byol__loader *loader = some_loader(source, &options);
    float *expected;
    void *scratch;
    assert_int_equal(byol__alloc(&expected, 3 * SIDE * SIDE, sizeof *expected, "test", NULL),
                     BYOL_OK);
    assert_int_equal(
        byol__alloc(&scratch, byol_view_scratch_bytes(3, SIDE, SIDE, SIDE), 1, "test", NULL),
        BYOL_OK);
    uint32_t order[COUNT];
    for (uint64_t k = 0; k < 2 * PER_EPOCH; k++) {
        byol__batch batch = next(loader);
        assert_int_equal(batch.number, k);
        assert_int_equal(batch.epoch, k / PER_EPOCH);
        byol__epoch_order(options.seed, batch.epoch, order, COUNT);
        for (int i = 0; i < BATCH; i++) {
            assert_int_equal(batch.indices[i], order[k % PER_EPOCH * BATCH + i]);
            for (int v = 0; v < 2; v++) {
                byol_picture picture = {0};
                assert_int_equal(byol_source_image(source, batch.indices[i], NULL, &picture, NULL),
                                 BYOL_OK);
                byol_view_make(&options.views.recipe[v], &picture.image, SIDE, options.seed,
                               batch.epoch, batch.indices[i], v, expected, scratch);
                assert_memory_equal((const float *)batch.view[v] + i * 3 * SIDE * SIDE, expected,
                                    3 * SIDE * SIDE * sizeof *expected);
            }
        }
    }
    byol__free(scratch);
    byol__free(expected);
    byol__loader_free(loader);
    byol_source_free(source);
}

static void a_batch_stays_as_it_is_until_the_next_is_asked_for(void **state) {
    (void)state;
    byol_source *source = some_source();
    byol__loader_options options = some_options(2, 0);
    byol__loader *loader = some_loader(source, &options);
    float *kept;
    assert_int_equal(byol__alloc(&kept, VIEW_FLOATS, sizeof *kept, "test", NULL), BYOL_OK);
    for (int i = 0; i < 20; i++) {
        byol__batch batch = next(loader);
        memcpy(kept, batch.view[1], VIEW_FLOATS * sizeof *kept);
        for (volatile int wait = 0; wait < 200000; wait++)
            continue; /* the next is being made meanwhile */
        assert_memory_equal(batch.view[1], kept, VIEW_FLOATS * sizeof *kept);
        for (int v = 0; v < 2; v++) assert_int_equal((uintptr_t)batch.view[v] % 64, 0);
    }
    byol__free(kept);
    byol__loader_free(loader);
    byol_source_free(source);
}

static void an_epoch_gives_no_sample_twice_and_drops_the_rest(void **state) {
    (void)state;
    byol_source *source = some_source();
    byol__loader_options options = some_options(2, 0);
    byol__loader *loader = some_loader(source, &options);
    assert_int_equal(byol__loader_batches_per_epoch(loader), PER_EPOCH);
    int ever[COUNT] = {0};
    for (int epoch = 0; epoch < 20; epoch++) {
        int seen[COUNT] = {0}, different = 0;
        for (int b = 0; b < PER_EPOCH; b++) {
            byol__batch batch = next(loader);
            assert_int_equal(batch.epoch, epoch);
            for (int i = 0; i < BATCH; i++) {
                assert_int_equal(seen[batch.indices[i]]++, 0);
                different++;
                ever[batch.indices[i]] = 1;
            }
        }
        assert_int_equal(different, COUNT / BATCH * BATCH);
    }
    for (int i = 0; i < COUNT; i++) assert_true(ever[i]); /* what is dropped changes */
    byol__loader_free(loader);
    byol_source_free(source);
}

static void the_order_is_a_permutation_of_its_own_each_epoch_and_seed(void **state) {
    (void)state;
    enum { LARGE = 1000 };
    uint32_t a[LARGE], b[LARGE], c[LARGE], again[LARGE];
    int seen[LARGE] = {0}, fixed_a = 0, same_ab = 0, same_ac = 0;
    byol__epoch_order(1, 0, a, LARGE);
    byol__epoch_order(1, 1, b, LARGE);
    byol__epoch_order(2, 0, c, LARGE);
    byol__epoch_order(1, 0, again, LARGE);
    assert_memory_equal(a, again, sizeof a);
    for (uint32_t i = 0; i < LARGE; i++) {
        assert_int_equal(seen[a[i]]++, 0);
        fixed_a += a[i] == i;
        same_ab += a[i] == b[i];
        same_ac += a[i] == c[i];
    }
    assert_true(fixed_a < 8 && same_ab < 8 &&
                same_ac < 8); /* one is expected; eight, once in 100,000 */
}

static void every_permutation_is_equally_likely(void **state) {
    (void)state;
    enum { EPOCHS = 24000 };
    int counts[4][4] = {{0}};
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        uint32_t order[4];
        byol__epoch_order(9, epoch, order, 4);
        for (int i = 0; i < 4; i++) counts[i][order[i]]++;
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            assert_true(abs(counts[i][j] - EPOCHS / 4) < 336); /* 5 standard errors */
}

/* ---- a source that counts what it is asked for, and fails ---- */

typedef struct failing {
    byol_source base;
    byol_source *inner;
    uint32_t first_bad;
    atomic_int *asked; /* or NULL */
} failing;

static byol_status failing_image(const byol_source *source, size_t index,
                                 const byol__decode_request *request, byol_picture *picture,
                                 byol_error *error) {
    const failing *self = (const failing *)source;
    if (self->asked != NULL) atomic_fetch_add(self->asked, 1);
    if (index >= self->first_bad)
        return byol__fail(error, BYOL_ERROR_IO, "picture %zu cannot be read", index);
    return byol__source_read(self->inner, index, request, picture, error);
}

static int32_t failing_label(const byol_source *source, size_t index) {
    (void)source, (void)index;
    return -1;
}

static const char *failing_class_name(const byol_source *source, int32_t label) {
    (void)source, (void)label;
    return NULL;
}

static void failing_release(byol_source *source) { (void)source; }

static const byol__source_methods FAILING = {.image = failing_image,
                                             .label = failing_label,
                                             .class_name = failing_class_name,
                                             .release = failing_release};

/* While the caller works on a batch (here: sleeps), the one behind it is read, and no more than
 * that. */
static void the_next_batch_is_made_before_it_is_asked_for(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        atomic_int asked = 0;
        failing source = {
            .base.methods = &FAILING, .inner = some_source(), .first_bad = COUNT, .asked = &asked};
        byol_source_describe(source.inner, &source.base.info);
        byol__loader_options options = some_options(threads, 0);
        byol__loader *loader = some_loader(&source.base, &options);
        for (int batch = 1; batch <= 3; batch++) {
            next(loader);
            for (int waited = 0; atomic_load(&asked) < (batch + 1) * BATCH && waited < 10000;
                 waited++)
                usleep(1000);
            assert_int_equal(atomic_load(&asked), (batch + 1) * BATCH);
        }
        byol__loader_free(loader);
        byol_source_free(source.inner);
    }
}

static void an_error_of_the_source_arrives_with_its_batch(void **state) {
    (void)state;
    failing source = {.base.methods = &FAILING, .inner = some_source(), .first_bad = COUNT - 6};
    byol_source_describe(source.inner, &source.base.info);
    uint32_t order[COUNT];
    byol__epoch_order(3, 0, order, COUNT);
    uint32_t at = 0; /* first place in the epoch that fails */
    while (order[at] < source.first_bad) at++;
    char expected[64];
    snprintf(expected, sizeof expected, "picture %u cannot be read", order[at]);
    for (int threads = 1; threads <= 3; threads += 2) {
        byol__loader_options options = some_options(threads, 0);
        byol__loader *loader = some_loader(&source.base, &options);
        for (uint32_t b = 0; b < at / BATCH; b++) next(loader);
        for (int again = 0; again < 3; again++) {
            byol__batch batch;
            byol_error error = {0};
            assert_int_equal(byol__loader_next(loader, &batch, &error), BYOL_ERROR_IO);
            assert_string_equal(error.text,
                                expected); /* the first of the batch, whichever thread was first */
            assert_int_equal(byol__loader_next(loader, &batch, NULL), BYOL_ERROR_IO);
        }
        byol__loader_free(loader);
    }
    byol_source_free(source.inner);
}

static void what_cannot_be_loaded_is_refused(void **state) {
    (void)state;
    byol_source *source = some_source();
    byol__loader *loader;
    byol_error error = {0};
    byol__loader_options options = some_options(1, 0);
    options.batch_size = COUNT + 1;
    assert_int_equal(byol__loader_create(&loader, source, &options, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "batch of 24"));
    assert_non_null(strstr(error.text, "there are 23"));
    for (int i = 0; i < 3; i++) {
        options = some_options(1, 0);
        *(int *[]){&options.batch_size, &options.views.size[1], &options.threads}[i] = 0;
        assert_int_equal(byol__loader_create(&loader, source, &options, &error),
                         BYOL_ERROR_INVALID);
        assert_non_null(strstr(error.text, "at least 1"));
    }
    options = some_options(1, 0);
    options.batch_size = COUNT; /* exactly one batch an epoch */
    loader = some_loader(source, &options);
    assert_int_equal(byol__loader_batches_per_epoch(loader), 1);
    assert_int_equal(next(loader).epoch, 0);
    assert_int_equal(next(loader).epoch, 1);
    byol__loader_free(loader);
    byol_source_free(source);
}

static void a_loader_can_be_freed_at_any_moment(void **state) {
    (void)state;
    byol_source *source = some_source();
    for (int asked = 0; asked < 30; asked++) {
        byol__loader_options options = some_options(1 + asked % 4, 0);
        byol__loader *loader = some_loader(source, &options);
        for (int i = 0; i < asked % 5; i++) next(loader);
        byol__loader_free(loader);
    }
    byol__loader_free(NULL);
    byol_source_free(source);
}

static pthread_t signalled;
static void note_thread(int number) {
    (void)number;
    signalled = pthread_self();
}

static void signals_are_left_to_the_program(void **state) {
    (void)state;
    byol_source *source = some_source();
    byol__loader_options options = some_options(3, 0);
    sigset_t one, before;
    struct sigaction action = {.sa_handler = note_thread}, old;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    byol__loader *loader = some_loader(source, &options);
    next(loader);
    pthread_sigmask(SIG_BLOCK, &one, &before); /* this thread does not take it: would a loader's? */
    assert_int_equal(sigismember(&before, SIGUSR1), 0);
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 10; i++) next(loader);
    assert_int_equal(signalled, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_true(pthread_equal(signalled, pthread_self()));
    byol__loader_free(loader);
    sigaction(SIGUSR1, &old, NULL);
    byol_source_free(source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_threads_changes_nothing),
        cmocka_unit_test(a_loader_that_begins_at_k_gives_batch_k),
        cmocka_unit_test(a_batch_holds_the_views_of_its_samples),
        cmocka_unit_test(a_batch_stays_as_it_is_until_the_next_is_asked_for),
        cmocka_unit_test(an_epoch_gives_no_sample_twice_and_drops_the_rest),
        cmocka_unit_test(the_order_is_a_permutation_of_its_own_each_epoch_and_seed),
        cmocka_unit_test(every_permutation_is_equally_likely),
        cmocka_unit_test(the_next_batch_is_made_before_it_is_asked_for),
        cmocka_unit_test(an_error_of_the_source_arrives_with_its_batch),
        cmocka_unit_test(what_cannot_be_loaded_is_refused),
        cmocka_unit_test(a_loader_can_be_freed_at_any_moment),
        cmocka_unit_test(signals_are_left_to_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
