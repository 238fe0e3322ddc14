// Scale and shift of each channel (a batch normalization, for example): y = x * s[channel] + b[channel].
//
// Config C
//   input_t, output_t       element types
//   scale_t, bias_t         types of the constants; scale_word, bias_word store their mantissas
//   sum_t                   holds x * s + b exactly
//   accum_t                 the type the exact sum is cast to before output_t
//   size                    elements of the tensor
//   channels                the channel of element e is e % channels; divides size
//   reuse_factor
// Constants: s[channels], b[channels].
// Streams: X::size == Y::size, dividing size, and either a multiple or a divisor of channels. Constants lie in banks, one
// for each lane of a pack (channel_walk.h).
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)).
#ifndef HLSGEN_SCALE_H
#define HLSGEN_SCALE_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/channel_walk.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C>
typename C::output_t scale_element(const typename C::input_t& x, int channel,
                                   const typename C::scale_word s[C::channels],
                                   const typename C::bias_word b[C::channels]) {
#pragma HLS INLINE
    typename C::sum_t sum = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[channel]));
    accumulate(sum, x * from_mantissa<typename C::scale_t>(s[channel]));
    return cast<typename C::output_t>(cast<typename C::accum_t>(sum));
}

template <class C>
void scale(const typename C::input_t x[C::size], typename C::output_t y[C::size],
           rom<typename C::scale_word, C::channels> s, rom<typename C::bias_word, C::channels> b) {
#pragma HLS PIPELINE II=C::reuse_factor
    static_assert(C::size % C::channels == 0, "the last axis has `channels` elements");
Position:
    for (int first = 0; first < C::size; first += C::channels) {
#pragma HLS UNROLL
    Channel:
        for (int c = 0; c < C::channels; c++) {
#pragma HLS UNROLL
            y[first + c] = scale_element<C>(x[first + c], c, s, b);
        }
    }
}

template <class C, class X, class Y>
void scale(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::scale_word, C::channels> s,
           rom<typename C::bias_word, C::channels> b) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
    typedef channel_walk<X::size, C::channels> walk;
#pragma HLS ARRAY_PARTITION variable=s cyclic factor=walk::lanes
#pragma HLS ARRAY_PARTITION variable=b cyclic factor=walk::lanes
    walk at;
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = scale_element<C>(word.data[i], at.channel(i), s, b);
        }
        y.write(result);
        at.advance();
    }
}

}  // namespace hlsgen

#endif
