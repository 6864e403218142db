#include "bench/peak.h"

#include <omp.h>

#include "base/clock.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Each runs `rounds` rounds of CHAINS independent multiply-adds: enough of them to hide the latency of one (4 to 5
 * cycles, two a cycle). Every round needs the last one's result, so the compiler cannot fold them. */
enum { CHAINS = 12, ROUNDS = 1 << 20 };

typedef float (*fma_loop)(int rounds);

#if defined(__x86_64__)
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

static fma_loop choose(int *lanes_wide, const char **instructions) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        *lanes_wide = 16;
        *instructions = "avx512f";
        return fma_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        *lanes_wide = 8;
        *instructions = "avx2";
        return fma_avx2;
    }
#endif
    *lanes_wide = 4;
    *instructions = "baseline";
    return fma_baseline;
}

double byol__fma_gflops(int threads, double seconds, const char **instructions) {
    int wide;
    fma_loop loop = choose(&wide, instructions);
    double calls = 0, begin = byol__now();
    volatile float sink = 0; /* the results must be wanted by somebody */
#pragma omp parallel num_threads(threads) reduction(+ : calls)
    {
        float sum = 0;
        while (byol__now() - begin < seconds) {
            sum += loop(ROUNDS);
            calls++;
        }
#pragma omp critical(byol_fma_sink)
        sink += sum;
    }
    return calls * ROUNDS * CHAINS * wide * 2 / (byol__now() - begin) * 1e-9;
}
