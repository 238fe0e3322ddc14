// The sliding windows of emulation: the cells of firmware/hlsgen/sliding_window.h, without moving them.
//
// A pixel enters the line buffer once, in the form its consumer multiplies by (see dot.h), and stays where it is. The
// lines lie in a ring with the padding around them; a window is a pointer into each of its rows.
// Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/sliding_window.h>
#endif
#ifndef HLSGEN_SLIDING_WINDOW_H
#define HLSGEN_SLIDING_WINDOW_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/matvec.h>
#include <hlsgen/pack.h>
#include <hlsgen/pool.h>
#include <hlsgen/window_geometry.h>

namespace hlsgen {
namespace window {

// Pixels as they are: for pooling, depthwise convolution, and products of words that cannot be packed.
template <class G> struct plain_pixels {
    typedef typename G::value_t value_t;
    typedef value_t unit;
    static const bool packed = false, ranged = false;
    static const int units = G::channels;  // of a pixel
    static const int step = 1, margin = 0;

    void start_line(const value_t&) {}
    HLSGEN_INLINE void put(const value_t* pixel, const value_t&, unit* to) {
        for (int c = 0; c < G::channels; c++) to[c] = pixel[c];
    }
    HLSGEN_INLINE static unit filled(const value_t& fill) { return fill; }
};

// Pixels whose channels fill units exactly.
template <class C, class G> struct aligned_pixels {
    typedef dot::product<C> P;
    typedef typename P::unit shape;
    typedef typename G::value_t value_t;
    typedef dot::v32 unit;
    static const bool packed = true, ranged = P::wide;
    static const int units = G::channels / shape::group;
    static const int step = 1, margin = 0;

    void start_line(const value_t&) {}
    HLSGEN_INLINE void put(const value_t* pixel, const value_t&, unit* to) {
        for (int u = 0; u < units; u++) {
            dot::vec<int16_t> stored[shape::group];
            for (int g = 0; g < shape::group; g++) stored[g] = P::stored(pixel[u * shape::group + g]);
            to[u] = shape::unit(stored);
        }
    }
    HLSGEN_INLINE static unit filled(const value_t& fill) {
        dot::vec<int16_t> stored[shape::group];
        for (int g = 0; g < shape::group; g++) stored[g] = P::stored(fill);
        return shape::unit(stored);
    }
};

// Pixels of any number of channels: a unit begins at every value of the line, so that segments may begin anywhere. Those
// that reach beyond the newest pixel hold fill there and are made again with the next.
template <class C, class G> struct overlapping_pixels {
    typedef dot::product<C> P;
    typedef typename P::unit shape;
    typedef typename G::value_t value_t;
    typedef dot::v32 unit;
    static const bool packed = true, ranged = P::wide;
    static const int units = G::channels;
    static const int step = shape::group;
    static const int margin = shape::group - 1;  // units that begin before the line

    dot::vec<int16_t> recent[margin + G::channels + margin] = {};  // the values before the pixel, the pixel, fill

    void start_line(const value_t& fill) {
        for (int i = 0; i < margin; i++) recent[i] = P::stored(fill);
    }
    HLSGEN_INLINE void put(const value_t* pixel, const value_t& fill, unit* to) {
        for (int c = 0; c < G::channels; c++) recent[margin + c] = P::stored(pixel[c]);
        for (int i = 0; i < margin; i++) recent[margin + G::channels + i] = P::stored(fill);
        for (int u = 0; u < margin + G::channels; u++) to[u - margin] = shape::unit(recent + u);
        for (int i = 0; i < margin; i++) recent[i] = recent[G::channels + i];
    }
    HLSGEN_INLINE static unit filled(const value_t& fill) { return aligned_pixels<C, G>::filled(fill); }
};

// How the consumer of G wants its pixels.
template <class G> struct pixels { typedef plain_pixels<G> type; };
template <class C> struct pixels<convolution_geometry<C> > {
    typedef convolution_geometry<C> G;
    static const bool packed = dot::product<C>::kind == dot::path::packed;
    static const bool aligned = G::group_channels % dot::product<C>::unit::group == 0;
    typedef typename dot::either<aligned_pixels<C, G>, overlapping_pixels<C, G>, aligned>::type units;
    typedef typename dot::either<units, plain_pixels<G>, packed>::type type;
};

}  // namespace window

// The lines of the padded image that the current window touches.
template <class G> class line_buffer {
    typedef typename window::pixels<G>::type form;
    typedef typename form::unit unit;
    typedef typename G::value_t value_t;
    static const int line_units = form::margin + G::padded_width * form::units;
    static const int all_lines = G::height + 1;  // a ring, and a line of padding
    static const int ranges = form::ranged ? G::padded_width : 1;

    pool::scratch<unit> memory{size_t(all_lines) * line_units};
    dot::range extents[all_lines][ranges];  // of the stored values of each pixel
    form pixel_form;

    static int index_of(int row) {
        return row >= G::pad_top && row < G::pad_top + G::in_height ? row % G::height : G::height;
    }
    unit* line(int index) { return memory.data() + size_t(index) * line_units + form::margin; }

    static dot::range extent_of(const value_t* values, int n) {
        dot::extent<typename form::P::extent_word> all;
        for (int i = 0; i < n; i++) all.add(form::P::stored(values[i]));
        return all.over_lanes();
    }

    void fill_columns(int index, int first, int end, const value_t& fill) {
        const unit filled = form::filled(fill);
        for (int u = first * form::units; u < end * form::units; u++) line(index)[u] = filled;
        if constexpr (form::ranged)
            for (int x = first; x < end; x++) extents[index][x] = extent_of(&fill, 1);
    }

public:
    // Before an image: fills the padding.
    void start(const value_t& fill) {
        for (int l = 0; l < G::height; l++) {
            fill_columns(l, 0, G::pad_left, fill);
            fill_columns(l, G::pad_left + G::in_width, G::padded_width, fill);
        }
        if (G::padded_height > G::in_height) fill_columns(G::height, 0, G::padded_width, fill);
    }

    // A pixel of the image, at padded coordinates.
    HLSGEN_INLINE void enter(int row, int column, const value_t* pixel, const value_t& fill) {
        const int index = index_of(row);
        if (column == G::pad_left) pixel_form.start_line(fill);
        pixel_form.put(pixel, fill, line(index) + column * form::units);
        if constexpr (form::ranged) extents[index][column] = extent_of(pixel, G::channels);
    }

    const unit* units_of(int row) { return line(index_of(row)); }
    const dot::range* extents_of(int row) const { return extents[index_of(row)]; }
};

// A window: where each of its rows begins.
template <class G> struct shift_window {
    typedef typename window::pixels<G>::type form;

    const typename form::unit* rows[G::rows] = {};
    const dot::range* extents[G::rows] = {};
    int column = 0;

    HLSGEN_INLINE void enter_row(line_buffer<G>& lines, int row) {
        for (int r = 0; r < G::rows; r++) {
            const int here = row - (G::height - 1) + r * G::row_step;
            rows[r] = lines.units_of(here);
            extents[r] = lines.extents_of(here);
        }
    }
    // The cell in row r and column k of the window.
    HLSGEN_INLINE const typename form::unit* at(int r, int k) const {
        return rows[r] + (column + k * G::column_step) * form::units;
    }
    HLSGEN_INLINE dot::range extent() const {
        dot::range all = {0, 0};
        for (int r = 0; r < G::rows; r++)
            for (int x = column; x < column + G::width; x++) {
                if (extents[r][x].low < all.low) all.low = extents[r][x].low;
                if (extents[r][x].high > all.high) all.high = extents[r][x].high;
            }
        return all;
    }
};

template <class G> using window_cells = shift_window<G>;

template <class G> HLSGEN_INLINE typename G::value_t cell(const shift_window<G>& cells, int t, int c) {
    return cells.at(t / G::columns, t % G::columns)[c];
}

template <class G> HLSGEN_INLINE void start_window(const typename G::value_t&, shift_window<G>&) {}
template <class G> HLSGEN_INLINE void select_cells(const shift_window<G>& window, window_cells<G>& cells) { cells = window; }

template <class G, class X>
HLSGEN_INLINE void slide_window(hls::stream<X>& x, const raster<G>& at, const typename G::value_t& fill,
                                line_buffer<G>& lines, shift_window<G>& window) {
    static_assert(X::size == G::channels, "a pack is one pixel");
    if (at.column == 0) {
        if (at.row == 0) lines.start(fill);
        window.enter_row(lines, at.row);
    }
    window.column = at.corner_column();
    if (at.on_image()) {
        long one = 1;
        lines.enter(at.row, at.column, x.front(&one)->data, fill);
        x.pop(1);
    }
}

template <class C, class G>
void matvec_turn(const turn_of<C>&, const shift_window<G>& x, const typename C::weight_word* w,
                 const typename C::bias_word* b, row_sum<C>* sum) {
    typedef typename window::pixels<G>::type form;
    if constexpr (form::packed) {
        constexpr int row_segments = G::column_step == 1 && G::groups == 1 ? 1 : G::columns;
        constexpr int count = G::rows * row_segments;
        const dot::packed_groups<C, count>& forms = dot::packed_groups<C, count>::of(w, b);
        const dot::range values = form::ranged ? x.extent() : dot::range{0, 0};
        for (int g = 0; g < G::groups; g++) {
            const dot::v32* segments[count];
            for (int r = 0; r < G::rows; r++)
                for (int k = 0; k < row_segments; k++)
                    segments[r * row_segments + k] = x.at(r, k) + g * (form::units / G::groups);
            typedef dot::group_of<C> group;
            dot::multiply_packed<group>(segments, form::step, values, *forms.groups[g], sum + g * group::n_out);
        }
    } else {
        typename C::input_t cells[G::taps_size];
        for (int t = 0; t < G::tap_count; t++)
            for (int c = 0; c < G::channels; c++) cells[place_of<G>(t, c)] = cell<G>(x, t, c);
        matvec<C>(cells, w, b, sum);
    }
}

}  // namespace hlsgen

#endif
