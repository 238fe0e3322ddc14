// A staircase for each channel: the level that belongs to the last threshold that x reaches, else levels[0].
//
//   v = cast<threshold_t>(x);  y = levels[channel][0];  for each k: if v >= t[channel][k] then y = levels[channel][k + 1]
//
// Config C
//   input_t, output_t       element types
//   threshold_t             signed, holds every x and every threshold exactly; threshold_word stores its mantissas
//   level_word              stores mantissas of output_t
//   size                    elements of the tensor
//   channels                the channel of element e is e % channels; divides size
//   n_thresholds            thresholds of a channel
//   reuse_factor
// Constants: t[channels][n_thresholds], levels[channels][n_thresholds + 1].
// Streams: X::size == Y::size, dividing size, and either a multiple or a divisor of channels. Constants lie in banks, one
// for each lane of a pack (channel_walk.h).
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_THRESHOLDS_H
#define HLSGEN_THRESHOLDS_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/channel_walk.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// The walk through channels, and how many constants a step reads, which side by side are of different banks.
template <class C, int pack_size>
struct thresholds_walk : channel_walk<pack_size, C::channels> {
    static const int thresholds = channel_walk<pack_size, C::channels>::lanes * C::n_thresholds;
    static const int levels = channel_walk<pack_size, C::channels>::lanes * (C::n_thresholds + 1);
};

template <class C>
typename C::output_t thresholds_element(const typename C::input_t& x, int channel,
                                        const typename C::threshold_word t[C::channels * C::n_thresholds],
                                        const typename C::level_word levels[C::channels * (C::n_thresholds + 1)]) {
#pragma HLS INLINE
    const typename C::threshold_t v = cast<typename C::threshold_t>(x);
    typename C::output_t y = from_mantissa<typename C::output_t>(levels[channel * (C::n_thresholds + 1)]);
Threshold:
    for (int k = 0; k < C::n_thresholds; k++) {
#pragma HLS UNROLL
        const typename C::threshold_t threshold =
            from_mantissa<typename C::threshold_t>(t[channel * C::n_thresholds + k]);
        const typename C::output_t level =
            from_mantissa<typename C::output_t>(levels[channel * (C::n_thresholds + 1) + k + 1]);
        y = select(v >= threshold, level, y);
    }
    return y;
}

template <class C>
void thresholds(const typename C::input_t x[C::size], typename C::output_t y[C::size],
                rom<typename C::threshold_word, C::channels * C::n_thresholds> t,
                rom<typename C::level_word, C::channels * (C::n_thresholds + 1)> levels) {
#pragma HLS PIPELINE II=C::reuse_factor
    static_assert(C::size % C::channels == 0, "the last axis has `channels` elements");
Position:
    for (int first = 0; first < C::size; first += C::channels) {
#pragma HLS UNROLL
    Channel:
        for (int c = 0; c < C::channels; c++) {
#pragma HLS UNROLL
            y[first + c] = thresholds_element<C>(x[first + c], c, t, levels);
        }
    }
}

template <class C, class X, class Y>
void thresholds(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::threshold_word, C::channels * C::n_thresholds> t,
                rom<typename C::level_word, C::channels * (C::n_thresholds + 1)> levels) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
    typedef thresholds_walk<C, X::size> walk;
#pragma HLS ARRAY_PARTITION variable=t cyclic factor=walk::thresholds
#pragma HLS ARRAY_PARTITION variable=levels cyclic factor=walk::levels
    walk at;
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = thresholds_element<C>(word.data[i], at.channel(i), t, levels);
        }
        y.write(result);
        at.advance();
    }
}

}  // namespace hlsgen

#endif
