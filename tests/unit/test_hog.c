/* Histograms of oriented gradients: what they must say of pictures that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "byol/eval.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, DIMENSION = 7 * 7 * 36, BLOCK = 36, BINS = 9 };

static float image[3 * PLANE], features[DIMENSION];

static void has_the_published_size(void **state) {
    (void)state;
    assert_int_equal(byol_hog_dimension(32), 1764);
    assert_int_equal(byol_hog_dimension(96), 4356);
    assert_int_equal(byol_hog_dimension(28), 6 * 6 * 36);
    assert_int_equal(byol_hog_dimension(8), 36);
    assert_int_equal(byol_hog_dimension(7), 0);
    assert_int_equal(byol_hog_dimension(2000), 0);
}

/* A ramp along an angle votes for that angle alone, shared by the two bins around it. */
static void a_ramp_votes_for_its_direction(void **state) {
    (void)state;
    for (int degrees = 0; degrees < 360; degrees += 15) {
        double angle = degrees * M_PI / 180, place = fmod(degrees / 20.0, BINS);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                image[y * SIDE + x] = (float)(cos(angle) * x + sin(angle) * y);
        byol_hog(image, 1, SIDE, features);
        const float *middle = features + 24 * BLOCK; /* of the 7 x 7 blocks */
        int first = (int)(place + 1e-6) % BINS, second = (first + 1) % BINS;
        for (int i = 0; i < BLOCK; i++) {
            int bin = i % BINS;
            if (bin != first && bin != second) assert_true(fabs((double)middle[i]) < 1e-3);
        }
        assert_true(middle[first] + middle[second] > 0.3f);
        if (degrees % 20 == 0) assert_true(middle[first] > 0.49f); /* four cells alike: each 1/2 */
    }
}

static void an_even_picture_has_none(void **state) {
    (void)state;
    for (int i = 0; i < PLANE; i++) image[i] = 0.7f;
    byol_hog(image, 1, SIDE, features);
    for (int i = 0; i < DIMENSION; i++) assert_true(features[i] == 0);
}

static void blocks_have_length_one_whatever_the_contrast(void **state) {
    (void)state;
    float weak[DIMENSION];
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < 3 * PLANE; i++) image[i] = byol__random_normal(&random);
    byol_hog(image, 3, SIDE, features);
    for (int b = 0; b < DIMENSION / BLOCK; b++) {
        double square = 0;
        for (int i = 0; i < BLOCK; i++)
            square += (double)features[b * BLOCK + i] * (double)features[b * BLOCK + i];
        assert_true(fabs(square - 1) < 1e-4);
    }
    for (int i = 0; i < 3 * PLANE; i++) image[i] = 0.25f * image[i] + 3;
    byol_hog(image, 3, SIDE, weak);
    for (int i = 0; i < DIMENSION; i++) assert_true(fabs((double)(weak[i] - features[i])) < 1e-4);
}

/* Of a picture in colours the steepest channel counts, at each pixel. */
static void the_steepest_channel_counts(void **state) {
    (void)state;
    float gray[DIMENSION];
    memset(image, 0, sizeof image);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            image[PLANE + y * SIDE + x] = (float)(x * x);
            image[2 * PLANE + y * SIDE + x] = 0.5f * (float)(y * y) / SIDE;
        }
    byol_hog(image, 3, SIDE, features);
    byol_hog(image + PLANE, 1, SIDE, gray);
    /* right of the first column of cells, x^2 is steeper everywhere */
    for (int row = 0; row < 7; row++)
        assert_memory_equal(features + (row * 7 + 1) * BLOCK, gray + (row * 7 + 1) * BLOCK,
                            6 * BLOCK * sizeof *gray);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_published_size),
        cmocka_unit_test(a_ramp_votes_for_its_direction),
        cmocka_unit_test(an_even_picture_has_none),
        cmocka_unit_test(blocks_have_length_one_whatever_the_contrast),
        cmocka_unit_test(the_steepest_channel_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
