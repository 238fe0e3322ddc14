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
//   turns                   steps that a window takes: tap_turns * output_turns, which divide n_taps and n_out
//   tap_turns, output_turns each output's taps are shared over the first, groups of outputs over the second
//   multipliers             n_out * n_taps / turns with strategy resource, what the tool may use with latency
//   interval                cycles a turn: latency shares multipliers by it, resource has 1
//   adders                  if there, add_to(cells, sum) of it takes the place of products, as in matvec.h
// Constants: b[n_out] and w, [n_out][kernel_height][kernel_width] or, of several turns, [multipliers][turns]: multiplier
// l * (n_taps / tap_turns) + m has in turn k * tap_turns + i the weight of output l * output_turns + k and tap
// m * tap_turns + i. With adders, these.
// Streams: a pack is a pixel, X::size == in_channels, Y::size == n_out. The whole image is consumed.
// Cycles: ((pad_top + in_height + pad_bottom) * (pad_left + in_width + pad_right)
//     + out_height * out_width * (turns - 1)) * interval
//   arrays: out_height * out_width * turns * interval
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)).
#ifndef HLSGEN_DEPTHWISE_CONV2D_H
#define HLSGEN_DEPTHWISE_CONV2D_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/matvec.h>
#include <hlsgen/mux.h>
#include <hlsgen/pack.h>
#include <hlsgen/sliding_window.h>
#include <hlsgen/sums.h>

namespace hlsgen {
namespace detail {

// ---- one turn ----

enum class depthwise_form { turn, turns, adders };

template <class C, depthwise_form F> struct depthwise_by;

template <class C> struct depthwise_by<C, depthwise_form::turn> {
    static_assert(C::n_out == C::in_channels * C::depth_multiplier, "n_out counts the channels of the output");
    static_assert(C::n_taps == C::kernel_height * C::kernel_width, "n_taps counts the cells of the kernel");
    typedef rom<typename C::weight_word, C::n_out * C::n_taps> weights;

    struct turn_of {
        bool is_first() const { return true; }
        bool is_last() const { return true; }
        void advance() {}
    };

    // Where the weight of a tap is. (The emulator takes one turn with the constants of several.)
    static int place(int output, int tap) {
#pragma HLS INLINE
        if (C::output_turns == 1 || C::tap_turns == C::n_taps) return output * C::n_taps + tap;
        const int multiplier =
            output / C::output_turns * (C::n_taps / C::tap_turns) + tap / C::tap_turns;
        return multiplier * C::turns + output % C::output_turns * C::tap_turns + tap % C::tap_turns;
    }

    template <class Cells>
    static void turn(const turn_of&, const Cells& cells, weights w, const typename C::bias_word b[C::n_out],
                     typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
    Output:
        for (int o = 0; o < C::n_out; o++) {
#pragma HLS UNROLL
            typename C::sum_t total = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[o]));
        Tap:
            for (int t = 0; t < C::n_taps; t++) {
#pragma HLS UNROLL
                accumulate(total, cell<depthwise_geometry<C>>(cells, t, o / C::depth_multiplier) *
                                      from_mantissa<typename C::weight_t>(w[place(o, t)]));
            }
            sum[o] = total;
        }
    }
};

// A lane of multipliers computes output_turns outputs, one after the other, each in tap_turns turns.
template <class C> struct depthwise_by<C, depthwise_form::turns> {
    static_assert(C::turns == C::tap_turns * C::output_turns, "every turn is one of an output's");
    static_assert(C::turns * C::multipliers == C::n_out * C::n_taps, "each turn has as many products");
    typedef const typename C::weight_word (&weights)[C::multipliers][C::turns];
    static const int lanes = C::n_out / C::output_turns;
    static const int parts = C::n_taps / C::tap_turns;  // multipliers of a lane

    struct turn_of {
        counter<C::turns - 1> number = 0;
        counter<C::output_turns - 1> output = 0;
        counter<C::tap_turns - 1> tap = 0;

        bool is_first() const { return int(number) == 0; }
        bool is_last() const { return int(number) == C::turns - 1; }
        bool begins_output() const { return int(tap) == 0; }
        bool ends_output() const { return int(tap) == C::tap_turns - 1; }
        void advance() {
#pragma HLS INLINE
            output = is_last() ? 0 : ends_output() ? int(output) + 1 : int(output);
            tap = ends_output() ? 0 : int(tap) + 1;
            number = is_last() ? 0 : int(number) + 1;
        }
    };

    // What multiplier m of a lane sees: of its taps the turn's, in the channel of the lane's output.
    template <class Cells>
    static typename C::input_t input(const turn_of& turn, const Cells& cells, int lane, int m) {
#pragma HLS INLINE
        typename C::input_t of_outputs[C::output_turns];
#pragma HLS ARRAY_PARTITION variable=of_outputs complete
    Output:
        for (int k = 0; k < C::output_turns; k++) {
#pragma HLS UNROLL
            const int channel = (lane * C::output_turns + k) / C::depth_multiplier;
            typename C::input_t of_taps[C::tap_turns];
#pragma HLS ARRAY_PARTITION variable=of_taps complete
        Tap:
            for (int i = 0; i < C::tap_turns; i++) {
#pragma HLS UNROLL
                of_taps[i] = cell<depthwise_geometry<C>>(cells, m * C::tap_turns + i, channel);
            }
            of_outputs[k] = mux<C::tap_turns>(of_taps, 0, turn.tap);
        }
        return mux<C::output_turns>(of_outputs, 0, turn.output);
    }

    // The output that a lane is at adds up in the last of its sums, which move up when it is complete: behind the last
    // turn they are in order.
    template <class Cells>
    static void turn(const turn_of& turn, const Cells& cells, weights w, const typename C::bias_word b[C::n_out],
                     typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
    Lane:
        for (int l = 0; l < lanes; l++) {
#pragma HLS UNROLL
            const int first = l * C::output_turns;
            const int last = first + C::output_turns - 1;
            const typename C::sum_t start = start_sum<typename C::sum_t>(
                from_mantissa<typename C::bias_t>(mux<C::output_turns>(b, first, turn.output)));
            typename C::sum_t total = turn.begins_output() ? start : sum[last];
            typename C::sum_t added = zero<typename C::sum_t>();
        Multiplier:
            for (int m = 0; m < parts; m++) {
#pragma HLS UNROLL
                accumulate(added, input(turn, cells, l, m) *
                                      from_mantissa<typename C::weight_t>(w[l * parts + m][turn.number]));
            }
            accumulate(total, added);
            if (turn.begins_output()) {
            Move:
                for (int o = first; o < last; o++) {
#pragma HLS UNROLL
                    sum[o] = sum[o + 1];
                }
            }
            sum[last] = total;
        }
    }
};

// Sums that outputs have in common are computed once; nothing is multiplied.
template <class C> struct depthwise_by<C, depthwise_form::adders> {
    static_assert(C::turns == 1, "sums of adders take one turn");
    typedef const typename C::adders& weights;
    typedef only_turn turn_of;

    static void turn(const turn_of&, const typename C::input_t cells[depthwise_geometry<C>::taps_size], weights,
                     const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
        sum_by_adders<C, depthwise_geometry<C>::taps_size>(cells, b, sum);
    }
};

template <class C>
constexpr depthwise_form depthwise_form_of() {
    return adds<C>() ? depthwise_form::adders : turns_of<C>() == 1 ? depthwise_form::turn : depthwise_form::turns;
}

template <class C> using depthwise_of = depthwise_by<C, depthwise_form_of<C>()>;

}  // namespace detail

template <class C> using depthwise_weights = typename detail::depthwise_of<C>::weights;
template <class C> using depthwise_turn_of = typename detail::depthwise_of<C>::turn_of;

// ---- over an image in an array ----

template <class C>
void depthwise_conv2d(const typename C::input_t x[C::in_height * C::in_width * C::in_channels],
                      typename C::output_t y[C::out_height * C::out_width * C::n_out], depthwise_weights<C> w,
                      rom<typename C::bias_word, C::n_out> b) {
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    typedef depthwise_geometry<C> G;
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
    typename C::input_t cells[G::taps_size];
#pragma HLS ARRAY_PARTITION variable=cells complete
    typename C::sum_t sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
    depthwise_turn_of<C> turn;
Row:
    for (int row = 0; row < C::out_height; row++) {
    Column:
        for (int column = 0; column < C::out_width; column++) {
        Turn:
            for (int t = 0; t < turns_of<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
                gather_window<G>(x, row * C::stride_height, column * C::stride_width, zero, cells);
                detail::depthwise_of<C>::turn(turn, cells, w, b, sum);
                if (turn.is_last()) {
                    cast_sums<C>(sum, result);
                    put_pixel<C::n_out>(result, row * C::out_width + column, y);
                }
                turn.advance();
            }
        }
    }
}

// ---- over a stream of pixels ----

// One turn with the shift window.
template <class C>
void depthwise_turn(const depthwise_turn_of<C>& turn, const shift_window<depthwise_geometry<C>>& window,
                    depthwise_weights<C> w, const typename C::bias_word b[C::n_out],
                    typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
    if (C::dilation_width == 1) {
        detail::depthwise_of<C>::turn(turn, window, w, b, sum);
    } else {
        window_cells<depthwise_geometry<C>> cells;
#pragma HLS ARRAY_PARTITION variable=cells complete
        select_cells<depthwise_geometry<C>>(window, cells);
        detail::depthwise_of<C>::turn(turn, cells, w, b, sum);
    }
}

// One loop over padded positions, of which those that complete a window of the output stay for its turns.
template <class C, class X, class Y>
void depthwise_conv2d(hls::stream<X>& x, hls::stream<Y>& y, depthwise_weights<C> w,
                      rom<typename C::bias_word, C::n_out> b) {
#pragma HLS INLINE off
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    static_assert(Y::size == C::n_out, "a pack of the output is one pixel");
    typedef depthwise_geometry<C> G;
    const typename C::input_t zero = hlsgen::zero<typename C::input_t>();
    const int steps = G::padded_height * G::padded_width + C::out_height * C::out_width * (turns_of<C>() - 1);
    line_buffer<G> lines;
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_RESHAPE variable=lines complete dim=3
    shift_window<G> window;
#pragma HLS ARRAY_PARTITION variable=window complete
    start_window<G>(zero, window);
    typename C::sum_t sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    raster<G> at;
    depthwise_turn_of<C> turn;
Step:
    for (int step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=C::interval
#pragma HLS DEPENDENCE variable=lines type=inter dependent=true distance=G::padded_width
        if (turn.is_first()) slide_window<G>(x, at, zero, lines, window);
        const bool leaves = !at.completes_window() || turn.is_last();
        if (at.completes_window()) {
            depthwise_turn<C>(turn, window, w, b, sum);
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
