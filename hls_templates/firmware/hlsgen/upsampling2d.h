// Enlarges an image by whole factors; each pixel becomes factor_height x factor_width equal pixels.
//
// Config C
//   input_t, output_t       element types
//   in_height, in_width, in_channels
//   factor_height, factor_width
//   reuse_factor
// Streams: a pack is a pixel, X::size == Y::size == in_channels. One row is remembered if factor_height > 1.
// Cycles: in_height * in_width * factor_height * factor_width
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_UPSAMPLING2D_H
#define HLSGEN_UPSAMPLING2D_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/packs.h>

namespace hlsgen {

template <class C>
struct enlarged_image {
    static const int height = C::in_height * C::factor_height;
    static const int width = C::in_width * C::factor_width;
    static const int stored = C::factor_height > 1 ? C::in_width : 1;  // an array cannot be empty
};

template <class C>
void upsampling2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                  typename C::output_t y[enlarged_image<C>::height * enlarged_image<C>::width * C::in_channels]) {
#pragma HLS PIPELINE II=C::reuse_factor
    typedef enlarged_image<C> E;
Row:
    for (int row = 0; row < E::height; row++) {
#pragma HLS UNROLL
    Column:
        for (int column = 0; column < E::width; column++) {
#pragma HLS UNROLL
            const int from = (row / C::factor_height * C::in_width + column / C::factor_width) * C::in_channels;
            const int to = (row * E::width + column) * C::in_channels;
        Channel:
            for (int c = 0; c < C::in_channels; c++) {
#pragma HLS UNROLL
                y[to + c] = cast<typename C::output_t>(x[from + c]);
            }
        }
    }
}

template <class C, class X, class Y>
void upsampling2d(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == C::in_channels && Y::size == C::in_channels, "a pack is one pixel");
    Y line[enlarged_image<C>::stored];
#pragma HLS AGGREGATE variable=line compact=bit
    Y pixel;
Row:
    for (int row = 0; row < C::in_height; row++) {
    RepeatRow:
        for (int i = 0; i < C::factor_height; i++) {
        Column:
            for (int column = 0; column < C::in_width; column++) {
            RepeatColumn:
                for (int k = 0; k < C::factor_width; k++) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=line type=inter dependent=true distance=enlarged_image<C>::width
                    const int at = C::factor_height > 1 ? column : 0;
                    if (i == 0 && k == 0) {
                        pixel = converted<Y>(x.read());
                        line[at] = pixel;
                    } else if (k == 0) {
                        pixel = line[at];
                    }
                    y.write(pixel);
                }
            }
        }
    }
}

}  // namespace hlsgen

#endif
