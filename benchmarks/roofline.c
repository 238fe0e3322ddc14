// The best this core does: clock frequency, int8, int16 and float32 multiply-accumulates per second, as JSON.
//
// int16: the widest of vpdpwssd (2 products added to 32 bits in one instruction) and vpmaddwd + vpaddd.
// int8: the widest of vpdpbusd (4 products) and vpmaddubsw + vpmaddwd + vpaddd.
// Independent accumulators hide the latency; the operands stay in registers.
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

enum { ACCUMULATORS = 12, ROUNDS = 4000000 };

// Seconds of this process alone, so that other work on the machine counts less.
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

#if defined(__AVX512BW__)
typedef __m512i integers;
typedef __m512 floats;
#if defined(__AVX512VNNI__)
#define INSTRUCTION "vpdpwssd, 512 bits"
#define MULTIPLY_ADD(a, x, w) _mm512_dpwssd_epi32(a, x, w)
#define INSTRUCTION_8 "vpdpbusd, 512 bits"
#define MULTIPLY_ADD_8(a, x, w) _mm512_dpbusd_epi32(a, x, w)
#else
#define INSTRUCTION "vpmaddwd + vpaddd, 512 bits"
#define MULTIPLY_ADD(a, x, w) _mm512_add_epi32(a, _mm512_madd_epi16(x, w))
#define INSTRUCTION_8 "vpmaddubsw + vpmaddwd + vpaddd, 512 bits"
#define MULTIPLY_ADD_8(a, x, w) \
    _mm512_add_epi32(a, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)))
#endif
#define FUSED(a, x, w) _mm512_fmadd_ps(a, x, w)
#elif defined(__AVX2__)
typedef __m256i integers;
typedef __m256 floats;
#define INSTRUCTION "vpmaddwd + vpaddd, 256 bits"
#define MULTIPLY_ADD(a, x, w) _mm256_add_epi32(a, _mm256_madd_epi16(x, w))
#if defined(__AVXVNNI__)
#define INSTRUCTION_8 "vpdpbusd, 256 bits"
#define MULTIPLY_ADD_8(a, x, w) _mm256_dpbusd_avx_epi32(a, x, w)
#else
#define INSTRUCTION_8 "vpmaddubsw + vpmaddwd + vpaddd, 256 bits"
#define MULTIPLY_ADD_8(a, x, w) \
    _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)))
#endif
#define FUSED(a, x, w) _mm256_fmadd_ps(a, x, w)
#else
typedef __m128i integers;
typedef __m128 floats;
#define INSTRUCTION "pmaddwd + paddd, 128 bits"
#define MULTIPLY_ADD(a, x, w) _mm_add_epi32(a, _mm_madd_epi16(x, w))
// SSE2 has no products of bytes: as int16.
#define INSTRUCTION_8 INSTRUCTION
#define MULTIPLY_ADD_8(a, x, w) MULTIPLY_ADD(a, x, w)
#define BYTES_OF_PRODUCT 2
#define FUSED(a, x, w) _mm_add_ps(a, _mm_mul_ps(x, w))
#endif

#ifndef BYTES_OF_PRODUCT
#define BYTES_OF_PRODUCT 1
#endif

#define INTEGER_RATE(name, operation, bytes)                                        \
    static double name(void) {                                                      \
        integers acc[ACCUMULATORS] = {0}, x = {0}, w = {0};                         \
        __asm__ volatile("" : "+v"(x), "+v"(w));                                    \
        const double start = now();                                                 \
        for (long i = 0; i < ROUNDS; i++) {                                         \
            _Pragma("GCC unroll 12") for (int k = 0; k < ACCUMULATORS; k++) {       \
                acc[k] = operation(acc[k], x, w);                                   \
                __asm__ volatile("" : "+v"(acc[k]), "+v"(x)); /* nothing is computed ahead */ \
            }                                                                       \
        }                                                                           \
        return (double)ROUNDS * ACCUMULATORS * sizeof(integers) / (bytes) / (now() - start); \
    }
INTEGER_RATE(int16_rate, MULTIPLY_ADD, 2)
INTEGER_RATE(int8_rate, MULTIPLY_ADD_8, BYTES_OF_PRODUCT)

static double float_rate(void) {
    floats acc[ACCUMULATORS] = {0}, x = {0}, w = {0};
    __asm__ volatile("" : "+v"(x), "+v"(w));
    const double start = now();
    for (long i = 0; i < ROUNDS; i++) {
#pragma GCC unroll 12
        for (int k = 0; k < ACCUMULATORS; k++) {
            acc[k] = FUSED(acc[k], x, w);
            __asm__ volatile("" : "+v"(acc[k]));
        }
    }
    return (double)ROUNDS * ACCUMULATORS * sizeof(floats) / 4 / (now() - start);
}

// Dependent additions: one a cycle.
static double frequency(void) {
    const long rounds = 20000000;
    unsigned long v = 1;
    const double start = now();
    for (long i = 0; i < rounds; i++)
        __asm__ volatile(
            "add %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0"
            : "+r"(v));
    return 8.0 * rounds / (now() - start);
}

static double best(double (*rate)(void)) {
    double found = 0;
    for (int i = 0; i < 5; i++) {
        const double r = rate();
        if (r > found) found = r;
    }
    return found;
}

int main(void) {
    printf("{\"instruction\": \"%s\", \"instruction_8\": \"%s\", \"gigahertz\": %.4f, ", INSTRUCTION, INSTRUCTION_8,
           best(frequency) / 1e9);
    printf("\"int8\": %.6g, \"int16\": %.6g, \"float\": %.6g}\n", best(int8_rate), best(int16_rate), best(float_rate));
    return 0;
}
