// 2-D convolution (height 1 makes it 1-D): for each output pixel (row, column) and channel j
//   y[j] = b[j] + sum over r, k, c of x[row * stride_height + r * dilation_height - pad_top]
//                                      [column * stride_width + k * dilation_width - pad_left][c] * w[j][r][k][c]
// where x is zero outside the image. With several groups (groups.h) the channels of x are in as many equal parts, and c
// runs over those of the part of j.
//
// Config C: that of matvec.h, with n_in = kernel_height * kernel_width * in_channels / groups and n_out output channels, and
//   output_t                element type of y
//   accum_t                 the type the exact sum is cast to before output_t
//   in_height, in_width, in_channels, out_height, out_width
//   kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width
//   pad_top, pad_bottom, pad_left, pad_right
//   interval                cycles a turn: latency shares multipliers by it, resource has 1
//   parallel_rows, parallel_columns   of arrays: pixels of the output that are computed at once; they divide it
//   all_multipliers         of arrays: of these pixels together
// Constants: weights<C> w ([n_out][kernel_height][kernel_width][in_channels / groups]), b[n_out].
// Streams: a pack is a pixel, X::size == in_channels, Y::size == n_out. The whole image is consumed.
// Cycles: ((pad_top + in_height + pad_bottom) * (pad_left + in_width + pad_right)
//     + out_height * out_width * (turns - 1)) * interval
//   arrays: out_height * out_width / (parallel_rows * parallel_columns) * turns * interval
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)).
#ifndef HLSGEN_CONV2D_H
#define HLSGEN_CONV2D_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/groups.h>
#include <hlsgen/limits.h>
#include <hlsgen/matvec.h>
#include <hlsgen/pack.h>
#include <hlsgen/sliding_window.h>
#include <hlsgen/sums.h>

namespace hlsgen {

// One turn of the output pixel at (row, column) of an image held in an array.
template <class C>
void conv2d_pixel(const turn_of<C>& turn, int row, int column,
                  const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                  typename C::output_t y[C::out_height * C::out_width * C::n_out], weights<C> w,
                  const typename C::bias_word b[C::n_out], row_sum<C> sum[C::n_out]) {
#pragma HLS INLINE
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
    typename C::input_t cells[inputs_of<C>()];
#pragma HLS ARRAY_PARTITION variable=cells complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
    gather_window<convolution_geometry<C>>(x, row * C::stride_height, column * C::stride_width, zero, cells);
    matvec_turn<C>(turn, cells, w, b, sum);
    if (turn.is_last()) {
        cast_sums<C>(sum, result);
    Put:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            y[(row * C::out_width + column) * C::n_out + j] = result[j];
        }
    }
}

template <class C>
void conv2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
            typename C::output_t y[C::out_height * C::out_width * C::n_out], weights<C> w,
            biases<C> b) {
#pragma HLS ALLOCATION operation instances=mul limit=C::all_multipliers
    static_assert(inputs_of<C>() == convolution_geometry<C>::taps_size, "n_in is a group's part of a window");
    static_assert(C::all_multipliers == C::multipliers * C::parallel_rows * C::parallel_columns, "of all pixels");
    row_sum<C> sum[C::parallel_rows][C::parallel_columns][C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete dim=0
    turn_of<C> turn;
Row:
    for (int row = 0; row < C::out_height; row += C::parallel_rows) {
    Column:
        for (int column = 0; column < C::out_width; column += C::parallel_columns) {
        Turn:
            for (int t = 0; t < turns_of<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
            ParallelRow:
                for (int r = 0; r < C::parallel_rows; r++) {
#pragma HLS UNROLL
                ParallelColumn:
                    for (int c = 0; c < C::parallel_columns; c++) {
#pragma HLS UNROLL
                        conv2d_pixel<C>(turn, row + r, column + c, x, y, w, b, sum[r][c]);
                    }
                }
                turn.advance();
            }
        }
    }
}

// One turn of the product with the shift window.
template <class C>
void conv2d_turn(const turn_of<C>& turn, const shift_window<convolution_geometry<C>>& window, weights<C> w,
                 const typename C::bias_word b[C::n_out], row_sum<C> sum[C::n_out]) {
#pragma HLS INLINE
    if (C::dilation_width == 1 && groups_of<C>() == 1) {
        matvec_turn<C>(turn, window, w, b, sum);
    } else {
        window_cells<convolution_geometry<C>> cells;
#pragma HLS ARRAY_PARTITION variable=cells complete
        select_cells<convolution_geometry<C>>(window, cells);
        matvec_turn<C>(turn, cells, w, b, sum);
    }
}

// One loop over padded positions, of which those that complete a window of the output stay for its turns.
template <class C, class X, class Y>
void conv2d(hls::stream<X>& x, hls::stream<Y>& y, weights<C> w, biases<C> b) {
#pragma HLS INLINE off
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    static_assert(Y::size == C::n_out, "a pack of the output is one pixel");
    typedef convolution_geometry<C> G;
    static_assert(inputs_of<C>() == G::taps_size, "n_in is a group's part of a window");
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
    const int steps = G::padded_height * G::padded_width + C::out_height * C::out_width * (turns_of<C>() - 1);
    line_buffer<G> lines;
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_RESHAPE variable=lines complete dim=3
    shift_window<G> window;
#pragma HLS ARRAY_PARTITION variable=window complete
    start_window<G>(zero, window);
    row_sum<C> sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    raster<G> at;
    turn_of<C> turn;
Step:
    for (int step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=C::interval
#pragma HLS DEPENDENCE variable=lines type=inter dependent=true distance=G::padded_width
        if (turn.is_first()) slide_window<G>(x, at, zero, lines, window);
        const bool leaves = !at.completes_window() || turn.is_last();
        if (at.completes_window()) {
            conv2d_turn<C>(turn, window, w, b, sum);
            if (turn.is_last()) {
                Y result;
                cast_sums<C>(sum, result.data);
                y.write(result);
            }
            turn.advance();
        }
        if (leaves) at.advance();
    }
}

}  // namespace hlsgen

#endif
