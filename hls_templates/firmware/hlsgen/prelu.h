// A rectifier with trained slopes: y = cast<output_t>(x < 0 ? x * slope : x), one slope an element or a channel.
//
// Config C
//   input_t, output_t       element types; input_t may be unsigned
//   value_t                 signed, holds x and x * slope exactly
//   slope_t, slope_word     mantissas of slopes
//   slopes                  their number: element e has slope e % slopes
//   size                    elements of the tensor
//   reuse_factor
// Constants: a[slopes].
// Streams: X::size == Y::size, dividing size, and a multiple or a divisor of slopes. Slopes lie in banks, one for each
// lane of a pack (channel_walk.h).
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_PRELU_H
#define HLSGEN_PRELU_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/channel_walk.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C>
typename C::output_t prelu_element(const typename C::input_t& x, int which,
                                   const typename C::slope_word a[C::slopes]) {
#pragma HLS INLINE
    typedef typename C::value_t value_t;
    const value_t below = cast<value_t>(x * from_mantissa<typename C::slope_t>(a[which]));
    return cast<typename C::output_t>(select(x < hlsgen::zero<typename C::input_t>(), below, cast<value_t>(x)));
}

template <class C>
void prelu(const typename C::input_t x[C::size], typename C::output_t y[C::size],
           rom<typename C::slope_word, C::slopes> a) {
#pragma HLS PIPELINE II=C::reuse_factor
    static_assert(C::size % C::slopes == 0, "the slopes fit the tensor a whole number of times");
Position:
    for (int first = 0; first < C::size; first += C::slopes) {
#pragma HLS UNROLL
    Slope:
        for (int i = 0; i < C::slopes; i++) {
#pragma HLS UNROLL
            y[first + i] = prelu_element<C>(x[first + i], i, a);
        }
    }
}

template <class C, class X, class Y>
void prelu(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::slope_word, C::slopes> a) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
    typedef channel_walk<X::size, C::slopes> walk;
#pragma HLS ARRAY_PARTITION variable=a cyclic factor=walk::lanes
    walk at;
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = prelu_element<C>(word.data[i], at.channel(i), a);
        }
        y.write(result);
        at.advance();
    }
}

}  // namespace hlsgen

#endif
