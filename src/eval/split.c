#include "eval/split.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"

/* Lane of the random streams of BYOL__PURPOSE_PROBE. */
enum { LANE_DRAWING = 130 };

/* How many images of a class are wanted, and how many were taken. */
typedef struct quota {
    size_t images, drawn, held_out, taken;
} quota;

static size_t between(size_t value, size_t low, size_t high) {
    return value < low ? low : value > high ? high : value;
}

static void set_quota(quota *q, double fraction, double held_out) {
    size_t two = q->images < 2 ? q->images : 2;
    q->drawn = between((size_t)llround(fraction * (double)q->images), two, q->images);
    if (q->drawn > 1)
        q->held_out = between((size_t)llround(held_out * (double)q->drawn), 1, q->drawn - 1);
}

static byol_status count_classes(quota *quotas, const int32_t *labels, size_t count, int classes,
                                 byol_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= classes)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "training sample %zu has label %d; labels are 0 .. %d", i,
                              (int)labels[i], classes - 1);
        quotas[labels[i]].images++;
    }
    return BYOL_OK;
}

static void shuffle(uint32_t *order, size_t count, uint64_t seed) {
    byol__random random = byol__random_stream(seed, BYOL__PURPOSE_PROBE, 0, 0, LANE_DRAWING);
    for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
    byol__random_shuffle(&random, order, count);
}

/* Deals images in random order: the first of each class are held out, the next are for training,
 * the rest is unused. */
static void deal(byol__split *split, quota *quotas, const int32_t *labels, const uint32_t *order,
                 size_t count) {
    for (size_t i = 0; i < count; i++) {
        quota *q = &quotas[labels[order[i]]];
        if (q->taken == q->drawn) continue;
        if (q->taken++ < q->held_out)
            split->held_out[split->held_out_count++] = order[i];
        else
            split->train[split->train_count++] = order[i];
    }
}

static byol_status draw(byol__split *split, quota *quotas, uint32_t *order, const int32_t *labels,
                        size_t count, int classes, double fraction, double held_out, uint64_t seed,
                        byol_error *error) {
    size_t drawn = 0, kept = 0;
    BYOL__TRY(count_classes(quotas, labels, count, classes, error));
    for (int c = 0; c < classes; c++) {
        set_quota(&quotas[c], fraction, held_out);
        drawn += quotas[c].drawn;
        kept += quotas[c].held_out;
    }
    if (kept == 0)
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "no class has two training samples, one to learn from and one to hold out");
    BYOL__TRY(
        byol__alloc(&split->train, drawn - kept, sizeof *split->train, "training images", error));
    BYOL__TRY(
        byol__alloc(&split->held_out, kept, sizeof *split->held_out, "held-out images", error));
    shuffle(order, count, seed);
    deal(split, quotas, labels, order, count);
    return BYOL_OK;
}

byol_status byol__split_draw(byol__split *split, const int32_t *labels, size_t count, int classes,
                             double fraction, double held_out, uint64_t seed, byol_error *error) {
    memset(split, 0, sizeof *split);
    quota *quotas = NULL;
    uint32_t *order = NULL;
    byol_status status = byol__alloc(&quotas, (size_t)classes, sizeof *quotas, "classes", error);
    if (status == BYOL_OK)
        status = byol__alloc(&order, count, sizeof *order, "order of images", error);
    if (status == BYOL_OK)
        status =
            draw(split, quotas, order, labels, count, classes, fraction, held_out, seed, error);
    byol__free(quotas);
    byol__free(order);
    if (status != BYOL_OK) byol__split_release(split);
    return status;
}

void byol__split_release(byol__split *split) {
    byol__free(split->train);
    byol__free(split->held_out);
    memset(split, 0, sizeof *split);
}
