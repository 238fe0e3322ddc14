// The geometry of windows that slide over an image, for convolutions and pooling, and windows of an image in an array.
//
// An image is [in_height][in_width][in_channels]. Around it lie pad_top, pad_bottom, pad_left and pad_right lines of a
// constant called `fill`; "padded" coordinates count from the corner of that frame. A window has rows x columns cells,
// row_step and column_step apart, and so spans height x width padded pixels.
//
// The geometry G is one of
//   convolution_geometry<C>   C has kernel_height, kernel_width, dilation_height, dilation_width, and may have groups
//   depthwise_geometry<C>     the same, without groups
//   pooling_geometry<C>       C has pool_height, pool_width
// and C has besides: input_t, in_height, in_width, in_channels, out_height, out_width, stride_height, stride_width,
// pad_top, pad_bottom, pad_left, pad_right.
#ifndef HLSGEN_WINDOW_GEOMETRY_H
#define HLSGEN_WINDOW_GEOMETRY_H

#include <hlsgen/arith.h>
#include <hlsgen/groups.h>

namespace hlsgen {

template <class C, int window_rows, int window_columns, int window_row_step, int window_column_step,
          int channel_groups = 1>
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
    static const int groups = channel_groups;  // of channels that are read by different outputs
    static const int group_channels = channels / groups;
    static const int taps_size = tap_count * channels;  // the cells alone: [groups][rows][columns][group_channels]

    static const int lines = height - 1;                    // image rows remembered above the current one
    static const int stored_lines = lines > 0 ? lines : 1;  // an array cannot be empty

    static_assert((padded_height - height) / stride_height + 1 == C::out_height, "out_height does not fit the window");
    static_assert((padded_width - width) / stride_width + 1 == C::out_width, "out_width does not fit the window");
};

template <class C>
struct convolution_geometry
    : window_geometry<C, C::kernel_height, C::kernel_width, C::dilation_height, C::dilation_width, groups_of<C>()> {};

template <class C>
struct depthwise_geometry : convolution_geometry<C> {};

template <class C>
struct pooling_geometry : window_geometry<C, C::pool_height, C::pool_width, 1, 1> {};

// How many of the `size` padded positions from `start` lie on the image, which has `length` positions from `pad` on.
inline int positions_inside(int start, int size, int pad, int length) {
#pragma HLS INLINE
    const int first = start > pad ? start : pad;
    const int end = start + size < pad + length ? start + size : pad + length;
    return end - first;
}

// Where channel c of cell number t stands among the cells.
template <class G>
constexpr int place_of(int t, int c) {
    return (c / G::group_channels * G::tap_count + t) * G::group_channels + c % G::group_channels;
}

// Channel c of cell number t.
template <class G>
typename G::value_t cell(const typename G::value_t cells[G::taps_size], int t, int c) {
#pragma HLS INLINE
    return cells[place_of<G>(t, c)];
}

// The cells of the window whose corner is at padded (row, column), from an image held in an array.
template <class G>
void gather_window(const typename G::value_t image[G::in_height * G::in_width * G::channels], int row, int column,
                   const typename G::value_t& fill, typename G::value_t cells[G::taps_size]) {
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
        GatherChannel:
            for (int c = 0; c < G::channels; c++) {
#pragma HLS UNROLL
                cells[place_of<G>(r * G::columns + k, c)] = inside ? image[from + c] : fill;
            }
        }
    }
}

// Puts a pixel into an image held in an array, at position p.
template <int channels, class T>
void put_pixel(const T pixel[channels], int p, T* image) {
#pragma HLS INLINE
PutChannel:
    for (int c = 0; c < channels; c++) {
#pragma HLS UNROLL
        image[p * channels + c] = pixel[c];
    }
}

// Whether a padded position lies on the image, which has `length` positions from `pad` on.
inline bool is_inside(int at, int pad, int length) {
#pragma HLS INLINE
    return at >= pad && at < pad + length;
}

// Walks over the padded image in raster order and knows where a window of the output ends.
template <class G>
struct raster {
    counter<G::padded_height> row = 0;
    counter<G::padded_width> column = 0;
    // where the current, or else the next, window of the output ends
    counter<G::padded_height + G::stride_height> end_row = G::height - 1;
    counter<G::padded_width + G::stride_width> end_column = G::width - 1;

    bool on_columns() const { return is_inside(column, G::pad_left, G::in_width); }
    bool on_rows() const { return is_inside(row, G::pad_top, G::in_height); }
    bool on_image() const { return on_rows() && on_columns(); }
    bool completes_window() const { return row == end_row && column == end_column; }
    int corner_row() const { return int(row) - (G::height - 1); }
    int corner_column() const { return int(column) - (G::width - 1); }

    void advance() {
#pragma HLS INLINE
        if (column == end_column) end_column = int(end_column) + G::stride_width;
        if (int(column) == G::padded_width - 1) {
            next_row();
        } else {
            column = int(column) + 1;
        }
    }

    void next_row() {
#pragma HLS INLINE
        column = 0;
        end_column = G::width - 1;
        if (row == end_row) end_row = int(end_row) + G::stride_height;
        row = int(row) + 1;
    }
};

}  // namespace hlsgen

#endif
