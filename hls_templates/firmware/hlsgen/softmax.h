// Softmax over the last axis, from three tables: y_i = e_i / (sum of e), e_i = exp(x_i - max of x).
//
//   d_i = cast<distance_t>(max - x_i)
//   k_i = cast<index_t>(d_i)
//   e_i = cast<exp_t>(exp_high[high bits of k_i] * exp_low[low bits of k_i])      exp of a sum is a product of two
//   s   = exact sum of e_i
//   y_i = cast<output_t>(e_i * inverse[cast<inverse_index_t>(s)])
//
// Config C
//   input_t, output_t       element types
//   distance_t              unsigned, holds max - x_i exactly
//   index_t                 unsigned, high_bits + low_bits wide; its rounding and overflow place d on the tables' grid
//   high_index_t            unsigned, the top high_bits of index_t, truncating
//   low_index_t             unsigned, the bottom low_bits of index_t, wrapping
//   high_bits, low_bits, has_low        without has_low, e_i = exp_high[k_i] and exp_low is not read
//   exp_t, exp_word         type of the exponentials
//   sum_t                   unsigned, holds the sum exactly
//   inverse_index_t         unsigned, the address of inverse
//   inverse_t, inverse_word
//   positions, n            x and y are [positions][n]
//   reuse_factor
// Constants: exp_high[2^high_bits], exp_low[2^low_bits], inverse[2^width of inverse_index_t].
// Streams: X::size and Y::size divide n.
#ifndef HLSGEN_SOFTMAX_H
#define HLSGEN_SOFTMAX_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

// Entries of the tables.
template <class C>
struct softmax_tables {
    static const int high = 1 << C::high_bits;
    static const int low = 1 << C::low_bits;
    static const int inverse = 1 << traits<typename C::inverse_index_t>::width;
};

template <class C>
typename C::input_t softmax_largest(const typename C::input_t x[C::n]) {
#pragma HLS INLINE
    typename C::input_t largest = x[0];
Largest:
    for (int i = 1; i < C::n; i++) {
#pragma HLS UNROLL
        largest = select(x[i] > largest, x[i], largest);
    }
    return largest;
}

// exp(-k) from two tables.
template <class C>
typename C::exp_t softmax_exp(std::true_type, const typename C::index_t& k,
                              const typename C::exp_word exp_high[softmax_tables<C>::high],
                              const typename C::exp_word exp_low[softmax_tables<C>::low]) {
#pragma HLS INLINE
    const typename C::high_index_t high = cast<typename C::high_index_t>(k);
    const typename C::low_index_t low = cast<typename C::low_index_t>(k);
    return cast<typename C::exp_t>(lookup<typename C::exp_t>(exp_high, high) *
                                   lookup<typename C::exp_t>(exp_low, low));
}

// exp(-k) from one table.
template <class C>
typename C::exp_t softmax_exp(std::false_type, const typename C::index_t& k,
                              const typename C::exp_word exp_high[softmax_tables<C>::high],
                              const typename C::exp_word[softmax_tables<C>::low]) {
#pragma HLS INLINE
    return lookup<typename C::exp_t>(exp_high, cast<typename C::high_index_t>(k));
}

template <class C>
void softmax_position(const typename C::input_t x[C::n], typename C::output_t y[C::n],
                      const typename C::exp_word exp_high[softmax_tables<C>::high],
                      const typename C::exp_word exp_low[softmax_tables<C>::low],
                      const typename C::inverse_word inverse[softmax_tables<C>::inverse]) {
#pragma HLS INLINE
    typedef std::integral_constant<bool, C::has_low> has_low;
    typename C::exp_t e[C::n];
#pragma HLS ARRAY_PARTITION variable=e complete
    const typename C::input_t largest = softmax_largest<C>(x);
    typename C::sum_t sum = hlsgen::zero<typename C::sum_t>();
Exponential:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        const typename C::distance_t distance = cast<typename C::distance_t>(largest - x[i]);
        e[i] = softmax_exp<C>(has_low(), cast<typename C::index_t>(distance), exp_high, exp_low);
        accumulate(sum, e[i]);
    }
    const typename C::inverse_t r =
        lookup<typename C::inverse_t>(inverse, cast<typename C::inverse_index_t>(sum));
Quotient:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        y[i] = cast<typename C::output_t>(e[i] * r);
    }
}

template <class C>
void softmax(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
             const typename C::exp_word exp_high[softmax_tables<C>::high],
             const typename C::exp_word exp_low[softmax_tables<C>::low],
             const typename C::inverse_word inverse[softmax_tables<C>::inverse]) {
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
        softmax_position<C>(row, result, exp_high, exp_low, inverse);
    Put:
        for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
            y[p * C::n + i] = result[i];
        }
    }
}

template <class C, class X, class Y>
void softmax(hls::stream<X>& x, hls::stream<Y>& y,
             const typename C::exp_word exp_high[softmax_tables<C>::high],
             const typename C::exp_word exp_low[softmax_tables<C>::low],
             const typename C::inverse_word inverse[softmax_tables<C>::inverse]) {
#pragma HLS INLINE off
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        typename C::input_t row[C::n];
#pragma HLS ARRAY_PARTITION variable=row complete
        typename C::output_t result[C::n];
#pragma HLS ARRAY_PARTITION variable=result complete
        read_array<C::n>(x, row);
        softmax_position<C>(row, result, exp_high, exp_low, inverse);
        write_array<C::n>(result, y);
    }
}

}  // namespace hlsgen

#endif
