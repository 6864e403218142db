#include "eval/softmax.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

void byol__softmax(float *logits, int classes) {
    float highest = logits[0], sum = 0;
    for (int c = 1; c < classes; c++) highest = fmaxf(highest, logits[c]);
    for (int c = 0; c < classes; c++) {
        /* Never overflows. The highest gives 1, so the sum is never 0. */
        logits[c] = expf(logits[c] - highest);
        sum += logits[c];
    }
    for (int c = 0; c < classes; c++) logits[c] /= sum;
}

void byol__softmax_gradient(float *logits, int classes, int32_t label) {
    byol__softmax(logits, classes);
    logits[label] -= 1;
}

static double negative_log_softmax(const float *logits, int classes, int32_t label) {
    double highest = (double)logits[0], sum = 0;
    for (int c = 1; c < classes; c++) highest = fmax(highest, (double)logits[c]);
    for (int c = 0; c < classes; c++) sum += exp((double)logits[c] - highest);
    return log(sum) + (highest - (double)logits[label]);
}

double byol__cross_entropy(const float *logits, const int32_t *labels, int batch, int classes,
                           float *diff) {
    double loss = 0;
    for (int n = 0; n < batch; n++) {
        size_t row = (size_t)n * (size_t)classes;
        loss += negative_log_softmax(logits + row, classes, labels[n]);
        if (diff == NULL) continue;
        memcpy(diff + row, logits + row, (size_t)classes * sizeof *diff);
        byol__softmax_gradient(diff + row, classes, labels[n]);
        for (int c = 0; c < classes; c++) diff[row + (size_t)c] /= (float)batch;
    }
    return loss / batch;
}

int32_t byol__highest_logit(const float *logits, int classes) {
    int32_t best = 0;
    for (int32_t c = 1; c < classes; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}
