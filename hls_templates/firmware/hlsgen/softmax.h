// Softmax over the last axis: y_i = e_i / (sum of e), e_i = exp(x_i - max of x).
//
//   d_i = cast<distance_t>(max - x_i)
//   k_i = cast<distance_index_t>(d_i)
//   e_i = cast<exp_t>(... cast<exp_t>(exps[0][top bits of k_i] * exps[1][next bits]) ...)    exp of a sum is a product
//   s   = exact sum of e_i
//   y_i = cast<output_t>(e_i * cast<inverse_t>(pieces(s)))                                   1 / s (pieces.h)
//
// Config C: that of pieces.h, and
//   input_t, output_t       element types
//   distance_t              unsigned, holds max - x_i exactly
//   distance_index_t        unsigned, tables * width of share_t wide; rounding and overflow place d on the tables' grid
//   share_t                 unsigned integer: the bits of it that one table reads
//   tables                  how many
//   exp_t, exp_word         type of the exponentials
//   sum_t                   unsigned, holds the sum exactly
//   inverse_t               type of 1 / s, rounding and saturating
//   positions, n            x and y are [positions][n]
//   reuse_factor
// Constants: exps[tables][2^width of share_t], the table of pieces.h.
// Streams: X::size and Y::size divide n. All exponentials of a position are computed side by side, shared over the
// cycles that its packs take: a table is copied for as many readers as there are in a cycle.
// Cycles: positions * max(reuse_factor, n / min(X::size, Y::size))
//   arrays: positions * reuse_factor
#ifndef HLSGEN_SOFTMAX_H
#define HLSGEN_SOFTMAX_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/exponentials.h>
#include <hlsgen/limits.h>
#include <hlsgen/pieces.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

template <class C>
void softmax_position(const typename C::input_t x[C::n], typename C::output_t y[C::n],
                      const typename C::exp_word exps[softmax_entries<C>()],
                      const typename C::packed_word inverse[pieces_size<C>()]) {
#pragma HLS INLINE
    typename C::exp_t e[C::n];
#pragma HLS ARRAY_PARTITION variable=e complete
    const typename C::input_t largest = softmax_largest<C>(x);
    typename C::sum_t sum = hlsgen::zero<typename C::sum_t>();
Exponential:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        e[i] = softmax_exponential<C>(largest, x[i], exps);
        accumulate(sum, e[i]);
    }
    const typename C::inverse_t r = cast<typename C::inverse_t>(pieces<C>(sum, inverse));
Quotient:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        y[i] = cast<typename C::output_t>(e[i] * r);
    }
}

template <class C>
void softmax(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
             rom<typename C::exp_word, softmax_entries<C>()> exps,
             rom<typename C::packed_word, pieces_size<C>()> inverse) {
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        typename C::input_t row[C::n];
#pragma HLS ARRAY_PARTITION variable=row complete
        typename C::output_t result[C::n];
#pragma HLS ARRAY_PARTITION variable=result complete
    Take:
        for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
            row[i] = x[p * C::n + i];
        }
        softmax_position<C>(row, result, exps, inverse);
    Put:
        for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
            y[p * C::n + i] = result[i];
        }
    }
}

template <class C, class X, class Y>
void softmax(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::exp_word, softmax_entries<C>()> exps,
             rom<typename C::packed_word, pieces_size<C>()> inverse) {
#pragma HLS INLINE off
    typedef softmax_schedule<C, X, Y> schedule;
    static_assert(schedule::packs * schedule::smaller == C::n, "packs of the smaller side hold a position exactly");
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=schedule::interval
        typename C::input_t row[C::n];
#pragma HLS ARRAY_PARTITION variable=row complete
        typename C::output_t result[C::n];
#pragma HLS ARRAY_PARTITION variable=result complete
        read_array<C::n>(x, row);
        softmax_position<C>(row, result, exps, inverse);
        write_array<C::n>(result, y);
    }
}

}  // namespace hlsgen

#endif
