// Enlarges an image by whole factors; each pixel becomes factor_height x factor_width equal pixels.
//
// Config C
//   input_t, output_t       element types
//   in_height, in_width, in_channels
//   factor_height, factor_width
//   reuse_factor
// Streams: a pack is a pixel, X::size == Y::size == in_channels. One row is remembered.
// Cycles: in_height * in_width * (1 + factor_height * factor_width)
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_UPSAMPLING2D_H
#define HLSGEN_UPSAMPLING2D_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C>
void upsampling2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                  typename C::output_t y[C::in_height * C::factor_height * C::in_width * C::factor_width *
                                         C::in_channels]) {
#pragma HLS PIPELINE II=C::reuse_factor
    const int out_width = C::in_width * C::factor_width;
Row:
    for (int row = 0; row < C::in_height * C::factor_height; row++) {
#pragma HLS UNROLL
    Column:
        for (int column = 0; column < out_width; column++) {
#pragma HLS UNROLL
            const int from = (row / C::factor_height * C::in_width + column / C::factor_width) * C::in_channels;
            const int to = (row * out_width + column) * C::in_channels;
        Channel:
            for (int c = 0; c < C::in_channels; c++) {
#pragma HLS UNROLL
                y[to + c] = cast<typename C::output_t>(x[from + c]);
            }
        }
    }
}

// Reads one row of the input into an array of converted pixels.
template <class C, class X, class Y>
void upsampling2d_read_row(hls::stream<X>& x, Y line[C::in_width]) {
#pragma HLS INLINE
Read:
    for (int column = 0; column < C::in_width; column++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
    Channel:
        for (int c = 0; c < C::in_channels; c++) {
#pragma HLS UNROLL
            line[column].data[c] = cast<typename C::output_t>(word.data[c]);
        }
    }
}

template <class C, class X, class Y>
void upsampling2d(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == C::in_channels && Y::size == C::in_channels, "a pack is one pixel");
    Y line[C::in_width];
#pragma HLS AGGREGATE variable=line
Row:
    for (int row = 0; row < C::in_height; row++) {
        upsampling2d_read_row<C>(x, line);
    RepeatRow:
        for (int i = 0; i < C::factor_height; i++) {
        Column:
            for (int column = 0; column < C::in_width; column++) {
            RepeatColumn:
                for (int k = 0; k < C::factor_width; k++) {
#pragma HLS PIPELINE II=1
                    y.write(line[column]);
                }
            }
        }
    }
}

}  // namespace hlsgen

#endif
