// Depthwise 2-D convolution (height 1 makes it 1-D): output channel o = c * depth_multiplier + m sees input channel c
// alone:
//   y[o] = b[o] + sum over taps t of x[t][c] * w[o][t]
// with the geometry of conv2d.h; x is zero outside the image.
//
// Config C
//   input_t, output_t       element types
//   weight_t, bias_t        types of the constants; weight_word, bias_word store their mantissas
//   sum_t                   holds the sum exactly
//   accum_t                 the type the exact sum is cast to before output_t
//   in_height, in_width, in_channels, out_height, out_width
//   depth_multiplier, n_out (in_channels * depth_multiplier), n_taps (kernel_height * kernel_width)
//   kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width
//   pad_top, pad_bottom, pad_left, pad_right
//   reuse_factor
// Constants: w[n_out][kernel_height][kernel_width], b[n_out].
// Streams: a pack is a pixel, X::size == in_channels, Y::size == n_out. The whole image is consumed.
// Cycles: ((pad_top + in_height + pad_bottom) * (pad_left + in_width + pad_right)
//     + out_height * out_width * (turns - 1)) * interval
//   arrays: out_height * out_width * turns * interval
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)).
#ifndef HLSGEN_DEPTHWISE_CONV2D_H
#define HLSGEN_DEPTHWISE_CONV2D_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>
#include <hlsgen/sliding_window.h>

namespace hlsgen {

// Output channel o of one window; cells is an array [n_taps][in_channels].
template <class C, class Cells>
typename C::output_t depthwise_conv2d_channel(int o, const Cells& cells,
                                              const typename C::weight_word w[C::n_out * C::n_taps],
                                              const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    const int c = o / C::depth_multiplier;
    typename C::sum_t sum = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[o]));
Tap:
    for (int t = 0; t < C::n_taps; t++) {
#pragma HLS UNROLL
        accumulate(sum, cell<depthwise_geometry<C>>(cells, t, c) *
                            from_mantissa<typename C::weight_t>(w[o * C::n_taps + t]));
    }
    return cast<typename C::output_t>(cast<typename C::accum_t>(sum));
}

// The output pixel of one window.
template <class C, class Cells>
void depthwise_conv2d_pixel(const Cells& cells, typename C::output_t y[C::n_out],
                            const typename C::weight_word w[C::n_out * C::n_taps],
                            const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    static_assert(C::n_out == C::in_channels * C::depth_multiplier, "n_out counts the channels of the output");
    static_assert(C::n_taps == C::kernel_height * C::kernel_width, "n_taps counts the cells of the kernel");
Channel:
    for (int o = 0; o < C::n_out; o++) {
#pragma HLS UNROLL
        y[o] = depthwise_conv2d_channel<C>(o, cells, w, b);
    }
}

template <class C>
void depthwise_conv2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                      typename C::output_t y[C::out_height * C::out_width * C::n_out],
                      rom<typename C::weight_word, C::n_out * C::n_taps> w, rom<typename C::bias_word, C::n_out> b) {
    typedef depthwise_geometry<C> G;
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
Pixel:
    for (int p = 0; p < C::out_height * C::out_width; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const int row = p / C::out_width * C::stride_height;
        const int column = p % C::out_width * C::stride_width;
        typename C::input_t cells[G::taps_size];
#pragma HLS ARRAY_PARTITION variable=cells complete
        typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
        gather_window<G>(x, row, column, zero, cells);
        depthwise_conv2d_pixel<C>(cells, result, w, b);
    Put:
        for (int o = 0; o < C::n_out; o++) {
#pragma HLS UNROLL
            y[p * C::n_out + o] = result[o];
        }
    }
}

// The output pixel of the shift window.
template <class C, class Y>
void depthwise_conv2d_window(const shift_window<depthwise_geometry<C>>& window, hls::stream<Y>& y,
                             const typename C::weight_word w[C::n_out * C::n_taps],
                             const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    static_assert(Y::size == C::n_out, "a pack of the output is one pixel");
    Y result;
    if (C::dilation_width == 1) {
        depthwise_conv2d_pixel<C>(window, result.data, w, b);
    } else {
        window_cells<depthwise_geometry<C>> cells;
#pragma HLS ARRAY_PARTITION variable=cells complete
        select_cells<depthwise_geometry<C>>(window, cells);
        depthwise_conv2d_pixel<C>(cells, result.data, w, b);
    }
    y.write(result);
}

template <class C, class X, class Y>
void depthwise_conv2d(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::weight_word, C::n_out * C::n_taps> w,
                      rom<typename C::bias_word, C::n_out> b) {
#pragma HLS INLINE off
    typedef depthwise_geometry<C> G;
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
    line_buffer<G> lines;
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_RESHAPE variable=lines complete dim=3
    shift_window<G> window;
#pragma HLS ARRAY_PARTITION variable=window complete
    start_window<G>(zero, window);
    raster<G> at;
Position:
    for (int p = 0; p < G::padded_height * G::padded_width; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
#pragma HLS DEPENDENCE variable=lines type=inter dependent=true distance=G::padded_width
        slide_window<G>(x, at, zero, lines, window);
        if (at.completes_window()) depthwise_conv2d_window<C>(window, y, w, b);
        at.advance();
    }
}

}  // namespace hlsgen

#endif
