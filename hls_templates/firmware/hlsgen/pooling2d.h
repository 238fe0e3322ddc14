// 2-D pooling (height 1 makes it 1-D), and pooling over all positions.
//
//   max_pooling2d(x, y)             y = cast<output_t>(largest cell of the window)
//   average_pooling2d(x, y, r)      y = cast<output_t>(cast<accum_t>(exact sum of the window * reciprocal))
//   global_max_pooling(x, y)        the same over all positions at once
//   global_average_pooling(x, y, r)
//
// Cells in the padding never count: the maximum passes over them, and the average divides by the number of cells on the
// image, through a reciprocal from a table of all sizes that a window can have there: average_table<C> of below. No
// window may lie in the padding entirely.
//
// Config C
//   input_t, output_t       element types
//   sum_t                   (average) holds the sum of a window exactly
//   accum_t                 (average) the type the exact product is cast to before output_t
//   reciprocal_t            (average) type of r; reciprocal_word stores its mantissas
//   reuse_factor
// for windows
//   kind                    pooling::max or pooling::average
//   in_height, in_width, in_channels, out_height, out_width
//   pool_height, pool_width, stride_height, stride_width, pad_top, pad_bottom, pad_left, pad_right
// for global pooling
//   positions, n            x is [positions][n], y is [n]
// Constants: r[rows][columns] of average_table<C>, r[i][j] for windows with i + 1 rows and j + 1 columns on the image; in
// a direction without padding all windows are whole, and there is one entry. For global pooling r[1].
// Streams: a pack is a pixel, X::size == Y::size == channels. The whole image is consumed.
// Cycles of max_pooling2d, average_pooling2d:
//     (pad_top + in_height + pad_bottom) * (pad_left + in_width + pad_right) * reuse_factor
//   arrays: out_height * out_width * reuse_factor
// Cycles of global_max_pooling, global_average_pooling: positions * reuse_factor
//   arrays: positions * reuse_factor
#ifndef HLSGEN_POOLING2D_H
#define HLSGEN_POOLING2D_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>
#include <hlsgen/sliding_window.h>

namespace hlsgen {

enum class pooling { max, average };

// The table of reciprocals for the averages of windows.
template <class C>
struct average_table {
    typedef pooling_geometry<C> G;
    static const int rows = C::pad_top + C::pad_bottom > 0 ? C::pool_height : 1;
    static const int columns = C::pad_left + C::pad_right > 0 ? C::pool_width : 1;
    static const int size = rows * columns;

    // The entry of the window whose corner is at padded (row, column).
    static int place(int row, int column) {
#pragma HLS INLINE
        counter<rows - 1> i = 0;
        counter<columns - 1> j = 0;
        if (rows > 1) i = positions_inside(row, G::height, C::pad_top, C::in_height) - 1;
        if (columns > 1) j = positions_inside(column, G::width, C::pad_left, C::in_width) - 1;
        return int(i) * columns + int(j);
    }
};

// ---- windows: one output pixel ----

// The largest cell of each channel; cells is an array [pool_height * pool_width][in_channels] with the lowest value in
// the padding.
template <class C, class Cells>
void max_pooling2d_pixel(const Cells& cells, typename C::output_t y[C::in_channels]) {
#pragma HLS INLINE
    static_assert(C::kind == pooling::max, "the config belongs to another kind of pooling");
Channel:
    for (int c = 0; c < C::in_channels; c++) {
#pragma HLS UNROLL
        typename C::input_t largest = cell<pooling_geometry<C>>(cells, 0, c);
    Cell:
        for (int t = 1; t < C::pool_height * C::pool_width; t++) {
#pragma HLS UNROLL
            const typename C::input_t next = cell<pooling_geometry<C>>(cells, t, c);
            largest = select(next > largest, next, largest);
        }
        y[c] = cast<typename C::output_t>(largest);
    }
}

// The mean of each channel; cells as above, zeros in the padding.
template <class C, class Cells>
void average_pooling2d_pixel(const Cells& cells, const typename C::reciprocal_t& reciprocal,
                             typename C::output_t y[C::in_channels]) {
#pragma HLS INLINE
    static_assert(C::kind == pooling::average, "the config belongs to another kind of pooling");
Channel:
    for (int c = 0; c < C::in_channels; c++) {
#pragma HLS UNROLL
        typename C::sum_t sum = hlsgen::zero<typename C::sum_t>();
    Cell:
        for (int t = 0; t < C::pool_height * C::pool_width; t++) {
#pragma HLS UNROLL
            accumulate(sum, cell<pooling_geometry<C>>(cells, t, c));
        }
        y[c] = cast<typename C::output_t>(cast<typename C::accum_t>(sum * reciprocal));
    }
}

// ---- windows over an image in an array ----

template <class C>
void max_pooling2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                   typename C::output_t y[C::out_height * C::out_width * C::in_channels]) {
    typedef pooling_geometry<C> G;
    const typename C::input_t fill = lowest<typename C::input_t>();
Row:
    for (int row = 0; row < C::out_height; row++) {
    Column:
        for (int column = 0; column < C::out_width; column++) {
#pragma HLS PIPELINE II=C::reuse_factor
            typename C::input_t cells[G::taps_size];
#pragma HLS ARRAY_PARTITION variable=cells complete
            typename C::output_t result[C::in_channels];
#pragma HLS ARRAY_PARTITION variable=result complete
            gather_window<G>(x, row * C::stride_height, column * C::stride_width, fill, cells);
            max_pooling2d_pixel<C>(cells, result);
            put_pixel<C::in_channels>(result, row * C::out_width + column, y);
        }
    }
}

template <class C>
void average_pooling2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                       typename C::output_t y[C::out_height * C::out_width * C::in_channels],
                       rom<typename C::reciprocal_word, average_table<C>::size> r) {
    typedef pooling_geometry<C> G;
    const typename C::input_t fill = hlsgen::zero<typename C::input_t>();
Row:
    for (int row = 0; row < C::out_height; row++) {
    Column:
        for (int column = 0; column < C::out_width; column++) {
#pragma HLS PIPELINE II=C::reuse_factor
            const int corner_row = row * C::stride_height;
            const int corner_column = column * C::stride_width;
            typename C::input_t cells[G::taps_size];
#pragma HLS ARRAY_PARTITION variable=cells complete
            typename C::output_t result[C::in_channels];
#pragma HLS ARRAY_PARTITION variable=result complete
            gather_window<G>(x, corner_row, corner_column, fill, cells);
            const int place = average_table<C>::place(corner_row, corner_column);
            average_pooling2d_pixel<C>(cells, from_mantissa<typename C::reciprocal_t>(r[place]), result);
            put_pixel<C::in_channels>(result, row * C::out_width + column, y);
        }
    }
}

// ---- windows over a stream of pixels ----

template <class C, class X, class Y>
void max_pooling2d(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(Y::size == C::in_channels, "a pack of the output is one pixel");
    typedef pooling_geometry<C> G;
    const typename C::input_t fill = lowest<typename C::input_t>();
    line_buffer<G> lines;
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_RESHAPE variable=lines complete dim=3
    shift_window<G> window;
#pragma HLS ARRAY_PARTITION variable=window complete
    start_window<G>(fill, window);
    raster<G> at;
Position:
    for (int p = 0; p < G::padded_height * G::padded_width; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
#pragma HLS DEPENDENCE variable=lines type=inter dependent=true distance=G::padded_width
        slide_window<G>(x, at, fill, lines, window);
        if (at.completes_window()) {
            Y result;
            max_pooling2d_pixel<C>(window, result.data);
            y.write(result);
        }
        at.advance();
    }
}

template <class C, class X, class Y>
void average_pooling2d(hls::stream<X>& x, hls::stream<Y>& y,
                       rom<typename C::reciprocal_word, average_table<C>::size> r) {
#pragma HLS INLINE off
    static_assert(Y::size == C::in_channels, "a pack of the output is one pixel");
    typedef pooling_geometry<C> G;
    const typename C::input_t fill = hlsgen::zero<typename C::input_t>();
    line_buffer<G> lines;
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_RESHAPE variable=lines complete dim=3
    shift_window<G> window;
#pragma HLS ARRAY_PARTITION variable=window complete
    start_window<G>(fill, window);
    raster<G> at;
Position:
    for (int p = 0; p < G::padded_height * G::padded_width; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
#pragma HLS DEPENDENCE variable=lines type=inter dependent=true distance=G::padded_width
        slide_window<G>(x, at, fill, lines, window);
        if (at.completes_window()) {
            const int place = average_table<C>::place(at.corner_row(), at.corner_column());
            Y result;
            average_pooling2d_pixel<C>(window, from_mantissa<typename C::reciprocal_t>(r[place]), result.data);
            y.write(result);
        }
        at.advance();
    }
}

// ---- all positions at once: running values, one a channel ----

template <class C>
void global_max_start(typename C::input_t largest[C::n]) {
#pragma HLS INLINE
Start:
    for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
        largest[c] = lowest<typename C::input_t>();
    }
}

template <class C>
void global_max_result(const typename C::input_t largest[C::n], typename C::output_t y[C::n]) {
#pragma HLS INLINE
Result:
    for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
        y[c] = cast<typename C::output_t>(largest[c]);
    }
}

template <class C>
void global_max_pooling(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::n]) {
    typename C::input_t largest[C::n];
#pragma HLS ARRAY_PARTITION variable=largest complete
    global_max_start<C>(largest);
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
    Channel:
        for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
            largest[c] = select(x[p * C::n + c] > largest[c], x[p * C::n + c], largest[c]);
        }
    }
    global_max_result<C>(largest, y);
}

template <class C, class X, class Y>
void global_max_pooling(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == C::n && Y::size == C::n, "a pack is one position");
    typename C::input_t largest[C::n];
#pragma HLS ARRAY_PARTITION variable=largest complete
    global_max_start<C>(largest);
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
    Channel:
        for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
            largest[c] = select(word.data[c] > largest[c], word.data[c], largest[c]);
        }
    }
    Y result;
    global_max_result<C>(largest, result.data);
    y.write(result);
}

template <class C>
void global_average_start(typename C::sum_t sum[C::n]) {
#pragma HLS INLINE
Start:
    for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
        sum[c] = hlsgen::zero<typename C::sum_t>();
    }
}

template <class C>
void global_average_result(const typename C::sum_t sum[C::n], const typename C::reciprocal_word r[1],
                           typename C::output_t y[C::n]) {
#pragma HLS INLINE
    const typename C::reciprocal_t reciprocal = from_mantissa<typename C::reciprocal_t>(r[0]);
Result:
    for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
        y[c] = cast<typename C::output_t>(cast<typename C::accum_t>(sum[c] * reciprocal));
    }
}

template <class C>
void global_average_pooling(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::n],
                            rom<typename C::reciprocal_word, 1> r) {
    typename C::sum_t sum[C::n];
#pragma HLS ARRAY_PARTITION variable=sum complete
    global_average_start<C>(sum);
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
    Channel:
        for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
            accumulate(sum[c], x[p * C::n + c]);
        }
    }
    global_average_result<C>(sum, r, y);
}

template <class C, class X, class Y>
void global_average_pooling(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::reciprocal_word, 1> r) {
#pragma HLS INLINE off
    static_assert(X::size == C::n && Y::size == C::n, "a pack is one position");
    typename C::sum_t sum[C::n];
#pragma HLS ARRAY_PARTITION variable=sum complete
    global_average_start<C>(sum);
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
    Channel:
        for (int c = 0; c < C::n; c++) {
#pragma HLS UNROLL
            accumulate(sum[c], word.data[c]);
        }
    }
    Y result;
    global_average_result<C>(sum, r, result.data);
    y.write(result);
}

}  // namespace hlsgen

#endif
