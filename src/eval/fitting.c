#include "eval/fitting.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"

byol_status byol__fitting_open(byol__fitting *f, const int32_t *targets, const uint32_t *indices,
                               int classes, byol_error *error) {
    const char *what = "logistic regression";
    size_t learn = f->learn.rows, judge = f->judge.rows;
    BYOL__TRY(byol__alloc(&f->targets, learn, sizeof *f->targets, what, error));
    for (size_t i = 0; i < learn; i++) f->targets[i] = targets[indices != NULL ? indices[i] : i];
    BYOL__TRY(byol__logistic_open(&f->regression, &f->learn, f->targets, classes, error));
    BYOL__TRY(byol__alloc(&f->weights, f->regression.length, sizeof *f->weights, what, error));
    BYOL__TRY(byol__alloc(&f->predicted, judge, sizeof *f->predicted, what, error));
    return byol__alloc(&f->logits, judge * f->regression.outputs, sizeof *f->logits, what, error);
}

void byol__fitting_close(byol__fitting *f) {
    byol__sparse_release(&f->learn);
    byol__sparse_release(&f->judge);
    byol__free(f->targets);
    byol__free(f->predicted);
    byol__free(f->logits);
    byol__free(f->weights);
    byol__logistic_close(&f->regression);
}

byol_status byol__fitting_fit(byol__fitting *f, float c, byol__fit_progress *progress,
                              byol_error *error) {
    f->regression.c = (double)c;
    BYOL__TRY(byol__logistic_fit(&f->regression, f->weights, progress->call, progress->context,
                                 progress->done, progress->total, error));
    byol__logistic_predict(&f->regression, f->weights, &f->judge, f->logits, f->predicted);
    progress->done++;
    if (progress->call == NULL ||
        progress->call(progress->context, progress->done, progress->total) == 0)
        return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_CANCELLED,
                      "logistic regression was stopped after %llu of %llu fits",
                      (unsigned long long)progress->done, (unsigned long long)progress->total);
}

size_t byol__fitting_right(const byol__fitting *f, const int32_t *targets,
                           const uint32_t *indices) {
    size_t right = 0;
    for (size_t i = 0; i < f->judge.rows; i++) right += f->predicted[i] == targets[indices[i]];
    return right;
}

byol_status byol__fitting_check(const char *what, const float *cs, int c_count, float held_out,
                                byol_error *error) {
    if (c_count < 1 || cs == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s needs at least one C to choose from; it was given %d", what, c_count);
    for (int i = 0; i < c_count; i++)
        if (!(cs[i] > 0) || !isfinite(cs[i]))
            return byol__fail(error, BYOL_ERROR_INVALID, "C number %d is %g; it must be above 0", i,
                              (double)cs[i]);
    if (!(held_out > 0 && held_out < 1))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the held-out share is %g; it must be between 0 and 1: C is chosen on it",
                          (double)held_out);
    return BYOL_OK;
}
