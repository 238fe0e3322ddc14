// Windows that slide over an image: the geometry, the gathering and the line buffer of convolutions and pooling.
//
// An image is [in_height][in_width][in_channels]. Around it lie pad_top, pad_bottom, pad_left and pad_right lines of a
// constant called `fill`; "padded" coordinates count from the corner of that frame. A window has rows x columns cells,
// row_step and column_step apart, and so spans height x width padded pixels.
//
// The geometry G is one of
//   convolution_geometry<C>   C has kernel_height, kernel_width, dilation_height, dilation_width
//   pooling_geometry<C>       C has pool_height, pool_width
// and C has besides: input_t, in_height, in_width, in_channels, out_height, out_width, stride_height, stride_width,
// pad_top, pad_bottom, pad_left, pad_right.
#ifndef HLSGEN_SLIDING_WINDOW_H
#define HLSGEN_SLIDING_WINDOW_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C, int window_rows, int window_columns, int window_row_step, int window_column_step>
struct window_geometry {
    typedef typename C::input_t value_t;

    static const int channels = C::in_channels;
    static const int in_height = C::in_height;
    static const int in_width = C::in_width;
    static const int pad_top = C::pad_top;
    static const int pad_left = C::pad_left;
    static const int padded_height = C::pad_top + C::in_height + C::pad_bottom;
    static const int padded_width = C::pad_left + C::in_width + C::pad_right;
    static const int stride_height = C::stride_height;
    static const int stride_width = C::stride_width;

    static const int rows = window_rows;
    static const int columns = window_columns;
    static const int row_step = window_row_step;
    static const int column_step = window_column_step;
    static const int height = (rows - 1) * row_step + 1;
    static const int width = (columns - 1) * column_step + 1;
    static const int row_size = width * channels;    // elements of one row of the shift window
    static const int window_size = rows * row_size;  // the shift window: [rows][width][channels]
    static const int tap_count = rows * columns;
    static const int taps_size = tap_count * channels;  // the cells alone: [rows][columns][channels]

    static const int lines = height - 1;                    // image rows remembered above the current one
    static const int stored_lines = lines > 0 ? lines : 1;  // an array cannot be empty

    static_assert((padded_height - height) / stride_height + 1 == C::out_height, "out_height does not fit the window");
    static_assert((padded_width - width) / stride_width + 1 == C::out_width, "out_width does not fit the window");
};

template <class C>
struct convolution_geometry
    : window_geometry<C, C::kernel_height, C::kernel_width, C::dilation_height, C::dilation_width> {};

template <class C>
struct pooling_geometry : window_geometry<C, C::pool_height, C::pool_width, 1, 1> {};

// How many of the `size` padded positions from `start` lie on the image, which has `length` positions from `pad` on.
inline int positions_inside(int start, int size, int pad, int length) {
#pragma HLS INLINE
    const int first = start > pad ? start : pad;
    const int end = start + size < pad + length ? start + size : pad + length;
    return end - first;
}

// How many cells of the (undilated) window whose corner is at padded (row, column) lie on the image.
template <class G>
int cells_inside(int row, int column) {
#pragma HLS INLINE
    return positions_inside(row, G::height, G::pad_top, G::in_height) *
           positions_inside(column, G::width, G::pad_left, G::in_width);
}

// The cells of the window whose corner is at padded (row, column), from an image held in an array.
template <class G>
void gather_window(const typename G::value_t image[G::in_height * G::in_width * G::channels], int row, int column,
                   const typename G::value_t& fill, typename G::value_t taps[G::taps_size]) {
#pragma HLS INLINE
GatherRow:
    for (int r = 0; r < G::rows; r++) {
#pragma HLS UNROLL
    GatherColumn:
        for (int k = 0; k < G::columns; k++) {
#pragma HLS UNROLL
            const int image_row = row + r * G::row_step - G::pad_top;
            const int image_column = column + k * G::column_step - G::pad_left;
            const bool inside = image_row >= 0 && image_row < G::in_height && image_column >= 0 &&
                                image_column < G::in_width;
            const int from = (image_row * G::in_width + image_column) * G::channels;
            const int to = (r * G::columns + k) * G::channels;
        GatherChannel:
            for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
                taps[to + c] = inside ? image[from + c] : fill;
            }
        }
    }
}

// Walks over the padded image in raster order and knows where a window of the output ends.
template <class G>
struct raster {
    int row = 0;
    int column = 0;
    int end_row = G::height - 1;  // where the current, or else the next, window of the output ends
    int end_column = G::width - 1;

    bool on_columns() const { return column >= G::pad_left && column < G::pad_left + G::in_width; }
    bool on_rows() const { return row >= G::pad_top && row < G::pad_top + G::in_height; }
    bool on_image() const { return on_rows() && on_columns(); }
    bool completes_window() const { return row == end_row && column == end_column; }
    int corner_row() const { return row - (G::height - 1); }
    int corner_column() const { return column - (G::width - 1); }

    void advance() {
#pragma HLS INLINE
        if (column == end_column) end_column += G::stride_width;
        column++;
        if (column == G::padded_width) next_row();
    }

    void next_row() {
#pragma HLS INLINE
        column = 0;
        end_column = G::width - 1;
        if (row == end_row) end_row += G::stride_height;
        row++;
    }
};

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
void start_window(const typename G::value_t& fill, typename G::value_t window[G::window_size]) {
#pragma HLS INLINE
StartCell:
    for (int i = 0; i < G::window_size; i++) {
#pragma HLS UNROLL
        window[i] = fill;
    }
}

// Moves the window one column to the left. Its last column is stale until enter_column.
template <class G>
void shift_columns(typename G::value_t window[G::window_size]) {
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
void enter_column(const typename G::value_t lines[G::stored_lines][G::in_width][G::channels],
                  const typename G::value_t pixel[G::channels], bool on_columns, int x,
                  const typename G::value_t& fill, typename G::value_t window[G::window_size]) {
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
void shift_lines(const typename G::value_t pixel[G::channels], int x,
                 typename G::value_t lines[G::stored_lines][G::in_width][G::channels]) {
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
                  typename G::value_t lines[G::stored_lines][G::in_width][G::channels],
                  typename G::value_t window[G::window_size]) {
#pragma HLS INLINE
    typename G::value_t pixel[G::channels];
#pragma HLS ARRAY_PARTITION variable=pixel complete
    const bool on_columns = at.on_columns();
    const int image_column = on_columns ? at.column - G::pad_left : 0;
    next_pixel<G>(x, at.on_image(), fill, pixel);
    shift_columns<G>(window);
    enter_column<G>(lines, pixel, on_columns, image_column, fill, window);
    if (G::lines > 0 && on_columns) shift_lines<G>(pixel, image_column, lines);
}

// The cells of a dilated window, without the columns between them.
template <class G>
void select_cells(const typename G::value_t window[G::window_size], typename G::value_t taps[G::taps_size]) {
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
                taps[(r * G::columns + k) * G::channels + c] =
                    window[r * G::row_size + k * G::column_step * G::channels + c];
            }
        }
    }
}

}  // namespace hlsgen

#endif
