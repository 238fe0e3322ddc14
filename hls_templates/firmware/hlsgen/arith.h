// The vocabulary of kernels, for synthesis and for the vendor's C simulation.
//
// Kernels never branch on data and never form an address from it; select and lookup are the
// two ways to depend on a value. emulation/hlsgen/arith.h replaces this file in the emulator.
#ifndef HLSGEN_ARITH_H
#define HLSGEN_ARITH_H

#include <type_traits>

#include <ap_fixed.h>
#include <ap_int.h>

namespace hlsgen {

enum class strategy { latency, resource, unrolled, distributed_arithmetic, ported, loaded };

// What a fixed-point type is.
template <class T> struct traits;
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct traits<ap_fixed<W, I, Q, O, N> > {
    static const int width = W, integer = I, frac = W - I;
    static const bool is_signed = true;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct traits<ap_ufixed<W, I, Q, O, N> > {
    static const int width = W, integer = I, frac = W - I;
    static const bool is_signed = false;
};

namespace detail {
template <int Number> struct bits_of { static const int value = 1 + bits_of<Number / 2>::value; };
template <> struct bits_of<1> { static const int value = 1; };
template <> struct bits_of<0> { static const int value = 1; };
}  // namespace detail

// A register that counts from 0 to Limit: as wide as that takes. It is read as an int and computed with as one; the
// tool narrows what lies between registers by itself.
template <int Limit> using counter = ap_uint<detail::bits_of<Limit>::value>;

// The storage word of one constant, of which the low W bits are read.
//
// For synthesis it is an integer of W bits, so that memories are as wide as what they hold. Elsewhere it is a native one
// up to 64 bits: arrays of those are constants, where arrays of ap_int are filled at start-up.
#if defined(__SYNTHESIS__) && !defined(HLSGEN_EXACT_WORDS)
#define HLSGEN_EXACT_WORDS
#endif

namespace detail {
template <int Bytes, int W, bool S> struct integer;
template <int W> struct integer<1, W, true> { typedef signed char type; };
template <int W> struct integer<1, W, false> { typedef unsigned char type; };
template <int W> struct integer<2, W, true> { typedef short type; };
template <int W> struct integer<2, W, false> { typedef unsigned short type; };
template <int W> struct integer<4, W, true> { typedef int type; };
template <int W> struct integer<4, W, false> { typedef unsigned int type; };
template <int W> struct integer<8, W, true> { typedef long long type; };
template <int W> struct integer<8, W, false> { typedef unsigned long long type; };
template <int W> struct integer<0, W, true> { typedef ap_int<W> type; };
template <int W> struct integer<0, W, false> { typedef ap_uint<W> type; };

// Of a native word; 0 if there is none.
constexpr int bytes_of(int bits) {
#ifdef HLSGEN_EXACT_WORDS
    return 0 * bits;
#else
    return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : bits <= 64 ? 8 : 0;
#endif
}
}  // namespace detail

template <int W, bool S> using mantissa = typename detail::integer<detail::bytes_of(W), W, S>::type;

// The constant of a kernel: an array of N words. One of any other size does not compile.
template <class Word, int N> using rom = const Word (&)[N];

// The value whose raw bits are the low bits of `word`.
template <class T, class M> T from_mantissa(const M& word) {
#pragma HLS INLINE
    const ap_uint<T::width> bits = ap_uint<T::width>(word);
    T value;
    value.range(T::width - 1, 0) = bits;
    return value;
}

// The value whose raw bits are those of `x` from bit Low on.
template <class T, int Low, class X> T slice(const X& x) {
#pragma HLS INLINE
    static_assert(Low >= 0 && Low + T::width <= X::width, "slice: bits that the value does not have");
    const ap_uint<T::width> bits = x.range(Low + T::width - 1, Low);
    return from_mantissa<T>(bits);
}

// The value whose raw bits are those of `x`, `places` (an unsigned integer) further left: no bit that counts is lost.
template <class T, class X, class N> T shifted_left(const X& x, const N& places) {
#pragma HLS INLINE
    static_assert(traits<T>::is_signed && traits<X>::is_signed, "shifted_left: signed values");
    typedef ap_fixed<traits<T>::width, traits<T>::width - traits<X>::frac> wide_t;
    const ap_uint<N::width> by = places.range(N::width - 1, 0);
    const wide_t moved = wide_t(x) << int(by.to_uint64());
    return slice<T, 0>(moved);
}

namespace detail {
template <class T, int Places> struct moved;
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N, int Places> struct moved<ap_fixed<W, I, Q, O, N>, Places> {
    typedef ap_fixed<W, I + Places> type;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N, int Places> struct moved<ap_ufixed<W, I, Q, O, N>, Places> {
    typedef ap_ufixed<W, I + Places> type;
};
}  // namespace detail

// x * 2^Places, exactly: the same raw bits, whose binary point is elsewhere. No hardware.
template <int Places, class X> typename detail::moved<X, Places>::type scaled(const X& x) {
#pragma HLS INLINE
    const ap_uint<X::width> bits = x.range(X::width - 1, 0);
    return from_mantissa<typename detail::moved<X, Places>::type>(bits);
}

// `a` if cond holds, else `b`: a multiplexer.
template <class T> T select(bool cond, const T& a, const T& b) {
#pragma HLS INLINE
    return cond ? a : b;
}

// The bits that x and `mask` have both.
template <class T> T masked(const T& x, const T& mask) {
#pragma HLS INLINE
    const ap_uint<T::width> left = x.range(T::width - 1, 0), right = mask.range(T::width - 1, 0);
    return from_mantissa<T>(ap_uint<T::width>(left & right));
}

// table[raw bits of x].
template <class R, class M, class T> R lookup(const M* table, const T& x) {
#pragma HLS INLINE
    const ap_uint<T::width> index = x.range(T::width - 1, 0);
    return from_mantissa<R>(table[index.to_uint64()]);
}

// A sum that begins with v. Its total is proved to fit Acc; v alone need not: what wraps here comes back.
template <class Acc, class T> Acc start_sum(const T& v) {
#pragma HLS INLINE
    static_assert(traits<T>::frac <= traits<Acc>::frac, "start_sum: the value has a finer step than the accumulator");
    return Acc(v);
}

// acc += v, where the total is proved to fit acc: neither rounds nor overflows.
template <class Acc, class T> void accumulate(Acc& acc, const T& v) {
#pragma HLS INLINE
    static_assert(traits<T>::frac <= traits<Acc>::frac, "accumulate: the value has a finer step than the accumulator");
    acc += v;
}

// acc -= v, the same.
template <class Acc, class T> void deduct(Acc& acc, const T& v) {
#pragma HLS INLINE
    static_assert(traits<T>::frac <= traits<Acc>::frac, "deduct: the value has a finer step than the accumulator");
    acc = Acc(acc - v);
}

namespace detail {
// The vendor's headers abort when rounding drops all bits of a number and more; From with as many sign bits
// as that takes (no hardware, the same value), else From itself.
template <class T, class From> struct roundable {
    static const int dropped = From::width - From::iwidth - traits<T>::frac;
    static const int missing = dropped >= From::width ? dropped - From::width + 2 : 0;
    typedef typename std::conditional<(missing > 0), ap_fixed<From::width + missing, From::iwidth + missing>,
                                      const From&>::type type;
};
}  // namespace detail

// The one cast: rounding and overflow of T.
template <class T, class From> T cast(const From& v) {
#pragma HLS INLINE
    return T(static_cast<typename detail::roundable<T, From>::type>(v));
}

}  // namespace hlsgen

#endif
