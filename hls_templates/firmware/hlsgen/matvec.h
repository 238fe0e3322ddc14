// sum[j] = b[j] + sum over i of x[first + i] * w[j * n_in + i], exactly: the one primitive of linear layers. The inputs
// of output j begin at `first`: at 0 for all, unless C has groups (groups.h).
//
// A product takes `turns` steps, in each of which `multipliers` products are added up:
//   latency   one turn with all products; the caller's PIPELINE II=C::interval lets the tool share multipliers
//   resource  turns * multipliers == n_in * n_out; a turn reads one word of `multipliers` weights from a ROM
//   ported    resource, but that the words come in at a port of the top function, and so do the biases, all at once
//   loaded    resource, but that the words are rows of bytes that the caller holds, and fills at run time: what includes byte_rows.h
//   unrolled  every product that is not by zero has a turn in a lane of its output; a lane whose weights are all powers
//             of two has no multiplier
//   distributed_arithmetic   one turn without a product: sums of inputs that outputs have in common are computed once
// The products of a turn are added up by themselves, and then to the sum: what a turn waits for of the one before it is
// one adder, however many products there are.
//
// Config C
//   input_t, weight_t, bias_t, weight_word, bias_word
//   sum_t                   holds every total; its step is no coarser than a product's and the bias's
//   n_in                    inputs of an output
//   n_out
//   groups                  if there are several: n_out counts the outputs of all, x has groups * n_in inputs
//   strategy, turns, multipliers, interval
//   adders                  with strategy distributed_arithmetic: add_to(x, sum) adds what the matrix makes of x, exactly
//
// weights<C>                the weights as an argument: [n_out * n_in], resource [multipliers][turns], loaded its bytes, unrolled lanes,
//                           distributed_arithmetic adders
// biases<C>                 the biases as an argument: [n_out]
// turn_of<C>                counts turns: begins with the first, and again after the last
// matvec_turn<C>(turn, x, w, b, sum)   one step; sum is complete behind the last one, and has to stay between them
// matvec<C>(x, w, b, sum)   all turns
#ifndef HLSGEN_MATVEC_H
#define HLSGEN_MATVEC_H

#include <type_traits>

#include <hlsgen/arith.h>
#include <hlsgen/groups.h>
#include <hlsgen/limits.h>
#include <hlsgen/mux.h>

namespace hlsgen {
namespace detail {

// The biases, and what C::adders makes of x added to them.
template <class C, int inputs>
void sum_by_adders(const typename C::input_t x[inputs], const typename C::bias_word b[C::n_out],
                   typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
Start:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        sum[j] = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
    }
    C::adders::template add_to<C>(x, sum);
}

enum class turning { once, by_adders, within_rows, over_rows, in_lanes };

// How the turns of C go through its matrix. Weight m of turn t is number t + turns * m of the matrix.
template <class C>
constexpr turning turning_of() {
    return C::strategy == strategy::latency                  ? turning::once
           : C::strategy == strategy::distributed_arithmetic ? turning::by_adders
           : C::strategy == strategy::unrolled               ? turning::in_lanes
           : C::n_in % C::turns == 0                         ? turning::within_rows
                                                             : turning::over_rows;
}

template <class C, turning T> struct matvec_by;

struct only_turn {
    bool is_first() const { return true; }
    bool is_last() const { return true; }
    void advance() {}
};

template <class C> struct matvec_by<C, turning::once> {
    static_assert(C::turns == 1, "strategy latency takes one turn");
    typedef rom<typename C::weight_word, C::n_in * C::n_out> weights;
    typedef only_turn turn_of;

    static void turn(const turn_of&, const typename C::input_t x[inputs_of<C>()], weights w,
                     const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
    Row:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            typename C::sum_t total = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
        Column:
            for (int i = 0; i < C::n_in; i++) {
#pragma HLS UNROLL
                accumulate(total, x[first_input<C>(j) + i] * from_mantissa<typename C::weight_t>(w[j * C::n_in + i]));
            }
            sum[j] = total;
        }
    }
};

// C::adders writes out how sums of inputs become those of outputs.
template <class C> struct matvec_by<C, turning::by_adders> {
    static_assert(C::turns == 1, "strategy distributed_arithmetic takes one turn");
    typedef const typename C::adders& weights;
    typedef only_turn turn_of;

    static void turn(const turn_of&, const typename C::input_t x[inputs_of<C>()], weights,
                     const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
        sum_by_adders<C, inputs_of<C>()>(x, b, sum);
    }
};

template <class C> struct counted_turn {
    counter<C::turns - 1> number = 0;

    bool is_first() const { return int(number) == 0; }
    bool is_last() const { return int(number) == C::turns - 1; }
    void advance() { number = is_last() ? 0 : int(number) + 1; }
};

// A constant of its size and no other; a port is an array, which has the size that the top function gives it.
template <class C, class Array>
using constant_or_port =
    typename std::conditional<C::strategy == strategy::ported, const Array, const Array&>::type;

// Where the weights of turns are read: in words of one weight, or in rows of bytes (byte_rows.h has those).
template <class C, bool Loaded = C::strategy == strategy::loaded> struct turned {
    typedef constant_or_port<C, typename C::weight_word[C::multipliers][C::turns]> weights;

    static typename C::weight_t weight(weights w, int multiplier, int turn) {
#pragma HLS INLINE
        return from_mantissa<typename C::weight_t>(w[multiplier][turn]);
    }
};

// turns divides n_in: every output has n_in / turns multipliers and takes its part of the row in each turn.
template <class C> struct matvec_by<C, turning::within_rows> {
    static_assert(C::turns * C::multipliers == C::n_in * C::n_out, "each turn has as many products");
    typedef typename turned<C>::weights weights;
    static const int of_output = C::n_in / C::turns;  // multipliers
    static const int parts = groups_of<C>() * of_output;  // inputs of a turn

    typedef counted_turn<C> turn_of;

    static void turn(const turn_of& turn, const typename C::input_t x[inputs_of<C>()], weights w,
                     const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
        typename C::input_t part[parts];
#pragma HLS ARRAY_PARTITION variable=part complete
    Part:
        for (int m = 0; m < parts; m++) {
#pragma HLS UNROLL
            part[m] = mux<C::turns>(x, m * C::turns, turn.number);
        }
    Row:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            const typename C::sum_t start = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
            typename C::sum_t total = turn.is_first() ? start : sum[j];
            typename C::sum_t added = zero<typename C::sum_t>();
        Multiplier:
            for (int m = 0; m < of_output; m++) {
#pragma HLS UNROLL
                accumulate(added, part[j / outputs_of_group<C>() * of_output + m] *
                                      turned<C>::weight(w, j * of_output + m, turn.number));
            }
            accumulate(total, added);
            sum[j] = total;
        }
    }
};

// n_in divides turns, and turns / n_in divides the outputs of a group: each multiplier takes some rows of one group, one
// input in each turn.
template <class C> struct matvec_by<C, turning::over_rows> {
    static_assert(C::turns * C::multipliers == C::n_in * C::n_out, "each turn has as many products");
    static_assert(C::turns % C::n_in == 0 && outputs_of_group<C>() % (C::turns / C::n_in) == 0,
                  "turns must divide n_in, or be n_in times a divisor of a group's outputs");
    typedef typename turned<C>::weights weights;
    static const int rows = C::turns / C::n_in;  // of a multiplier

    struct turn_of {
        counter<C::turns - 1> number = 0;  // row * n_in + input
        counter<rows - 1> row = 0;
        counter<C::n_in - 1> input = 0;

        bool begins_row() const { return int(input) == 0; }
        bool ends_row() const { return int(input) == C::n_in - 1; }
        bool is_first() const { return int(number) == 0; }
        bool is_last() const { return int(number) == C::turns - 1; }
        void advance() {
#pragma HLS INLINE
            row = is_last() ? 0 : ends_row() ? int(row) + 1 : int(row);
            input = ends_row() ? 0 : int(input) + 1;
            number = is_last() ? 0 : int(number) + 1;
        }
    };

    // The row that a multiplier is at adds up in the last of its sums, which move up when it is complete: behind the
    // last turn they are in order.
    static void turn(const turn_of& turn, const typename C::input_t x[inputs_of<C>()], weights w,
                     const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
        typename C::input_t value[groups_of<C>()];
#pragma HLS ARRAY_PARTITION variable=value complete
    Group:
        for (int g = 0; g < groups_of<C>(); g++) {
#pragma HLS UNROLL
            value[g] = mux<C::n_in>(x, g * C::n_in, turn.input);
        }
    Multiplier:
        for (int m = 0; m < C::multipliers; m++) {
#pragma HLS UNROLL
            const int last = (m + 1) * rows - 1;
            const typename C::sum_t start =
                start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(mux<rows>(b, m * rows, turn.row)));
            typename C::sum_t total = turn.begins_row() ? start : sum[last];
            accumulate(total, value[m * rows / outputs_of_group<C>()] * turned<C>::weight(w, m, turn.number));
            if (turn.begins_row()) {
            Move:
                for (int r = m * rows; r < last; r++) {
#pragma HLS UNROLL
                    sum[r] = sum[r + 1];
                }
            }
            sum[last] = total;
        }
    }
};

// Lanes: in each turn each has one input and one weight, and adds to one output. C::lanes writes them out.
template <class C> struct matvec_by<C, turning::in_lanes> {
    typedef const typename C::lanes& weights;
    typedef counted_turn<C> turn_of;

    static void turn(const turn_of& turn, const typename C::input_t x[inputs_of<C>()], weights,
                     const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
        typename C::sum_t added[C::n_out];
#pragma HLS ARRAY_PARTITION variable=added complete
    Start:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            added[j] = zero<typename C::sum_t>();
        }
        C::lanes::template turn<C>(turn.number, x, added);
    Row:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            const typename C::sum_t start = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
            typename C::sum_t total = turn.is_first() ? start : sum[j];
            accumulate(total, added[j]);
            sum[j] = total;
        }
    }
};

template <class C> using matvec_of = matvec_by<C, turning_of<C>()>;

template <class C, class = void> struct has_adders {
    static const bool value = false;
};
template <class C> struct has_adders<C, decltype(static_cast<void>(sizeof(typename C::adders)))> {
    static const bool value = true;
};

}  // namespace detail

// A lane with a multiplier, between two multiplexers: x and w are what it multiplies in each turn.
template <class C>
void multiply_lane(int turn, const typename C::input_t x[C::turns], const typename C::weight_word w[C::turns],
                   typename C::sum_t& sum) {
#pragma HLS INLINE
    accumulate(sum, mux<C::turns>(x, 0, turn) * from_mantissa<typename C::weight_t>(mux<C::turns>(w, 0, turn)));
}

// A lane whose weights are powers of two: a multiplexer of shifted inputs.
template <class C>
void shift_lane(int turn, const typename C::input_t x[C::turns], const typename C::weight_word w[C::turns],
                typename C::sum_t& sum) {
#pragma HLS INLINE
    typedef decltype(typename C::input_t() * typename C::weight_t()) product_t;
    product_t products[C::turns];
#pragma HLS ARRAY_PARTITION variable=products complete
Product:
    for (int t = 0; t < C::turns; t++) {
#pragma HLS UNROLL
        products[t] = x[t] * from_mantissa<typename C::weight_t>(w[t]);
    }
    accumulate(sum, mux<C::turns>(products, 0, turn));
}

template <class C> using weights = typename detail::matvec_of<C>::weights;
template <class C> using biases = detail::constant_or_port<C, typename C::bias_word[C::n_out]>;
template <class C> using turn_of = typename detail::matvec_of<C>::turn_of;

// How many steps a product takes here. (In the emulator one, whatever C says.)
template <class C>
constexpr int turns_of() {
    return C::turns;
}

// Whether adders of C take the place of products. (In the emulator never.)
template <class C>
constexpr bool adds() {
    return detail::has_adders<C>::value;
}

// What a row adds up in; cast_sums makes results of it.
template <class C> using row_sum = typename C::sum_t;

template <class C>
void matvec_turn(const turn_of<C>& turn, const typename C::input_t x[inputs_of<C>()], weights<C> w,
                 const typename C::bias_word b[C::n_out], row_sum<C> sum[C::n_out]) {
#pragma HLS INLINE
    detail::matvec_of<C>::turn(turn, x, w, b, sum);
}

template <class C>
void matvec(const typename C::input_t x[inputs_of<C>()], weights<C> w, const typename C::bias_word b[C::n_out],
            row_sum<C> sum[C::n_out]) {
#pragma HLS INLINE
    turn_of<C> turn;
Turn:
    for (int t = 0; t < C::turns; t++) {
#pragma HLS PIPELINE II=C::interval
        matvec_turn<C>(turn, x, w, b, sum);
        turn.advance();
    }
}

}  // namespace hlsgen

#endif
