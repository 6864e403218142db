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

/* Of channels in four equal parts: sine and cosine of the column at falling frequencies, then of
 * the row (Chen, Xie, He, "An empirical study of training self-supervised vision transformers"
 * (2021), section 5). A place more than there are patches is the class token's, 0, and comes
 * first. */
static void init_sines(const byol__param *row, float *dst) {
    int patches = row->rows * row->columns, channels = row->dims[2], part = channels / 4;
    float *place = dst + (size_t)(row->dims[1] - patches) * (size_t)channels;
    for (int i = 0; i < patches; i++, place += channels) {
        for (int c = 0; c < part; c++) {
            float frequency = powf(10000.0f, -(float)c / (float)part);
            float x = (float)(i % row->columns) * frequency;
            float y = (float)(i / row->columns) * frequency;
            place[c] = sinf(x);
            place[part + c] = cosf(x);
            place[2 * part + c] = sinf(y);
            place[3 * part + c] = cosf(y);
        }
    }
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
    case BYOL__INIT_NORMAL: {
        float std = row->deviation > 0 ? row->deviation : 0.02f;
        for (size_t i = 0; i < row->count; i++) dst[i] = std * byol__random_normal(&random);
        break;
    }
    case BYOL__INIT_SINES: init_sines(row, dst); break;
    }
}

void byol__params_init(const byol__table *table, uint64_t seed, float *arena) {
    memset(arena, 0, table->total * sizeof *arena);
    for (int i = 0; i < table->count; i++)
        init_row(&table->rows[i], byol__random_stream(seed, BYOL__PURPOSE_INIT, 0, (uint32_t)i, 0),
                 arena + table->rows[i].offset);
}
