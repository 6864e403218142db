/* Nothing of ours allocates within a training step: loader, step, schedules, monitor.
 *
 * The linker sends every call of malloc and its kin in our objects through the counters below
 * (tests/CMakeLists.txt). What oneDNN allocates inside its own library (an argument map for each
 * primitive it executes) is not ours and is not counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "byol/trainer.h"
#include "tiny.h"
#include "tiny_texts.h"

static atomic_long calls; /* the loader's threads allocate nothing either */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size) {
    calls++;
    return __real_realloc(pointer, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    calls++;
    return __real_aligned_alloc(alignment, size);
}

typedef struct window {
    long at_first, at_last;
} window;

/* From the end of step 2 to the end of step 7: the end of the first epoch lies within. */
static int watch(void *context, const byol_metrics *metrics) {
    window *seen = context;
    if (metrics->step == 2) seen->at_first = calls;
    if (metrics->step == 7) seen->at_last = calls;
    return 0;
}

static void count_in(byol_source *source, byol_config config) {
    byol_trainer *trainer = NULL;
    byol_error error = {0};
    window seen = {-1, -2};
    const byol_trainer_hooks hooks = {.context = &seen, .on_step = watch};
    assert_int_equal(byol_trainer_create(&trainer, &config, source, NULL, 0, &hooks, &error),
                     BYOL_OK);
    assert_true(calls > 10); /* creating one does allocate: the counter counts */
    assert_int_equal(byol_trainer_run(trainer, NULL, &error), BYOL_OK);
    assert_int_equal(seen.at_last, seen.at_first);
    byol_trainer_free(trainer);
    byol_source_free(source);
}

static void count_with(byol_config config) { count_in(tiny_source(), config); }

static void count_in_steps(byol_precision precision, int accumulate,
                           byol_optimizer_name optimizer) {
    byol_config config = tiny_config();
    config.train.precision = precision;
    config.train.accumulate = accumulate;
    config.train.epochs = 2 * accumulate;
    config.optimizer.name = optimizer;
    count_with(config);
}

static void a_training_step_allocates_nothing(void **state) {
    (void)state;
    count_in_steps(BYOL_PRECISION_FP32, 1, BYOL_SGD);
    count_in_steps(BYOL_PRECISION_FP32, 2, BYOL_LARS);
    count_in_steps(BYOL_PRECISION_BF16, 1, BYOL_ADAM);
    count_in_steps(BYOL_PRECISION_FP32, 1, BYOL_MUON);
    count_in_steps(BYOL_PRECISION_BF16, 1, BYOL_MUON);
}

static void nor_does_a_step_of_any_other_member_of_the_family(void **state) {
    (void)state;
    for (int distance = BYOL_COSINE; distance <= BYOL_CROSS_CORRELATION; distance++)
        for (int negatives = 0; negatives <= (distance == BYOL_TRIPLET); negatives++) {
            byol_config config = tiny_config();
            config.loss.distance = (byol_distance_kind)distance;
            config.loss.negatives = (byol_negatives)negatives;
            config.predictor.kind = BYOL_HEAD_NONE;
            config.target.kind = BYOL_TARGET_ONLINE;
            config.target.stop_gradient = 0;
            count_with(config);
        }
    byol_config crops = tiny_config();
    crops.views.count[2] = 2;
    crops.views.size[2] = TINY_SIDE / 2;
    crops.loss.variance = crops.loss.covariance = crops.loss.coding_rate = 0.1f;
    count_with(crops);
    crops.train.precision = BYOL_PRECISION_BF16;
    count_with(crops);
    byol_config frozen = tiny_config();
    frozen.target.kind = BYOL_TARGET_FROZEN;
    frozen.loss.symmetric = 0;
    count_with(frozen);
}

/* Nor where tokens are chosen and noise is drawn. */
static void nor_does_a_step_on_texts(void **state) {
    (void)state;
    byol_config low_rank = tiny_low_rank(BYOL_RANK_SHARED_NONE);
    low_rank.encoder.dropout = low_rank.encoder.drop_path = 0.1f;
    low_rank.train.precision = BYOL_PRECISION_BF16;
    count_in(tiny_texts(), tiny_data2vec());
    count_in(tiny_texts(), low_rank);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_step_allocates_nothing),
        cmocka_unit_test(nor_does_a_step_of_any_other_member_of_the_family),
        cmocka_unit_test(nor_does_a_step_on_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
