// Log-softmax over the last axis: y_i = x_i - log(sum of exp(x)).
//
//   e_i, s as in softmax.h
//   y_i = cast<output_t>(cast<difference_t>(x_i - max) - cast<logarithm_t>(pieces(s)))     log s (pieces.h)
//
// Config C: that of pieces.h, and
//   input_t, output_t       element types
//   distance_t, distance_index_t, share_t, tables, exp_t, exp_word, sum_t   as in softmax.h
//   difference_t            signed, holds x_i - max exactly
//   logarithm_t             type of log s, rounding and saturating
//   positions, n            x and y are [positions][n]
//   reuse_factor
// Constants: exps[tables][2^width of share_t], the table of pieces.h.
// Streams: as in softmax.h.
// Cycles: positions * max(reuse_factor, n / min(X::size, Y::size))
//   arrays: positions * reuse_factor
#ifndef HLSGEN_LOG_SOFTMAX_H
#define HLSGEN_LOG_SOFTMAX_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/exponentials.h>
#include <hlsgen/limits.h>
#include <hlsgen/pieces.h>
#include <hlsgen/rows.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

template <class C>
void log_softmax_position(const typename C::input_t x[C::n], typename C::output_t y[C::n],
                          const typename C::exp_word exps[softmax_entries<C>()],
                          const typename C::packed_word logarithms[pieces_size<C>()]) {
#pragma HLS INLINE
    const typename C::input_t largest = softmax_largest<C>(x);
    typename C::sum_t sum = hlsgen::zero<typename C::sum_t>();
Exponential:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        accumulate(sum, softmax_exponential<C>(largest, x[i], exps));
    }
    const typename C::logarithm_t of_sum = cast<typename C::logarithm_t>(pieces<C>(sum, logarithms));
Difference:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        y[i] = cast<typename C::output_t>(cast<typename C::difference_t>(x[i] - largest) - of_sum);
    }
}

template <class C>
void log_softmax(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
                 rom<typename C::exp_word, softmax_entries<C>()> exps,
                 rom<typename C::packed_word, pieces_size<C>()> logarithms) {
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        typename C::input_t row[C::n];
#pragma HLS ARRAY_PARTITION variable=row complete
        typename C::output_t result[C::n];
#pragma HLS ARRAY_PARTITION variable=result complete
        take_row<C::n>(x, p, row);
        log_softmax_position<C>(row, result, exps, logarithms);
        give_row<C::n>(result, y, p);
    }
}

template <class C, class X, class Y>
void log_softmax(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::exp_word, softmax_entries<C>()> exps,
                 rom<typename C::packed_word, pieces_size<C>()> logarithms) {
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
        log_softmax_position<C>(row, result, exps, logarithms);
        write_array<C::n>(result, y);
    }
}

}  // namespace hlsgen

#endif
