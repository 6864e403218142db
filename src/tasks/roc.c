#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "byol/verify.h"

static const double mistakes_wanted = 5; /* that a FAR must allow to be measured */

typedef struct scored {
    double score;
    bool same;
} scored;

static int by_falling_score(const void *a, const void *b) {
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x < y) - (x > y);
}

/* Counts accepted pairs of both kinds while the threshold falls; equal scores make one point. */
static void trace(byol_roc *roc, const scored *pair, size_t count) {
    size_t tar = 0, far = 0;
    roc->threshold[0] = INFINITY;
    roc->count = 1;
    for (size_t i = 0; i < count; i++) {
        tar += pair[i].same;
        far += !pair[i].same;
        if (i + 1 < count && pair[i + 1].score >= pair[i].score) continue;
        roc->tar[roc->count] = (double)tar / (double)roc->same;
        roc->far[roc->count] = (double)far / (double)roc->different;
        roc->threshold[roc->count++] = pair[i].score;
    }
}

static void measure(byol_roc *roc) {
    roc->auc = 0;
    roc->eer = NAN;
    for (size_t i = 1; i < roc->count; i++) {
        double x = roc->far[i - 1], y = roc->tar[i - 1], dx = roc->far[i] - x, dy = roc->tar[i] - y;
        roc->auc += dx * (y + dy / 2);
        /* FAR = 1 - TAR at x + s dx, y + s dy: x + y reaches 1 in this stretch */
        if (isnan(roc->eer) && x + y + dx + dy >= 1) roc->eer = x + dx * (1 - x - y) / (dx + dy);
    }
}

static byol_status allocate(byol_roc *roc, scored **pair, size_t count, byol_error *error) {
    BYOL__TRY(byol__alloc(pair, count, sizeof **pair, "scores of pairs", error));
    BYOL__TRY(byol__alloc(&roc->far, count + 1, sizeof *roc->far, "ROC curve", error));
    BYOL__TRY(byol__alloc(&roc->tar, count + 1, sizeof *roc->tar, "ROC curve", error));
    return byol__alloc(&roc->threshold, count + 1, sizeof *roc->threshold, "ROC curve", error);
}

static byol_status fill(byol_roc *roc, scored *list, const byol_pair *pair, const double *scores,
                        size_t count, byol_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(scores[i]))
            return byol__fail(error, BYOL_ERROR_NUMERIC, "the score of pair %zu is not finite", i);
        list[i] = (scored){scores[i], pair[i].same};
        roc->same += pair[i].same;
    }
    roc->different = count - roc->same;
    if (roc->same == 0 || roc->different == 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%zu pairs of the same person and %zu of different ones: a ROC curve "
                          "needs both",
                          roc->same, roc->different);
    qsort(list, count, sizeof *list, by_falling_score);
    trace(roc, list, count);
    measure(roc);
    return BYOL_OK;
}

byol_status byol_roc_init(byol_roc *roc, const byol_pair *pair, const double *scores, size_t count,
                          byol_error *error) {
    scored *list = NULL;
    *roc = (byol_roc){0};
    byol_status status = allocate(roc, &list, count, error);
    if (status == BYOL_OK) status = fill(roc, list, pair, scores, count, error);
    byol__free(list);
    if (status != BYOL_OK) byol_roc_release(roc);
    return status;
}

void byol_roc_release(byol_roc *roc) {
    byol__free(roc->far);
    byol__free(roc->tar);
    byol__free(roc->threshold);
    *roc = (byol_roc){0};
}

size_t byol_roc_at(const byol_roc *roc, double far) {
    size_t best = 0;
    for (size_t i = 0; i < roc->count && roc->far[i] <= far; i++) best = i;
    return best;
}

bool byol_roc_supports(const byol_roc *roc, double far) {
    return far * (double)roc->different >= mistakes_wanted;
}
