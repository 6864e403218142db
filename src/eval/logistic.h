/* Logistic regression on sparse rows: the minimum over W and b of
 *
 *     |W|^2 / 2 + C sum over rows of -log softmax(W x + b)[label]
 *
 * b is not in the penalty. With two classes there is one weight vector, and the first class's logit
 * is 0. So it is what scikit-learn's LogisticRegression(C=C) minimises. */
#ifndef BYOL__LOGISTIC_H
#define BYOL__LOGISTIC_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"
#include "eval/sparse.h"

typedef struct byol__logistic {
    const byol__sparse *rows; /* borrowed */
    const int32_t *labels;    /* (rows), borrowed: 0 .. classes-1 */
    int classes;
    size_t outputs; /* vectors of weights: 1 for two classes, else one for each */
    size_t length;  /* of all weights: (columns + 1, outputs), the last row is b */
    double c;       /* C, set before it is used */
    byol__sparse by_column;
    double *logits, *trial, *moved; /* (rows, outputs): now, after a step, a step's change */
    double *probabilities, *diff;   /* the same: softmax, and what goes back to the weights */
    double *losses;                 /* (rows) */
    double *gradient, *step, *residual, *direction, *product; /* (length) */
} byol__logistic;

/* Owned: byol__logistic_close. */
byol_status byol__logistic_open(byol__logistic *l, const byol__sparse *rows, const int32_t *labels,
                                int classes, byol_error *error);
void byol__logistic_close(byol__logistic *l);

/* The loss above at `weights` (length); l->gradient becomes its gradient. */
double byol__logistic_loss(byol__logistic *l, const double *weights);

/* Sets `weights` (length) to the minimum. The bits do not depend on threads. `progress` (NULL:
 * none) is asked after each step, with these numbers, whether to go on. BYOL_ERROR_NUMERIC if the
 * minimum is not found; BYOL_ERROR_CANCELLED. */
byol_status byol__logistic_fit(byol__logistic *l, double *weights, byol_progress progress,
                               void *context, uint64_t done, uint64_t total, byol_error *error);

/* The likeliest class of each row of `rows`; of equals, the first. `logits` (rows, l->outputs) is
 * room to work in. */
void byol__logistic_predict(const byol__logistic *l, const double *weights,
                            const byol__sparse *rows, double *logits, int32_t *predicted);

#endif
