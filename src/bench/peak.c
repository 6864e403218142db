#include "bench/peak.h"

#include <omp.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "dnn/dnn.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Each runs `rounds` rounds of CHAINS independent multiply-adds, enough to hide the latency of one
 * (4 to 5 cycles, two a cycle). Every round needs the last one's result, so the compiler cannot
 * fold them. */
enum { CHAINS = 12, ROUNDS = 1 << 20 };

typedef float (*fma_loop)(int rounds);

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bf16"))) static float dot_bf16(int rounds) {
    const __m512i ones = _mm512_set1_epi32(0x3f803f80); /* 32 times 1 */
    __m512 a[CHAINS];
    for (int i = 0; i < CHAINS; i++) a[i] = _mm512_set1_ps((float)i);
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++)
            a[i] = _mm512_dpbf16_ps(a[i], (__m512bh)ones, (__m512bh)ones);
    for (int i = 1; i < CHAINS; i++) a[0] = _mm512_add_ps(a[0], a[i]);
    return _mm512_cvtss_f32(a[0]);
}

__attribute__((target("avx512f"))) static float fma_avx512(int rounds) {
    __m512 a[CHAINS], x = _mm512_set1_ps(0.9999f), y = _mm512_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++) a[i] = _mm512_set1_ps((float)i);
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) a[i] = _mm512_fmadd_ps(a[i], x, y);
    for (int i = 1; i < CHAINS; i++) a[0] = _mm512_add_ps(a[0], a[i]);
    return _mm512_cvtss_f32(a[0]);
}

__attribute__((target("avx2,fma"))) static float fma_avx2(int rounds) {
    __m256 a[CHAINS], x = _mm256_set1_ps(0.9999f), y = _mm256_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++) a[i] = _mm256_set1_ps((float)i);
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) a[i] = _mm256_fmadd_ps(a[i], x, y);
    for (int i = 1; i < CHAINS; i++) a[0] = _mm256_add_ps(a[0], a[i]);
    return _mm256_cvtss_f32(a[0]);
}
#endif

typedef float lanes __attribute__((vector_size(16)));

static float fma_baseline(int rounds) {
    lanes a[CHAINS], x = {0.9999f, 0.9999f, 0.9999f, 0.9999f}, y = {0.5f, 0.5f, 0.5f, 0.5f};
    for (int i = 0; i < CHAINS; i++) a[i] = (lanes){(float)i, 0, 0, 0};
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + y;
    for (int i = 1; i < CHAINS; i++) a[0] += a[i];
    return a[0][0];
}

/* A loop, and the multiply-adds of one of its instructions. */
typedef struct kind {
    const char *instructions;
    fma_loop loop;
    int wide;
} kind;

static kind choose(int bf16) {
#if defined(__x86_64__)
    if (bf16 && byol__cpu_has_bf16()) return (kind){"avx512bf16", dot_bf16, 32};
    if (__builtin_cpu_supports("avx512f")) return (kind){"avx512f", fma_avx512, 16};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (kind){"avx2", fma_avx2, 8};
#else
    (void)bf16;
#endif
    return (kind){"baseline", fma_baseline, 4};
}

double byol__fma_gflops(int threads, int bf16, double seconds, const char **instructions) {
    const kind chosen = choose(bf16);
    *instructions = chosen.instructions;
    double calls = 0, begin = byol__now();
    volatile float sink = 0; /* keeps the compiler from dropping the results */
#pragma omp parallel num_threads(threads) reduction(+ : calls)
    {
        float sum = 0;
        while (byol__now() - begin < seconds) {
            sum += chosen.loop(ROUNDS);
            calls++;
        }
#pragma omp critical(byol_fma_sink)
        sink += sum;
    }
    return calls * ROUNDS * CHAINS * chosen.wide * 2 / (byol__now() - begin) * 1e-9;
}

/* ---- memory ---- */

enum { TRIAD_FLOATS = 1 << 24 }; /* for each of three arrays: 64 MiB */

/* Returns the seconds that one pass took. */
static double triad(int threads, float *a, const float *b, const float *c) {
    double begin = byol__now();
#pragma omp parallel for simd schedule(static) num_threads(threads)
    for (int i = 0; i < TRIAD_FLOATS; i++) a[i] = b[i] + 3 * c[i];
    return byol__now() - begin;
}

byol_status byol__triad_gbytes(int threads, double seconds, double *gbytes, byol_error *error) {
    float *arrays;
    BYOL__TRY(byol__alloc(&arrays, 3 * (size_t)TRIAD_FLOATS, sizeof *arrays,
                          "arrays of the benchmark", error));
    float *a = arrays, *b = a + TRIAD_FLOATS, *c = b + TRIAD_FLOATS;
    double begin = byol__now(), best = triad(threads, a, b, c);
    do {
        double taken = triad(threads, a, b, c);
        if (taken < best) best = taken;
    } while (byol__now() - begin < seconds);
    byol__free(arrays);
    *gbytes = 3.0 * TRIAD_FLOATS * sizeof(float) / best * 1e-9;
    return BYOL_OK;
}
