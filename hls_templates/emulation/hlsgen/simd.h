// The few machine instructions that g++ does not find by itself.
//
// Each is a function on GCC vectors, defined only where HLSGEN_LANES fills the registers in
// question. <immintrin.h> costs half of a design's compile time, so GCC's builtins serve where they
// exist and the header is the fallback.
#ifndef HLSGEN_SIMD_H
#define HLSGEN_SIMD_H

#include <stdint.h>

#ifndef __has_builtin
#define __has_builtin(x) 0
#endif

namespace hlsgen {
namespace simd {

template <int Bytes> struct bytes {
    typedef int16_t i16 __attribute__((vector_size(Bytes)));
    typedef int32_t i32 __attribute__((vector_size(Bytes)));
    typedef int64_t i64 __attribute__((vector_size(Bytes)));
};

}  // namespace simd
}  // namespace hlsgen

#if defined(__AVX512F__) && defined(__AVX512BW__) && HLSGEN_LANES == 16
#define HLSGEN_SIMD 64
#elif defined(__AVX2__) && HLSGEN_LANES == 8
#define HLSGEN_SIMD 32
#elif defined(__SSE2__) && HLSGEN_LANES == 4
#define HLSGEN_SIMD 16
#else
#define HLSGEN_SIMD 0
#endif

// Whether there is an instruction for products of bytes (without saturation between them, so not vpmaddubsw).
#if HLSGEN_SIMD == 64 && defined(__AVX512VNNI__)
#define HLSGEN_BYTE_DOT 1
#elif HLSGEN_SIMD == 32 && (defined(__AVXVNNI__) || (defined(__AVX512VNNI__) && defined(__AVX512VL__)))
#define HLSGEN_BYTE_DOT 1
#else
#define HLSGEN_BYTE_DOT 0
#endif

#if HLSGEN_SIMD == 64
#if __has_builtin(__builtin_ia32_pmovsxwd512_mask) && __has_builtin(__builtin_ia32_pmovzxwd512_mask) && \
    __has_builtin(__builtin_ia32_pmovdw512_mask) && __has_builtin(__builtin_ia32_pmuldq512_mask) &&     \
    __has_builtin(__builtin_ia32_pmaddwd512_mask) && __has_builtin(__builtin_ia32_vpdpwssd_v16si) &&    \
    __has_builtin(__builtin_ia32_vpdpbusd_v16si) && __has_builtin(__builtin_ia32_pmovsxdq512_mask) &&   \
    defined(__GNUC__) && !defined(__clang__)
#define HLSGEN_BUILTIN 1
#endif
#elif HLSGEN_SIMD == 32
#if __has_builtin(__builtin_ia32_pmovsxwd256) && __has_builtin(__builtin_ia32_pmovzxwd256) &&           \
    __has_builtin(__builtin_ia32_pmuldq256) && __has_builtin(__builtin_ia32_pmaddwd256) &&              \
    __has_builtin(__builtin_ia32_vpdpwssd_v8si) && __has_builtin(__builtin_ia32_vpdpbusd_v8si) &&         \
    __has_builtin(__builtin_ia32_pmovsxdq256) && defined(__GNUC__) && !defined(__clang__)
#define HLSGEN_BUILTIN 1
#endif
#elif HLSGEN_SIMD == 16
#if __has_builtin(__builtin_ia32_pmaddwd128) && defined(__GNUC__) && !defined(__clang__)
#define HLSGEN_BUILTIN 1
#endif
#endif

#if HLSGEN_SIMD && !defined(HLSGEN_BUILTIN)
#include <immintrin.h>
#endif

namespace hlsgen {
namespace simd {

#define HLSGEN_OP static inline __attribute__((always_inline))

#if HLSGEN_SIMD
typedef bytes<HLSGEN_SIMD>::i16 i16;  // two per lane
typedef bytes<HLSGEN_SIMD>::i32 i32;  // one per lane
typedef bytes<HLSGEN_SIMD>::i64 i64;  // half of the lanes
typedef bytes<HLSGEN_SIMD / 2 >= 16 ? HLSGEN_SIMD / 2 : 16>::i16 i16_half;
typedef bytes<HLSGEN_SIMD / 2 >= 16 ? HLSGEN_SIMD / 2 : 16>::i32 i32_half;
#endif

// widen: int16 lanes to int32, with sign or with zeros; widen_long: int32 lanes to int64; narrow: the low halves of int32 lanes;
// multiply_low: int64 lanes, products of their low halves, signed;
// dot: acc + the products of both int16 halves of every int32 lane;
// byte_dot: acc + the products of the four bytes of every lane, those of a unsigned, those of b signed.
#if HLSGEN_SIMD == 64 && defined(HLSGEN_BUILTIN)
HLSGEN_OP i32 widen_signed(i16_half v) { return (i32)__builtin_ia32_pmovsxwd512_mask(v, i32{}, 0xffff); }
HLSGEN_OP i32 widen_unsigned(i16_half v) { return (i32)__builtin_ia32_pmovzxwd512_mask(v, i32{}, 0xffff); }
HLSGEN_OP i16_half narrow(i32 v) { return (i16_half)__builtin_ia32_pmovdw512_mask(v, i16_half{}, 0xffff); }
typedef long long llong __attribute__((vector_size(64)));
HLSGEN_OP i64 widen_long(i32_half v) { return (i64)__builtin_ia32_pmovsxdq512_mask(v, llong{}, 0xff); }
HLSGEN_OP i64 multiply_low(i64 a, i64 b) { return (i64)__builtin_ia32_pmuldq512_mask((i32)a, (i32)b, llong{}, 0xff); }
HLSGEN_OP i32 dot(i32 acc, i32 a, i32 b) {
#if defined(__AVX512VNNI__)
    return (i32)__builtin_ia32_vpdpwssd_v16si(acc, a, b);
#else
    return acc + (i32)__builtin_ia32_pmaddwd512_mask((i16)a, (i16)b, i32{}, 0xffff);
#endif
}
#if HLSGEN_BYTE_DOT
HLSGEN_OP i32 byte_dot(i32 acc, i32 a, i32 b) { return (i32)__builtin_ia32_vpdpbusd_v16si(acc, a, b); }
#endif
#elif HLSGEN_SIMD == 64
HLSGEN_OP i32 widen_signed(i16_half v) { return (i32)_mm512_maskz_cvtepi16_epi32(0xffff, (__m256i)v); }
HLSGEN_OP i32 widen_unsigned(i16_half v) { return (i32)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)v); }
HLSGEN_OP i16_half narrow(i32 v) { return (i16_half)_mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)v); }
HLSGEN_OP i64 widen_long(i32_half v) { return (i64)_mm512_maskz_cvtepi32_epi64(0xff, (__m256i)v); }
HLSGEN_OP i64 multiply_low(i64 a, i64 b) { return (i64)_mm512_maskz_mul_epi32(0xff, (__m512i)a, (__m512i)b); }
HLSGEN_OP i32 dot(i32 acc, i32 a, i32 b) {
#if defined(__AVX512VNNI__)
    return (i32)_mm512_dpwssd_epi32((__m512i)acc, (__m512i)a, (__m512i)b);
#else
    return acc + (i32)_mm512_maskz_madd_epi16(0xffff, (__m512i)a, (__m512i)b);
#endif
}
#if HLSGEN_BYTE_DOT
HLSGEN_OP i32 byte_dot(i32 acc, i32 a, i32 b) { return (i32)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)a, (__m512i)b); }
#endif
#elif HLSGEN_SIMD == 32 && defined(HLSGEN_BUILTIN)
HLSGEN_OP i32 widen_signed(i16_half v) { return (i32)__builtin_ia32_pmovsxwd256(v); }
HLSGEN_OP i32 widen_unsigned(i16_half v) { return (i32)__builtin_ia32_pmovzxwd256(v); }
HLSGEN_OP i64 widen_long(i32_half v) { return (i64)__builtin_ia32_pmovsxdq256(v); }
HLSGEN_OP i64 multiply_low(i64 a, i64 b) { return (i64)__builtin_ia32_pmuldq256((i32)a, (i32)b); }
HLSGEN_OP i32 dot(i32 acc, i32 a, i32 b) {
#if defined(__AVXVNNI__) || (defined(__AVX512VNNI__) && defined(__AVX512VL__))
    return (i32)__builtin_ia32_vpdpwssd_v8si(acc, a, b);
#else
    return acc + (i32)__builtin_ia32_pmaddwd256((i16)a, (i16)b);
#endif
}
#if HLSGEN_BYTE_DOT
HLSGEN_OP i32 byte_dot(i32 acc, i32 a, i32 b) { return (i32)__builtin_ia32_vpdpbusd_v8si(acc, a, b); }
#endif
#elif HLSGEN_SIMD == 32
HLSGEN_OP i32 widen_signed(i16_half v) { return (i32)_mm256_cvtepi16_epi32((__m128i)v); }
HLSGEN_OP i32 widen_unsigned(i16_half v) { return (i32)_mm256_cvtepu16_epi32((__m128i)v); }
HLSGEN_OP i64 widen_long(i32_half v) { return (i64)_mm256_cvtepi32_epi64((__m128i)v); }
HLSGEN_OP i64 multiply_low(i64 a, i64 b) { return (i64)_mm256_mul_epi32((__m256i)a, (__m256i)b); }
HLSGEN_OP i32 dot(i32 acc, i32 a, i32 b) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return (i32)_mm256_dpwssd_epi32((__m256i)acc, (__m256i)a, (__m256i)b);
#elif defined(__AVXVNNI__)
    return (i32)_mm256_dpwssd_avx_epi32((__m256i)acc, (__m256i)a, (__m256i)b);
#else
    return acc + (i32)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#endif
}
#if HLSGEN_BYTE_DOT
HLSGEN_OP i32 byte_dot(i32 acc, i32 a, i32 b) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return (i32)_mm256_dpbusd_epi32((__m256i)acc, (__m256i)a, (__m256i)b);
#else
    return (i32)_mm256_dpbusd_avx_epi32((__m256i)acc, (__m256i)a, (__m256i)b);
#endif
}
#endif
#elif HLSGEN_SIMD == 16 && defined(HLSGEN_BUILTIN)
HLSGEN_OP i32 dot(i32 acc, i32 a, i32 b) { return acc + (i32)__builtin_ia32_pmaddwd128((i16)a, (i16)b); }
#elif HLSGEN_SIMD == 16
HLSGEN_OP i32 dot(i32 acc, i32 a, i32 b) { return acc + (i32)_mm_madd_epi16((__m128i)a, (__m128i)b); }
#endif

// The least of eight unsigned words.
typedef uint16_t words8 __attribute__((vector_size(16), may_alias));
#if defined(__SSE4_1__) && __has_builtin(__builtin_ia32_phminposuw128) && !defined(__clang__)
typedef short shorts8 __attribute__((vector_size(16)));
HLSGEN_OP uint16_t least(words8 v) { return uint16_t(__builtin_ia32_phminposuw128((shorts8)v)[0]); }
#else
HLSGEN_OP uint16_t least(words8 v) {
    uint16_t result = v[0];
    for (int i = 1; i < 8; i++) result = v[i] < result ? v[i] : result;
    return result;
}
#endif

#undef HLSGEN_OP

}  // namespace simd
}  // namespace hlsgen

#endif
