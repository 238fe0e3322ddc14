// The vocabulary of kernels, for emulation; firmware/hlsgen/arith.h says the same for synthesis.
#ifndef HLSGEN_ARITH_H
#define HLSGEN_ARITH_H

#include <ap_fixed.h>

namespace hlsgen {

enum class strategy { latency, resource, unrolled, distributed_arithmetic, ported, loaded };

// What a fixed-point type is.
template <class T> struct traits {
    static const int width = T::width, integer = T::iwidth, frac = T::width - T::iwidth;
    static const bool is_signed = T::is_signed;
};

namespace detail {
template <int Number> struct bits_of { static const int value = 1 + bits_of<Number / 2>::value; };
template <> struct bits_of<1> { static const int value = 1; };
template <> struct bits_of<0> { static const int value = 1; };
}  // namespace detail

// A register that counts from 0 to Limit.
template <int Limit> using counter = int;

// The storage word of one constant: scalar and signed.
template <int W, bool S> using mantissa = typename lanes::native<W + !S, true>::type;

// The constant of a kernel: an array of N words. One of any other size does not compile.
template <class Word, int N> using rom = const Word (&)[N];

// The value whose raw bits are `word`, in every lane.
template <class T, class M> HLSGEN_INLINE T from_mantissa(M word) {
    return T(lanes::broadcast<typename T::word>(typename T::word(word)), 0);
}

// The value whose raw bits are those of `x` from bit Low on, in every lane.
template <class T, int Low, class X> HLSGEN_INLINE T slice(const X& x) {
    static_assert(Low >= 0 && Low + T::width <= X::width, "slice: bits that the value does not have");
    typedef typename T::word word;
    return T(lanes::wrap<T::width, T::is_signed, word>(lanes::convert<word, typename X::word>(x.V >> Low)), 0);
}

// The value whose raw bits are those of `x`, `places` further left, in every lane its own.
template <class T, class X, class N> HLSGEN_INLINE T shifted_left(const X& x, const N& places) {
    typedef typename T::word word;
    return T(lanes::convert<word, typename X::word>(x.V) << lanes::convert<word, typename N::word>(places.V), 0);
}

// x * 2^Places, exactly: the same raw bits, whose binary point is elsewhere.
template <int Places, class X>
HLSGEN_INLINE ap_fixed_base<X::width, X::iwidth + Places, X::is_signed, AP_TRN, AP_WRAP, 0> scaled(const X& x) {
    return ap_fixed_base<X::width, X::iwidth + Places, X::is_signed, AP_TRN, AP_WRAP, 0>(x.V, 0);
}

// `a` where cond holds, else `b`.
template <int Bits, class T> HLSGEN_INLINE T select(lanes::mask<Bits> cond, const T& a, const T& b) {
    const auto m = lanes::resize<8 * sizeof(typename T::word)>(cond);
    return T(m.V ? a.V : b.V, 0);
}
// A condition that does not depend on data.
template <class T> HLSGEN_INLINE T select(bool cond, const T& a, const T& b) { return cond ? a : b; }

// The bits that x and `mask` have both, in every lane.
template <class T> HLSGEN_INLINE T masked(const T& x, const T& mask) { return T(x.V & mask.V, 0); }

namespace detail {
// Lanes First to First + Count - 1: what `entry` gives for each. They are put together in registers of 16 bytes, and those
// in pairs, for an insertion into a longer one works on all of it.
template <class E, int First, int Count, class Entry> HLSGEN_INLINE auto assembled(const Entry& entry) {
#if HLSGEN_JOINS
    if constexpr (Count * sizeof(E) > 16 && sizeof(E) < 8) {
        return lanes::joined(assembled<E, First, Count / 2>(entry), assembled<E, First + Count / 2, Count / 2>(entry));
    } else
#endif
    {
        E result __attribute__((vector_size(Count * sizeof(E))));
#pragma GCC unroll 16
        for (int l = 0; l < Count; l++) result[l] = E(entry(First + l));
        return result;
    }
}
}  // namespace detail

// table[raw bits of x], each lane its own. Addresses leave their register 64 bits at a time: to take them out one by one
// costs more than to read the table.
template <class R, class M, class T> HLSGEN_INLINE R lookup(const M* table, const T& x) {
    static_assert(T::width <= 32, "a table with more than 2^32 entries");
    typedef typename lanes::element<lanes::native_bits(T::width), false>::type address;
    constexpr int bits = 8 * sizeof(address), together = 64 / bits;
    constexpr address used = lanes::low_ones<address>(T::width);
    const auto words = lanes::in_words(lanes::convert<address, typename T::word>(x.V) & used);
    const auto entry = [&](int l) __attribute__((always_inline)) {
        const uint64_t rest = words[l / together] >> (bits * (l % together));
        return table[(l + 1) % together ? address(rest) : rest];
    };
    return R(detail::assembled<typename R::word, 0, lanes::count>(entry), 0);
}

// acc += v, where the total is proved to fit acc: no wrap.
template <class Acc, class T> HLSGEN_INLINE void accumulate(Acc& acc, const T& v) {
    typedef typename Acc::word word;
    static_assert(T::frac <= Acc::frac, "accumulate: the value has a finer step than the accumulator");
    if constexpr (Acc::frac - T::frac < 8 * int(sizeof(word)))
        acc.V += lanes::convert<word, typename T::word>(v.V) << (Acc::frac - T::frac);
}

// acc -= v, the same.
template <class Acc, class T> HLSGEN_INLINE void deduct(Acc& acc, const T& v) {
    typedef typename Acc::word word;
    static_assert(T::frac <= Acc::frac, "deduct: the value has a finer step than the accumulator");
    if constexpr (Acc::frac - T::frac < 8 * int(sizeof(word)))
        acc.V -= lanes::convert<word, typename T::word>(v.V) << (Acc::frac - T::frac);
}

// A sum that begins with v. Neither wraps: the total fits, so all may be computed modulo the word.
template <class Acc, class T> HLSGEN_INLINE Acc start_sum(const T& v) {
    Acc acc = from_mantissa<Acc>(0);
    accumulate(acc, v);
    return acc;
}

// The one cast: rounding and overflow of T.
template <class T, class From> HLSGEN_INLINE T cast(const From& v) { return T(v); }

}  // namespace hlsgen

#endif
