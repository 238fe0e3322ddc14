// Sparsemax over the last axis: y_i = max(x_i - tau, 0), which sum to 1; or with the tau of Keras up to 3.15.
//
//   d_i = max - x_i
//   sorted cast<compared_t>(d), rising; D_j = exact sum of the first j
//   k   = how many j (from 1) have 1 + D_j > j * sorted d_j, which are the first ones
//   t   = cast<threshold_t>((1 + D_k) * inverses[k])
//   y_i = cast<output_t>(v > 0 ? v : 0),  v = t - cast<distance_t>(d_i)
// If of_partial_sums:
//   t   = cast<threshold_t>((1 + D_1 + .. + D_k) * inverses[k]),  v = t - cast<distance_t>(d_i) - max * (k - 1) / 2
//
// Config C
//   input_t, output_t       element types
//   compared_t              unsigned, below 2, saturating: exact below 1
//   distance_t              unsigned: the same, or (if of_partial_sums) holds d_i exactly
//   sum_t                   unsigned, holds 1 + D_j, j * sorted d_j and (if of_partial_sums) 1 + D_1 + .. exactly
//   count_t                 unsigned integer up to n
//   half_t                  unsigned, one fraction bit: (n - 1) / 2
//   inverse_t, inverse_word type of 1 / k
//   threshold_t             unsigned, rounding and saturating
//   value_t                 signed, holds t and all differences exactly
//   of_partial_sums
//   one_mantissa            1 as a mantissa of sum_t (long long)
//   positions, n            x and y are [positions][n]
//   reuse_factor
// Constants: inverses[2^width of count_t].
// Streams: X::size and Y::size divide n. Sorting takes about n log(n)^2 / 4 comparisons side by side.
// Cycles: positions * max(reuse_factor, n / min(X::size, Y::size))
//   arrays: positions * reuse_factor
#ifndef HLSGEN_SPARSEMAX_H
#define HLSGEN_SPARSEMAX_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/exponentials.h>
#include <hlsgen/limits.h>
#include <hlsgen/rows.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

template <class C>
constexpr int sparsemax_entries() {
    return 1 << traits<typename C::count_t>::width;
}

// Batcher's merge exchange (Knuth, volume 3, 5.2.2, algorithm M), for any n: which pairs are compared depends on none of
// the values.
template <class C>
void sparsemax_sort(typename C::compared_t d[C::n]) {
#pragma HLS INLINE
    const int rounds = detail::bits_of<C::n - 1>::value;
Round:
    for (int a = 0; a < rounds; a++) {
#pragma HLS UNROLL
    Step:
        for (int b = 0; b < rounds; b++) {
#pragma HLS UNROLL
            const int p = 1 << (rounds - 1 - a);
            const int apart = b == 0 ? p : (1 << (rounds - b)) - p;
            const int turn = b == 0 ? 0 : p;
        Pair:
            for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
                if (b <= a && (i & p) == turn && i + apart < C::n) {
                    const typename C::compared_t first = d[i], second = d[i + apart];
                    d[i] = select(first > second, second, first);
                    d[i + apart] = select(first > second, first, second);
                }
            }
        }
    }
}

// How many count, by their number less 1 over 2, and t. `d`: distances in any order, which are sorted.
template <class C>
typename C::threshold_t sparsemax_threshold(typename C::compared_t d[C::n], typename C::half_t& half,
                                            const typename C::inverse_word inverses[sparsemax_entries<C>()]) {
#pragma HLS INLINE
    typedef typename C::sum_t sum_t;
    typedef typename C::count_t count_t;
    typedef typename C::half_t half_t;
    typedef mantissa<traits<count_t>::width + 1, false> word;
    sparsemax_sort<C>(d);
    sum_t sum = from_mantissa<sum_t>(mantissa<traits<sum_t>::width, false>(C::one_mantissa));  // 1 + D_j
    sum_t distances = hlsgen::zero<sum_t>();                                                    // D_j
    sum_t sums = sum;                                                                           // 1 + D_1 + .. + D_j
    sum_t total = sum;
    count_t count = from_mantissa<count_t>(word(1));
    half = hlsgen::zero<half_t>();
Count:
    for (int j = 1; j < C::n; j++) {
#pragma HLS UNROLL
        accumulate(sum, d[j]);
        if (C::of_partial_sums) {
            accumulate(distances, d[j]);
            accumulate(sums, distances);
        }
        const count_t number = from_mantissa<count_t>(word(j + 1));
        const sum_t level = cast<sum_t>(number * d[j]);
        total = select(sum > level, C::of_partial_sums ? sums : sum, total);
        half = select(sum > level, from_mantissa<half_t>(word(j)), half);
        count = select(sum > level, number, count);
    }
    return cast<typename C::threshold_t>(total * lookup<typename C::inverse_t>(inverses, count));
}

template <class C>
void sparsemax_position(const typename C::input_t x[C::n], typename C::output_t y[C::n],
                        const typename C::inverse_word inverses[sparsemax_entries<C>()]) {
#pragma HLS INLINE
    typedef typename C::value_t value_t;
    typename C::compared_t d[C::n];
#pragma HLS ARRAY_PARTITION variable=d complete
    const typename C::input_t largest = softmax_largest<C>(x);
Distance:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        d[i] = cast<typename C::compared_t>(largest - x[i]);
    }
    typename C::half_t half;
    value_t t = cast<value_t>(sparsemax_threshold<C>(d, half, inverses));
    if (C::of_partial_sums) t = cast<value_t>(t - cast<value_t>(largest * half));
Difference:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        const value_t v = cast<value_t>(t - cast<typename C::distance_t>(largest - x[i]));
        y[i] = cast<typename C::output_t>(select(v > hlsgen::zero<value_t>(), v, hlsgen::zero<value_t>()));
    }
}

template <class C>
void sparsemax(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
               rom<typename C::inverse_word, sparsemax_entries<C>()> inverses) {
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        typename C::input_t row[C::n];
#pragma HLS ARRAY_PARTITION variable=row complete
        typename C::output_t result[C::n];
#pragma HLS ARRAY_PARTITION variable=result complete
        take_row<C::n>(x, p, row);
        sparsemax_position<C>(row, result, inverses);
        give_row<C::n>(result, y, p);
    }
}

template <class C, class X, class Y>
void sparsemax(hls::stream<X>& x, hls::stream<Y>& y,
               rom<typename C::inverse_word, sparsemax_entries<C>()> inverses) {
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
        sparsemax_position<C>(row, result, inverses);
        write_array<C::n>(result, y);
    }
}

}  // namespace hlsgen

#endif
