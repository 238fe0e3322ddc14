// Vectors of samples: one variable of a kernel carries the same element of HLSGEN_LANES inputs.
//
// The values live in the narrowest native integer that holds them, so that g++ turns every
// operation of a kernel into SIMD. Nothing here knows about fixed point.
#ifndef HLSGEN_LANES_H
#define HLSGEN_LANES_H

#include <stdint.h>

// Lanes fill exactly one register of 32-bit integers; wider vectors fall to a fraction of the speed.
#ifndef HLSGEN_LANES
#if defined(__AVX512F__)
#define HLSGEN_LANES 16
#elif defined(__AVX2__)
#define HLSGEN_LANES 8
#else
#define HLSGEN_LANES 4
#endif
#endif

// Vectors are passed by value between inlined functions only; their ABI never matters.
#pragma GCC diagnostic ignored "-Wpsabi"

#define HLSGEN_INLINE inline __attribute__((always_inline))

#include <hlsgen/simd.h>

namespace hlsgen {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

namespace lanes {

constexpr int count = HLSGEN_LANES;
static_assert(count >= 2 && (count & (count - 1)) == 0, "HLSGEN_LANES must be a power of two above one");

template <int Bits, bool Signed> struct element;
template <> struct element<16, true> { typedef int16_t type; };
template <> struct element<16, false> { typedef uint16_t type; };
template <> struct element<32, true> { typedef int32_t type; };
template <> struct element<32, false> { typedef uint32_t type; };
template <> struct element<64, true> { typedef int64_t type; };
template <> struct element<64, false> { typedef uint64_t type; };
template <> struct element<128, true> { typedef int128 type; };
template <> struct element<128, false> { typedef uint128 type; };

// Bits of the narrowest native integer that holds `width` bits.
constexpr int native_bits(int width) { return width <= 16 ? 16 : width <= 32 ? 32 : width <= 64 ? 64 : 128; }

// The native integer of a value: signed unless an unsigned value needs its top bit.
template <int Width, bool Signed> struct native {
    static_assert(Width >= 1 && Width <= 128,
                  "hlsgen emulation: an intermediate value needs more than 128 bits; "
                  "use narrower types (or a finer step nearer to the other operand's)");
    static const int bits = native_bits(Width);
    static const bool is_signed = Signed || Width < bits;
    typedef typename element<(Width <= 128 ? bits : 128), is_signed>::type type;
};

template <class E> struct vector_of { typedef E type __attribute__((vector_size(sizeof(E) * count))); };
template <class E> using vec = typename vector_of<E>::type;

template <class A, class B> struct same { static const bool value = false; };
template <class A> struct same<A, A> { static const bool value = true; };

template <class E> HLSGEN_INLINE vec<E> broadcast(E value) { return vec<E>{} + value; }

// Every lane converted as a C cast does: sign or zero extension, or truncation.
template <class To, class From> HLSGEN_INLINE vec<To> convert(vec<From> v) {
    if constexpr (same<To, From>::value) {
        return v;
    } else if constexpr (sizeof(To) == sizeof(From)) {
        return (vec<To>)v;
#if HLSGEN_SIMD >= 32
    } else if constexpr (same<From, int16_t>::value && sizeof(To) == 4) {
        return (vec<To>)simd::widen_signed((simd::i16_half)v);
    } else if constexpr (same<From, uint16_t>::value && sizeof(To) == 4) {
        return (vec<To>)simd::widen_unsigned((simd::i16_half)v);
#endif
#if HLSGEN_SIMD == 64
    } else if constexpr (sizeof(From) == 4 && sizeof(To) == 2) {
        return (vec<To>)simd::narrow((simd::i32)v);
#endif
    } else if constexpr (sizeof(To) > 2 * sizeof(From) || sizeof(From) > 2 * sizeof(To)) {
        // g++ takes long jumps lane by lane: one step at a time.
        constexpr bool is_signed = From(-1) < From(0);
        constexpr int step = sizeof(To) > sizeof(From) ? 16 * sizeof(From) : 4 * sizeof(From);
        typedef typename element<step, is_signed>::type between;
        return convert<To, between>(convert<between, From>(v));
    } else {
        return __builtin_convertvector(v, vec<To>);
    }
}

// The bits of all lanes in words of 64, the first lanes lowest in the first.
template <int Bytes> struct words_of { typedef uint64_t type __attribute__((vector_size(Bytes))); };
template <class V> HLSGEN_INLINE typename words_of<sizeof(V)>::type in_words(V v) {
    return (typename words_of<sizeof(V)>::type)v;
}

// The lanes of two vectors, one behind the other (g++ 11 cannot).
#if __has_builtin(__builtin_shufflevector)
#define HLSGEN_JOINS 1
template <class Half> HLSGEN_INLINE auto joined(Half a, Half b) {
    constexpr int each = sizeof(Half) / sizeof(a[0]);
    if constexpr (each == 2) return __builtin_shufflevector(a, b, 0, 1, 2, 3);
    else if constexpr (each == 4) return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
    else return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
#endif

template <class E> HLSGEN_INLINE vec<E> minimum(vec<E> a, vec<E> b) { return a < b ? a : b; }
template <class E> HLSGEN_INLINE vec<E> maximum(vec<E> a, vec<E> b) { return a < b ? b : a; }

// The answer of a comparison: all ones or zero in every lane.
template <int Bits> struct mask {
    typedef typename element<Bits, true>::type word;
    vec<word> V;
};

template <int Bits, int From> HLSGEN_INLINE mask<Bits> resize(mask<From> m) {
    return mask<Bits>{convert<typename mask<Bits>::word, typename mask<From>::word>(m.V)};
}

template <int A, int B> HLSGEN_INLINE mask<(A > B ? A : B)> operator&&(mask<A> a, mask<B> b) {
    return mask<(A > B ? A : B)>{resize<(A > B ? A : B)>(a).V & resize<(A > B ? A : B)>(b).V};
}
template <int A, int B> HLSGEN_INLINE mask<(A > B ? A : B)> operator||(mask<A> a, mask<B> b) {
    return mask<(A > B ? A : B)>{resize<(A > B ? A : B)>(a).V | resize<(A > B ? A : B)>(b).V};
}
template <int A> HLSGEN_INLINE mask<A> operator!(mask<A> a) { return mask<A>{~a.V}; }

}  // namespace lanes
}  // namespace hlsgen

#endif
