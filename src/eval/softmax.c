#include "eval/softmax.h"

#include <math.h>

void byol__softmax_gradient(float *logits, int classes, int32_t label) {
    float highest = logits[0], sum = 0;
    for (int c = 1; c < classes; c++) highest = fmaxf(highest, logits[c]);
    for (int c = 0; c < classes; c++) {
        logits[c] = expf(logits[c] - highest); /* never overflows; the highest gives 1, so the sum is never 0 */
        sum += logits[c];
    }
    for (int c = 0; c < classes; c++) logits[c] /= sum;
    logits[label] -= 1;
}
