// Windows that slide over a stream of pixels, for convolutions and pooling.
//
// G is a geometry of window_geometry.h. The window is kept in registers and takes in one column a step:
//   line_buffer<G>    the lines above the current pixel
//   shift_window<G>   the window that ends at the current pixel, [rows][width][channels]
//   window_cells<G>   its cells alone, [groups][rows][columns][group_channels]: without the columns that a dilated
//                     window passes over
#ifndef HLSGEN_SLIDING_WINDOW_H
#define HLSGEN_SLIDING_WINDOW_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/window_geometry.h>

namespace hlsgen {

template <class G> using line_buffer = typename G::value_t[G::stored_lines][G::in_width][G::channels];
template <class G> using shift_window = typename G::value_t[G::window_size];
template <class G> using window_cells = typename G::value_t[G::taps_size];

// The pixel at a padded position: from the stream on the image, `fill` around it.
template <class G, class X>
void next_pixel(hls::stream<X>& x, bool on_image, const typename G::value_t& fill,
                typename G::value_t pixel[G::channels]) {
#pragma HLS INLINE
    static_assert(X::size == G::channels, "a pack is one pixel");
    if (on_image) {
        const X word = x.read();
    PixelChannel:
        for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
            pixel[c] = word.data[c];
        }
    } else {
    FillChannel:
        for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
            pixel[c] = fill;
        }
    }
}

// Before the first pixel. No window of the output contains a cell of this time; it only makes the registers defined.
template <class G>
void start_window(const typename G::value_t& fill, shift_window<G>& window) {
#pragma HLS INLINE
StartCell:
    for (int i = 0; i < G::window_size; i++) {
#pragma HLS UNROLL
        window[i] = fill;
    }
}

// Moves the window one column to the left. Its last column is stale until enter_column.
template <class G>
void shift_columns(shift_window<G>& window) {
#pragma HLS INLINE
ShiftRow:
    for (int r = 0; r < G::rows; r++) {
#pragma HLS UNROLL
    ShiftElement:
        for (int i = 0; i < G::row_size - G::channels; i++) {
#pragma HLS UNROLL
            window[r * G::row_size + i] = window[r * G::row_size + i + G::channels];
        }
    }
}

// Fills the window's last column: the current pixel below, the remembered lines (or fill, beside the image) above.
template <class G>
void enter_column(const line_buffer<G>& lines, const typename G::value_t pixel[G::channels], bool on_columns, int x,
                  const typename G::value_t& fill, shift_window<G>& window) {
#pragma HLS INLINE
    const int last_column = G::row_size - G::channels;
EnterRow:
    for (int r = 0; r < G::rows - 1; r++) {
#pragma HLS UNROLL
    EnterChannel:
        for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
            window[r * G::row_size + last_column + c] = on_columns ? lines[r * G::row_step][x][c] : fill;
        }
    }
EnterPixel:
    for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
        window[(G::rows - 1) * G::row_size + last_column + c] = pixel[c];
    }
}

// Moves column x of the line buffer up by one line and stores the current pixel in the lowest.
template <class G>
void shift_lines(const typename G::value_t pixel[G::channels], int x, line_buffer<G>& lines) {
#pragma HLS INLINE
ShiftLine:
    for (int l = 0; l < G::stored_lines - 1; l++) {
#pragma HLS UNROLL
    LineChannel:
        for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
            lines[l][x][c] = lines[l + 1][x][c];
        }
    }
StorePixel:
    for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
        lines[G::stored_lines - 1][x][c] = pixel[c];
    }
}

// One step of a streaming window: takes the pixel at the raster's position into window and line buffer.
template <class G, class X>
void slide_window(hls::stream<X>& x, const raster<G>& at, const typename G::value_t& fill,
                  line_buffer<G>& lines, shift_window<G>& window) {
#pragma HLS INLINE
    typename G::value_t pixel[G::channels];
#pragma HLS ARRAY_PARTITION variable=pixel complete
    const bool on_columns = at.on_columns();
    const int image_column = on_columns ? int(at.column) - G::pad_left : 0;
    next_pixel<G>(x, at.on_image(), fill, pixel);
    shift_columns<G>(window);
    enter_column<G>(lines, pixel, on_columns, image_column, fill, window);
    if (G::lines > 0 && on_columns) shift_lines<G>(pixel, image_column, lines);
}

// The cells of a window, group by group, without the columns between those of a dilated one.
template <class G>
void select_cells(const shift_window<G>& window, window_cells<G>& cells) {
#pragma HLS INLINE
SelectRow:
    for (int r = 0; r < G::rows; r++) {
#pragma HLS UNROLL
    SelectColumn:
        for (int k = 0; k < G::columns; k++) {
#pragma HLS UNROLL
        SelectChannel:
            for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
                cells[place_of<G>(r * G::columns + k, c)] =
                    window[r * G::row_size + k * G::column_step * G::channels + c];
            }
        }
    }
}

}  // namespace hlsgen

#endif
