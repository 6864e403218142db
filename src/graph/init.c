/* Initial values of parameters and BN statistics. */
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "graph/graph.h"

/* Normal, redrawn beyond two standard deviations. The result's standard deviation is 0.8796 of the
 * normal's. The authors' code (haiku's TruncatedNormal) does not correct for that, nor do we. */
static float truncated_normal(byol__random *random) {
    float x;
    do x = byol__random_normal(random);
    while (fabsf(x) > 2.0f);
    return x;
}

static void init_row(const byol__param *row, byol__random random, float *dst) {
    switch (row->init) {
    case BYOL__INIT_ZERO: break;
    case BYOL__INIT_ONE:
        for (size_t i = 0; i < row->count; i++) dst[i] = 1.0f;
        break;
    case BYOL__INIT_KAIMING_FAN_OUT: { /* He et al., "Delving deep into rectifiers" (2015), eq. 14;
                                        * torchvision's choice
                                        */
        float std = sqrtf(2.0f / (float)row->fan_out);
        for (size_t i = 0; i < row->count; i++) dst[i] = std * byol__random_normal(&random);
        break;
    }
    case BYOL__INIT_TRUNCATED_FAN_IN: {
        float std = 1.0f / sqrtf((float)row->fan_in);
        for (size_t i = 0; i < row->count; i++) dst[i] = std * truncated_normal(&random);
        break;
    }
    case BYOL__INIT_NORMAL_SMALL: /* BERT's (arXiv 1810.04805) */
        for (size_t i = 0; i < row->count; i++) dst[i] = 0.02f * byol__random_normal(&random);
        break;
    }
}

void byol__params_init(const byol__table *table, uint64_t seed, float *arena) {
    memset(arena, 0, table->total * sizeof *arena);
    for (int i = 0; i < table->count; i++)
        init_row(&table->rows[i], byol__random_stream(seed, BYOL__PURPOSE_INIT, 0, (uint32_t)i, 0),
                 arena + table->rows[i].offset);
}
