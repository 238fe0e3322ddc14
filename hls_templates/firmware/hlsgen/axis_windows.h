// Windows along one axis, each with a place and a size of its own. Of x, [outer][extent][inner], output j sees the cells
// last[j], last[j] - 1, ... along the axis:
//   sums_along_axis(x, y, last, w)        y[o][j][i] = sum over t < taps of w[j][t] * x[o][last[j] - t][i]
//   largest_along_axis(x, y, last, size)  y[o][j][i] = the largest of x[o][last[j] - t][i] over t < size[j]
//
// Config C
//   input_t, output_t       element types
//   outer, extent, inner    x is [outer][extent][inner]
//   count, taps             y is [outer][count][inner]; cells of the largest window
//   passes                  see below
//   last_word               stores the places
//   size_word               (largest) stores the sizes
//   weight_t, weight_word   (sums) type of w, and what stores its mantissas
//   sum_t, accum_t          (sums) holds a sum exactly; the type that is cast to before output_t
//   reuse_factor
// Constants: last[count], which never falls; w[count][taps], zero beyond a window's first cell; size[count], from 1 on.
// Streams: X::size == Y::size, dividing inner. A row is what lies behind one cell of the axis. It is read in one pass
// over its packs, in which the window that ends with it is written; every other that ends there has a pass of its own.
// passes counts those of an outer index. taps rows are remembered.
// Cycles: inner / X::size * (1 + outer * passes * reuse_factor)
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)); y = cast<output_t>(largest cell).
#ifndef HLSGEN_AXIS_WINDOWS_H
#define HLSGEN_AXIS_WINDOWS_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// ---- one element of window j; cells[t] is its cell number t, counted from the last ----

template <class C>
struct window_sum {
    typedef rom<typename C::weight_word, C::count * C::taps> constants;

    static typename C::output_t of(const typename C::input_t cells[C::taps], int j, constants w) {
#pragma HLS INLINE
        typename C::sum_t total = zero<typename C::sum_t>();
    Tap:
        for (int t = 0; t < C::taps; t++) {
#pragma HLS UNROLL
            accumulate(total, cells[t] * from_mantissa<typename C::weight_t>(w[j * C::taps + t]));
        }
        return cast<typename C::output_t>(cast<typename C::accum_t>(total));
    }
};

template <class C>
struct window_largest {
    typedef rom<typename C::size_word, C::count> constants;

    static typename C::output_t of(const typename C::input_t cells[C::taps], int j, constants size) {
#pragma HLS INLINE
        typename C::input_t largest = cells[0];
    Tap:
        for (int t = 1; t < C::taps; t++) {
#pragma HLS UNROLL
            if (t < int(size[j])) largest = select(cells[t] > largest, cells[t], largest);
        }
        return cast<typename C::output_t>(largest);
    }
};

// ---- arrays ----

template <class C, class Window>
void along_axis(const typename C::input_t x[C::outer * C::extent * C::inner],
                typename C::output_t y[C::outer * C::count * C::inner], const typename C::last_word last[C::count],
                typename Window::constants constants) {
#pragma HLS INLINE
Outer:
    for (int o = 0; o < C::outer; o++) {
#pragma HLS UNROLL
    Window:
        for (int j = 0; j < C::count; j++) {
#pragma HLS UNROLL
        Inner:
            for (int i = 0; i < C::inner; i++) {
#pragma HLS UNROLL
                typename C::input_t cells[C::taps];
#pragma HLS ARRAY_PARTITION variable=cells complete
            Cell:
                for (int t = 0; t < C::taps; t++) {
#pragma HLS UNROLL
                    const int place = int(last[j]) < t ? 0 : int(last[j]) - t;
                    cells[t] = x[(o * C::extent + place) * C::inner + i];
                }
                y[(o * C::count + j) * C::inner + i] = Window::of(cells, j, constants);
            }
        }
    }
}

template <class C>
void sums_along_axis(const typename C::input_t x[C::outer * C::extent * C::inner],
                     typename C::output_t y[C::outer * C::count * C::inner],
                     rom<typename C::last_word, C::count> last, typename window_sum<C>::constants w) {
#pragma HLS PIPELINE II=C::reuse_factor
    along_axis<C, window_sum<C>>(x, y, last, w);
}

template <class C>
void largest_along_axis(const typename C::input_t x[C::outer * C::extent * C::inner],
                        typename C::output_t y[C::outer * C::count * C::inner],
                        rom<typename C::last_word, C::count> last, typename window_largest<C>::constants size) {
#pragma HLS PIPELINE II=C::reuse_factor
    along_axis<C, window_largest<C>>(x, y, last, size);
}

// ---- streams ----

// Which row was read last, and which window is written next.
template <class C>
struct axis_walk {
    counter<C::extent - 1> row = 0;
    counter<C::count> window = 0;
    bool reads = true;  // whether the pass reads its row

    bool ends(int j, const typename C::last_word last[C::count]) const {
#pragma HLS INLINE
        return j < C::count && int(last[j < C::count ? j : C::count - 1]) == int(row);
    }
    bool writes(const typename C::last_word last[C::count]) const {
#pragma HLS INLINE
        return ends(window, last);
    }
    // Behind a pass.
    void advance(const typename C::last_word last[C::count]) {
#pragma HLS INLINE
        const int next = writes(last) ? int(window) + 1 : int(window);
        const bool stays = ends(next, last);
        const bool begins = !stays && int(row) == C::extent - 1;
        window = begins ? 0 : next;
        row = begins ? 0 : stays ? int(row) : int(row) + 1;
        reads = !stays;
    }
};

// The words of the remembered rows at pack p, the newest first, behind what the pass reads. Each memory is read and
// written once.
template <class C, int packs, class X>
void take_pack(hls::stream<X>& x, bool reads, int p, X lines[C::taps][packs], X column[C::taps]) {
#pragma HLS INLINE
    X before[C::taps];
#pragma HLS ARRAY_PARTITION variable=before complete
Line:
    for (int t = 0; t < C::taps; t++) {
#pragma HLS UNROLL
        before[t] = lines[t][p];
    }
    if (reads) {
        column[0] = x.read();
    } else {
        column[0] = before[0];
    }
Shift:
    for (int t = 1; t < C::taps; t++) {
#pragma HLS UNROLL
        column[t] = reads ? before[t - 1] : before[t];
    }
Keep:
    for (int t = 0; t < C::taps; t++) {
#pragma HLS UNROLL
        lines[t][p] = column[t];
    }
}

// A word of the output.
template <class C, class Window, class Y, class X>
Y word_along_axis(const X column[C::taps], int j, typename Window::constants constants) {
#pragma HLS INLINE
    Y result;
Element:
    for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
        typename C::input_t cells[C::taps];
#pragma HLS ARRAY_PARTITION variable=cells complete
    Cell:
        for (int t = 0; t < C::taps; t++) {
#pragma HLS UNROLL
            cells[t] = column[t].data[i];
        }
        result.data[i] = Window::of(cells, j, constants);
    }
    return result;
}

template <class C, class Window, class X, class Y>
void along_axis(hls::stream<X>& x, hls::stream<Y>& y, const typename C::last_word last[C::count],
                typename Window::constants constants) {
#pragma HLS INLINE
    static_assert(X::size == Y::size && C::inner % X::size == 0, "packs of equal size must fill a row exactly");
    const int packs = C::inner / X::size;
    X lines[C::taps][packs];
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS AGGREGATE variable=lines compact=bit
Clear:  // what no window reads, or weighs with zero, is defined
    for (int p = 0; p < packs; p++) {
#pragma HLS PIPELINE II=1
    ClearLine:
        for (int t = 0; t < C::taps; t++) {
#pragma HLS UNROLL
        ClearElement:
            for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
                lines[t][p].data[i] = zero<typename C::input_t>();
            }
        }
    }
    axis_walk<C> at;
Outer:
    for (int o = 0; o < C::outer; o++) {
    Pass:
        for (int s = 0; s < C::passes; s++) {
        Pack:
            for (int p = 0; p < packs; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
#pragma HLS DEPENDENCE variable=lines type=inter dependent=true distance=packs
                X column[C::taps];
#pragma HLS ARRAY_PARTITION variable=column complete
                take_pack<C, packs>(x, at.reads, p, lines, column);
                if (at.writes(last)) y.write(word_along_axis<C, Window, Y>(column, at.window, constants));
                if (p == packs - 1) at.advance(last);
            }
        }
    }
}

template <class C, class X, class Y>
void sums_along_axis(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::last_word, C::count> last,
                     typename window_sum<C>::constants w) {
#pragma HLS INLINE off
    along_axis<C, window_sum<C>>(x, y, last, w);
}

template <class C, class X, class Y>
void largest_along_axis(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::last_word, C::count> last,
                        typename window_largest<C>::constants size) {
#pragma HLS INLINE off
    along_axis<C, window_largest<C>>(x, y, last, size);
}

}  // namespace hlsgen

#endif
