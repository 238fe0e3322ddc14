// The vocabulary of kernels, for synthesis and for the vendor's C simulation.
//
// Kernels never branch on data and never form an address from it; select and lookup are the
// two ways to depend on a value. emulation/hlsgen/arith.h replaces this file in the emulator.
#ifndef HLSGEN_ARITH_H
#define HLSGEN_ARITH_H

#include <ap_fixed.h>
#include <ap_int.h>

namespace hlsgen {

enum class strategy { latency, resource };

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
template <int W, bool S> struct integer { typedef ap_int<W> type; };
template <int W> struct integer<W, false> { typedef ap_uint<W> type; };
}  // namespace detail

// The storage word of one constant.
template <int W, bool S> using mantissa = typename detail::integer<W, S>::type;

// The value whose raw bits are `word`.
template <class T, class M> T from_mantissa(const M& word) {
#pragma HLS INLINE
    T value;
    value.range(T::width - 1, 0) = word.range(T::width - 1, 0);
    return value;
}

// `a` if cond holds, else `b`: a multiplexer.
template <class T> T select(bool cond, const T& a, const T& b) {
#pragma HLS INLINE
    return cond ? a : b;
}

// table[raw bits of x].
template <class R, class M, class T> R lookup(const M* table, const T& x) {
#pragma HLS INLINE
    const ap_uint<T::width> index = x.range(T::width - 1, 0);
    return from_mantissa<R>(table[index.to_uint64()]);
}

// acc += v, where the total is proved to fit acc: neither rounds nor overflows.
template <class Acc, class T> void accumulate(Acc& acc, const T& v) {
#pragma HLS INLINE
    static_assert(traits<T>::frac <= traits<Acc>::frac, "accumulate: the value has a finer step than the accumulator");
    acc += v;
}

// The one cast: rounding and overflow of T.
template <class T, class From> T cast(const From& v) {
#pragma HLS INLINE
    return T(v);
}

}  // namespace hlsgen

#endif
