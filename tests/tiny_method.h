/* A method with tiny.h's configuration, and views of noise as its input; after cmocka.h. */
#ifndef TEST_TINY_METHOD_H
#define TEST_TINY_METHOD_H

#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "tiny.h"
#include "train/method.h"

enum { VIEW = TINY_BATCH * TINY_CHANNELS * TINY_SIDE * TINY_SIDE };

enum { NOISE_VIEWS = 4 };

static float noise[NOISE_VIEWS][VIEW];

static inline int make_noise(void **state) {
    (void)state;
    for (uint32_t v = 0; v < NOISE_VIEWS; v++) {
        byol__random random = byol__random_stream(3, BYOL__PURPOSE_BENCH, 0, v, 0);
        for (int i = 0; i < VIEW; i++) noise[v][i] = byol__random_normal(&random);
    }
    return 0;
}

static inline byol__method *create(const byol_config *config) {
    byol__method *method = NULL;
    byol_error error = {0};
    if (byol_config_check(config, &error) != BYOL_OK) fail_msg("%s", error.text);
    if (byol__method_create(&method, config, TINY_CHANNELS, &byol__comm_alone, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return method;
}

static inline float *copy(const float *values, size_t count) {
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    memcpy(out, values, count * sizeof *out);
    return out;
}

#endif
