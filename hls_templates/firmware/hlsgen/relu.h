// Rectifiers: ReLU, leaky ReLU and both with an upper limit.
//
//   v = x < 0 ? cast<value_t>(x * slope) : x        (slope is 0 unless has_slope)
//   v = min(v, max)                                 (if has_max)
//   y = cast<output_t>(v)
//
// Config C
//   input_t, output_t       element types; input_t may be unsigned
//   value_t                 signed, holds x, x * slope and max exactly
//   has_slope, slope_t, slope_word, slope_mantissa   slope_mantissa is the mantissa of slope_t (long long)
//   has_max, max_t, max_word, max_mantissa           max_mantissa is the mantissa of max_t (long long)
//   size                    elements of the tensor
//   reuse_factor
// The names of an absent slope or maximum are never used.
// Streams: X::size == Y::size, dividing size.
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_RELU_H
#define HLSGEN_RELU_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// The value of x left of zero.
template <class C>
typename C::value_t relu_negative(std::true_type, const typename C::input_t& x) {
#pragma HLS INLINE
    typedef typename C::slope_word word;
    return cast<typename C::value_t>(x * from_mantissa<typename C::slope_t>(word(C::slope_mantissa)));
}

template <class C>
typename C::value_t relu_negative(std::false_type, const typename C::input_t&) {
#pragma HLS INLINE
    return hlsgen::zero<typename C::value_t>();
}

// The upper limit.
template <class C>
typename C::value_t relu_limit(std::true_type, const typename C::value_t& v) {
#pragma HLS INLINE
    typedef typename C::max_word word;
    const typename C::value_t limit =
        cast<typename C::value_t>(from_mantissa<typename C::max_t>(word(C::max_mantissa)));
    return select(v < limit, v, limit);
}

template <class C>
typename C::value_t relu_limit(std::false_type, const typename C::value_t& v) {
#pragma HLS INLINE
    return v;
}

template <class C>
typename C::output_t relu_element(const typename C::input_t& x) {
#pragma HLS INLINE
    typedef std::integral_constant<bool, C::has_slope> has_slope;
    typedef std::integral_constant<bool, C::has_max> has_max;
    const typename C::value_t v = select(x < hlsgen::zero<typename C::input_t>(), relu_negative<C>(has_slope(), x),
                                         cast<typename C::value_t>(x));
    return cast<typename C::output_t>(relu_limit<C>(has_max(), v));
}

template <class C>
void relu(const typename C::input_t x[C::size], typename C::output_t y[C::size]) {
#pragma HLS PIPELINE II=C::reuse_factor
Element:
    for (int e = 0; e < C::size; e++) {
#pragma HLS UNROLL
        y[e] = relu_element<C>(x[e]);
    }
}

template <class C, class X, class Y>
void relu(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = relu_element<C>(word.data[i]);
        }
        y.write(result);
    }
}

}  // namespace hlsgen

#endif
