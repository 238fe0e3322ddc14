// 2-D convolution (height 1 makes it 1-D): for each output pixel (row, column) and channel j
//   y[j] = b[j] + sum over r, k, c of x[row * stride_height + r * dilation_height - pad_top]
//                                      [column * stride_width + k * dilation_width - pad_left][c] * w[j][r][k][c]
// where x is zero outside the image.
//
// Config C
//   input_t, output_t       element types
//   weight_t, bias_t        types of the constants; weight_word, bias_word store their mantissas
//   sum_t                   holds the sum exactly
//   accum_t                 the type the exact sum is cast to before output_t
//   in_height, in_width, in_channels, out_height, out_width
//   n_in                    kernel_height * kernel_width * in_channels
//   n_out                   output channels
//   kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width
//   pad_top, pad_bottom, pad_left, pad_right
//   reuse_factor, strategy
// Constants: w[n_out][kernel_height][kernel_width][in_channels], b[n_out].
// Streams: a pack is a pixel, X::size == in_channels, Y::size == n_out. The whole image is consumed.
// Cycles: ((pad_top + in_height + pad_bottom) * (pad_left + in_width + pad_right)
//     + out_height * out_width * (turns - 1)) * interval
//   arrays: out_height * out_width * turns * interval
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)).
#ifndef HLSGEN_CONV2D_H
#define HLSGEN_CONV2D_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/matvec.h>
#include <hlsgen/pack.h>
#include <hlsgen/sliding_window.h>

namespace hlsgen {

// The output pixel of one window; cells is an array [kernel_height][kernel_width][in_channels].
template <class C, class Cells>
void conv2d_pixel(const Cells& cells, typename C::output_t y[C::n_out],
                  const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    static_assert(C::n_in == C::kernel_height * C::kernel_width * C::in_channels, "n_in is the size of a window");
    typename C::sum_t sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    matvec<C>(cells, w, b, sum);
Result:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        y[j] = cast<typename C::output_t>(cast<typename C::accum_t>(sum[j]));
    }
}

// Output pixel p of an image held in an array.
template <class C>
void conv2d_pixel_at(int p, const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                     typename C::output_t y[C::out_height * C::out_width * C::n_out],
                     const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    typedef convolution_geometry<C> G;
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
    const int row = p / C::out_width * C::stride_height;
    const int column = p % C::out_width * C::stride_width;
    typename C::input_t cells[C::n_in];
#pragma HLS ARRAY_PARTITION variable=cells complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
    gather_window<G>(x, row, column, zero, cells);
    conv2d_pixel<C>(cells, result, w, b);
Put:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        y[p * C::n_out + j] = result[j];
    }
}

// Strategy latency: a new output pixel every reuse_factor cycles.
template <class C>
void conv2d_pixels(std::true_type, const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                   typename C::output_t y[C::out_height * C::out_width * C::n_out],
                   const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
Pixel:
    for (int p = 0; p < C::out_height * C::out_width; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        conv2d_pixel_at<C>(p, x, y, w, b);
    }
}

// Strategy resource: one pixel after the other; the pipeline is inside matvec.
template <class C>
void conv2d_pixels(std::false_type, const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                   typename C::output_t y[C::out_height * C::out_width * C::n_out],
                   const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
Pixel:
    for (int p = 0; p < C::out_height * C::out_width; p++) {
#pragma HLS PIPELINE off
        conv2d_pixel_at<C>(p, x, y, w, b);
    }
}

template <class C>
void conv2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
            typename C::output_t y[C::out_height * C::out_width * C::n_out],
            rom<typename C::weight_word, C::n_in * C::n_out> w, rom<typename C::bias_word, C::n_out> b) {
    typedef std::integral_constant<bool, C::strategy == strategy::latency> pipelined;
    conv2d_pixels<C>(pipelined(), x, y, w, b);
}

// The output pixel of the shift window.
template <class C, class Y>
void conv2d_window(const shift_window<convolution_geometry<C>>& window, hls::stream<Y>& y,
                   const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    static_assert(Y::size == C::n_out, "a pack of the output is one pixel");
    Y result;
    if (C::dilation_width == 1) {
        conv2d_pixel<C>(window, result.data, w, b);
    } else {
        window_cells<convolution_geometry<C>> cells;
#pragma HLS ARRAY_PARTITION variable=cells complete
        select_cells<convolution_geometry<C>>(window, cells);
        conv2d_pixel<C>(cells, result.data, w, b);
    }
    y.write(result);
}

// One padded position of the stream: take the pixel in, and write the output pixel whose window it completes.
template <class C, class X, class Y>
void conv2d_next(hls::stream<X>& x, hls::stream<Y>& y, const typename C::weight_word w[C::n_in * C::n_out],
                 const typename C::bias_word b[C::n_out], raster<convolution_geometry<C>>& at,
                 line_buffer<convolution_geometry<C>>& lines, shift_window<convolution_geometry<C>>& window) {
#pragma HLS INLINE
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
    slide_window<convolution_geometry<C>>(x, at, zero, lines, window);
    if (at.completes_window()) conv2d_window<C>(window, y, w, b);
    at.advance();
}

// Strategy latency: a new padded position every reuse_factor cycles.
template <class C, class X, class Y>
void conv2d_stream(std::true_type, hls::stream<X>& x, hls::stream<Y>& y,
                   const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out],
                   line_buffer<convolution_geometry<C>>& lines, shift_window<convolution_geometry<C>>& window) {
#pragma HLS INLINE
    typedef convolution_geometry<C> G;
    raster<G> at;
Position:
    for (int p = 0; p < G::padded_height * G::padded_width; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
#pragma HLS DEPENDENCE variable=lines type=inter dependent=true distance=G::padded_width
        conv2d_next<C>(x, y, w, b, at, lines, window);
    }
}

// Strategy resource: one position after the other; the pipeline is inside matvec.
template <class C, class X, class Y>
void conv2d_stream(std::false_type, hls::stream<X>& x, hls::stream<Y>& y,
                   const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out],
                   line_buffer<convolution_geometry<C>>& lines, shift_window<convolution_geometry<C>>& window) {
#pragma HLS INLINE
    typedef convolution_geometry<C> G;
    raster<G> at;
Position:
    for (int p = 0; p < G::padded_height * G::padded_width; p++) {
#pragma HLS PIPELINE off
        conv2d_next<C>(x, y, w, b, at, lines, window);
    }
}

template <class C, class X, class Y>
void conv2d(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::weight_word, C::n_in * C::n_out> w,
            rom<typename C::bias_word, C::n_out> b) {
#pragma HLS INLINE off
    typedef convolution_geometry<C> G;
    typedef std::integral_constant<bool, C::strategy == strategy::latency> pipelined;
    line_buffer<G> lines;
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_RESHAPE variable=lines complete dim=3
    shift_window<G> window;
#pragma HLS ARRAY_PARTITION variable=window complete
    start_window<G>(hlsgen::zero<typename C::input_t>(), window);
    conv2d_stream<C>(pipelined(), x, y, w, b, lines, window);
}

}  // namespace hlsgen

#endif
