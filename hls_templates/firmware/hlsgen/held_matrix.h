// A matrix that is computed, held in memory while vectors pass: sum[j] = sum over i of x[i] * column j [i], exactly.
//
// A product takes depth_turns * column_turns turns. In each, n_out / column_turns lanes add up to one column, and each
// has n_in / depth_turns multipliers: in turn t of its column, multiplier m takes input m * depth_turns + t. Every
// multiplier has a memory of its own, a word a turn; those of one lane are neighbours.
//
// Config C
//   input0_t, input1_t      element types of the vectors and of the matrix
//   sum_t                   holds every total; its step is that of a product
//   n_in, n_out             a vector has n_in elements, the matrix n_out columns
//   depth_turns             divides n_in
//   column_turns            divides n_out
//
// held_matrix<C>                       the memory
// put_column<C>(q, o, column, held)    column q * column_turns + o, in depth_turns words of every memory of lane q
// put_row<C>(m, t, row, held)          row m * depth_turns + t, in column_turns words of memory m of every lane
// product_turn<C>                      counts turns: begins with the first, and again after the last
// product_turns<C>()                   how many a product takes (in the emulator one, whatever C says)
// column_sums<C>                       what the columns add up in
// multiply_turn<C>(turn, x, held, sum) one step; sum is complete behind the last one, and has to stay between them
// cast_columns<C>(sum, y)              y[j] = cast<output_t>(cast<accum_t>(sum[j]))
#ifndef HLSGEN_HELD_MATRIX_H
#define HLSGEN_HELD_MATRIX_H

#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/mux.h>

namespace hlsgen {

template <class C> struct product_lanes {
    static_assert(C::n_in % C::depth_turns == 0 && C::n_out % C::column_turns == 0, "turns must divide the matrix");
    static const int turns = C::depth_turns * C::column_turns;
    static const int inputs = C::n_in / C::depth_turns;  // multipliers of a lane
    static const int count = C::n_out / C::column_turns;
};

template <class C>
using held_matrix = typename C::input1_t[product_lanes<C>::count * product_lanes<C>::inputs][product_lanes<C>::turns];

template <class C>
void put_column(int q, int o, const typename C::input1_t column[C::n_in], held_matrix<C>& held) {
#pragma HLS INLINE
    typedef product_lanes<C> lanes;
Multiplier:
    for (int m = 0; m < lanes::inputs; m++) {
#pragma HLS UNROLL
    Word:
        for (int t = 0; t < C::depth_turns; t++) {
#pragma HLS UNROLL
            held[q * lanes::inputs + m][o * C::depth_turns + t] = column[m * C::depth_turns + t];
        }
    }
}

template <class C>
void put_row(int m, int t, const typename C::input1_t row[C::n_out], held_matrix<C>& held) {
#pragma HLS INLINE
    typedef product_lanes<C> lanes;
Lane:
    for (int q = 0; q < lanes::count; q++) {
#pragma HLS UNROLL
    Word:
        for (int o = 0; o < C::column_turns; o++) {
#pragma HLS UNROLL
            held[q * lanes::inputs + m][o * C::depth_turns + t] = row[q * C::column_turns + o];
        }
    }
}

template <class C> struct product_turn {
    static const int last = product_lanes<C>::turns - 1;
    counter<last> number = 0;
    counter<C::depth_turns - 1> part = 0;  // of a column

    bool begins_column() const { return int(part) == 0; }
    bool is_first() const { return int(number) == 0; }
    bool is_last() const { return int(number) == last; }
    void advance() {
#pragma HLS INLINE
        part = int(part) == C::depth_turns - 1 ? 0 : int(part) + 1;
        number = is_last() ? 0 : int(number) + 1;
    }
};

template <class C>
constexpr int product_turns() {
    return product_lanes<C>::turns;
}

template <class C> using column_sums = typename C::sum_t[C::n_out];

// The column that a lane is at adds up in the last of its sums, which move up when it is complete: behind the last turn
// they are in order.
template <class C>
void multiply_turn(const product_turn<C>& turn, const typename C::input0_t x[C::n_in], const held_matrix<C>& held,
                   column_sums<C>& sum) {
#pragma HLS INLINE
    typedef product_lanes<C> lanes;
    typename C::input0_t part[lanes::inputs];
#pragma HLS ARRAY_PARTITION variable=part complete
Part:
    for (int m = 0; m < lanes::inputs; m++) {
#pragma HLS UNROLL
        part[m] = mux<C::depth_turns>(x, m * C::depth_turns, turn.part);
    }
Lane:
    for (int q = 0; q < lanes::count; q++) {
#pragma HLS UNROLL
        const int last = (q + 1) * C::column_turns - 1;
        typename C::sum_t added = zero<typename C::sum_t>();
    Multiplier:
        for (int m = 0; m < lanes::inputs; m++) {
#pragma HLS UNROLL
            accumulate(added, part[m] * held[q * lanes::inputs + m][turn.number]);
        }
        typename C::sum_t total = turn.begins_column() ? zero<typename C::sum_t>() : sum[last];
        accumulate(total, added);
        if (turn.begins_column()) {
        Move:
            for (int r = q * C::column_turns; r < last; r++) {
#pragma HLS UNROLL
                sum[r] = sum[r + 1];
            }
        }
        sum[last] = total;
    }
}

template <class C>
void cast_columns(const column_sums<C>& sum, typename C::output_t y[C::n_out]) {
#pragma HLS INLINE
Column:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        y[j] = cast<typename C::output_t>(cast<typename C::accum_t>(sum[j]));
    }
}

}  // namespace hlsgen

#endif
