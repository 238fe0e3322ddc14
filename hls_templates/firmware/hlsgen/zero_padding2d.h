// Zeros around an image.
//
// Config C
//   input_t, output_t       element types
//   in_height, in_width, in_channels
//   pad_top, pad_bottom, pad_left, pad_right
//   reuse_factor
// Streams: a pack is a pixel, X::size == Y::size == in_channels.
// Cycles: (pad_top + in_height + pad_bottom) * (pad_left + in_width + pad_right)
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x), or zero.
#ifndef HLSGEN_ZERO_PADDING2D_H
#define HLSGEN_ZERO_PADDING2D_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>
#include <hlsgen/packs.h>

namespace hlsgen {

template <class C>
struct padded_image {
    static const int height = C::pad_top + C::in_height + C::pad_bottom;
    static const int width = C::pad_left + C::in_width + C::pad_right;

    static bool inside(int row, int column) {
#pragma HLS INLINE
        return row >= C::pad_top && row < C::pad_top + C::in_height && column >= C::pad_left &&
               column < C::pad_left + C::in_width;
    }
};

template <class C>
void zero_padding2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                    typename C::output_t y[padded_image<C>::height * padded_image<C>::width * C::in_channels]) {
#pragma HLS PIPELINE II=C::reuse_factor
    typedef padded_image<C> P;
    const typename C::output_t zero = hlsgen::zero<typename C::output_t>();
Row:
    for (int row = 0; row < P::height; row++) {
#pragma HLS UNROLL
    Column:
        for (int column = 0; column < P::width; column++) {
#pragma HLS UNROLL
            const bool inside = P::inside(row, column);
            const int from = ((row - C::pad_top) * C::in_width + column - C::pad_left) * C::in_channels;
            const int to = (row * P::width + column) * C::in_channels;
        Channel:
            for (int c = 0; c < C::in_channels; c++) {
#pragma HLS UNROLL
                y[to + c] = inside ? cast<typename C::output_t>(x[from + c]) : zero;
            }
        }
    }
}

// A pixel of the frame.
template <class Y>
Y zero_pixel() {
#pragma HLS INLINE
    Y result;
Zero:
    for (int c = 0; c < Y::size; c++) {
#pragma HLS UNROLL
        result.data[c] = hlsgen::zero<typename Y::value_type>();
    }
    return result;
}

template <class C, class X, class Y>
void zero_padding2d(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == C::in_channels && Y::size == C::in_channels, "a pack is one pixel");
    typedef padded_image<C> P;
Row:
    for (int row = 0; row < P::height; row++) {
    Column:
        for (int column = 0; column < P::width; column++) {
#pragma HLS PIPELINE II=1
            if (P::inside(row, column)) {
                y.write(converted<Y>(x.read()));
            } else {
                y.write(zero_pixel<Y>());
            }
        }
    }
}

}  // namespace hlsgen

#endif
