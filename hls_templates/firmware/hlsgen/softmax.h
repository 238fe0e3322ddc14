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
//   mask_rows, mask_word    with a mask alone: position p has its row p % mask_rows
//   reuse_factor
// Constants: exps[tables][2^width of share_t], the table of pieces.h, with a mask also mask[mask_rows][n]: 0 where a
// place does not count. It is left out of the largest and of the sum, and y is 0 there.
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
#include <hlsgen/rows.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

// Without a mask every place counts.
struct softmax_everything {};

// The row of the mask that belongs to a position.
template <class C, class Mask> struct softmax_row {
    counter<C::mask_rows - 1> number = 0;

    void advance() {
#pragma HLS INLINE
        number = int(number) == C::mask_rows - 1 ? 0 : int(number) + 1;
    }
};
template <class C> struct softmax_row<C, softmax_everything> {
    static const int number = 0;
    void advance() {}
};

template <class C>
bool softmax_counts(const typename C::mask_word* mask, int row, int i) {
#pragma HLS INLINE
    return int(mask[row * C::n + i]) != 0;
}

// x, or the least number there is where place i of a row does not count.
template <class C>
typename C::input_t softmax_argument(const softmax_everything&, int, int, const typename C::input_t& x) {
#pragma HLS INLINE
    return x;
}
template <class C>
typename C::input_t softmax_argument(const typename C::mask_word* mask, int row, int i, const typename C::input_t& x) {
#pragma HLS INLINE
    return select(softmax_counts<C>(mask, row, i), x, lowest<typename C::input_t>());
}

// e, or zero where place i of a row does not count.
template <class C>
typename C::exp_t softmax_share(const softmax_everything&, int, int, const typename C::exp_t& e) {
#pragma HLS INLINE
    return e;
}
template <class C>
typename C::exp_t softmax_share(const typename C::mask_word* mask, int row, int i, const typename C::exp_t& e) {
#pragma HLS INLINE
    return select(softmax_counts<C>(mask, row, i), e, hlsgen::zero<typename C::exp_t>());
}

template <class C, class Mask>
void softmax_position(const typename C::input_t x[C::n], typename C::output_t y[C::n],
                      const typename C::exp_word exps[softmax_entries<C>()],
                      const typename C::packed_word inverse[pieces_size<C>()], const Mask& mask, int row) {
#pragma HLS INLINE
    typename C::input_t argument[C::n];
#pragma HLS ARRAY_PARTITION variable=argument complete
    typename C::exp_t e[C::n];
#pragma HLS ARRAY_PARTITION variable=e complete
Argument:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        argument[i] = softmax_argument<C>(mask, row, i, x[i]);
    }
    const typename C::input_t largest = softmax_largest<C>(argument);
    typename C::sum_t sum = hlsgen::zero<typename C::sum_t>();
Exponential:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        e[i] = softmax_share<C>(mask, row, i, softmax_exponential<C>(largest, argument[i], exps));
        accumulate(sum, e[i]);
    }
    const typename C::inverse_t r = cast<typename C::inverse_t>(pieces<C>(sum, inverse));
Quotient:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        y[i] = cast<typename C::output_t>(e[i] * r);
    }
}

template <class C, class Mask>
void softmax_array(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
                   const typename C::exp_word exps[softmax_entries<C>()],
                   const typename C::packed_word inverse[pieces_size<C>()], const Mask& mask) {
#pragma HLS INLINE
    softmax_row<C, Mask> of_mask;
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        typename C::input_t row[C::n];
#pragma HLS ARRAY_PARTITION variable=row complete
        typename C::output_t result[C::n];
#pragma HLS ARRAY_PARTITION variable=result complete
        take_row<C::n>(x, p, row);
        softmax_position<C>(row, result, exps, inverse, mask, of_mask.number);
        give_row<C::n>(result, y, p);
        of_mask.advance();
    }
}

template <class C>
void softmax(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
             rom<typename C::exp_word, softmax_entries<C>()> exps,
             rom<typename C::packed_word, pieces_size<C>()> inverse) {
    softmax_array<C>(x, y, exps, inverse, softmax_everything());
}

template <class C>
void softmax(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
             rom<typename C::exp_word, softmax_entries<C>()> exps,
             rom<typename C::packed_word, pieces_size<C>()> inverse,
             rom<typename C::mask_word, C::mask_rows * C::n> mask) {
#pragma HLS ARRAY_PARTITION variable=mask cyclic factor=C::n
    softmax_array<C>(x, y, exps, inverse, mask);
}

template <class C, class X, class Y, class Mask>
void softmax_stream(hls::stream<X>& x, hls::stream<Y>& y, const typename C::exp_word exps[softmax_entries<C>()],
                    const typename C::packed_word inverse[pieces_size<C>()], const Mask& mask) {
#pragma HLS INLINE
    typedef softmax_schedule<C, X, Y> schedule;
    static_assert(schedule::packs * schedule::smaller == C::n, "packs of the smaller side hold a position exactly");
    softmax_row<C, Mask> of_mask;
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=schedule::interval
        typename C::input_t row[C::n];
#pragma HLS ARRAY_PARTITION variable=row complete
        typename C::output_t result[C::n];
#pragma HLS ARRAY_PARTITION variable=result complete
        read_array<C::n>(x, row);
        softmax_position<C>(row, result, exps, inverse, mask, of_mask.number);
        write_array<C::n>(result, y);
        of_mask.advance();
    }
}

template <class C, class X, class Y>
void softmax(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::exp_word, softmax_entries<C>()> exps,
             rom<typename C::packed_word, pieces_size<C>()> inverse) {
#pragma HLS INLINE off
    softmax_stream<C>(x, y, exps, inverse, softmax_everything());
}

template <class C, class X, class Y>
void softmax(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::exp_word, softmax_entries<C>()> exps,
             rom<typename C::packed_word, pieces_size<C>()> inverse,
             rom<typename C::mask_word, C::mask_rows * C::n> mask) {
#pragma HLS INLINE off
#pragma HLS ARRAY_PARTITION variable=mask cyclic factor=C::n
    softmax_stream<C>(x, y, exps, inverse, mask);
}

}  // namespace hlsgen

#endif
