// Dense layer: y[p][j] = b[j] + sum over i of x[p][i] * w[j][i], for each position p of the leading dimensions.
//
// Config C
//   input_t, output_t       element types
//   weight_t, bias_t        types of the constants; weight_word, bias_word store their mantissas
//   sum_t                   holds the sum exactly
//   accum_t                 the type the exact sum is cast to before output_t
//   positions, n_in, n_out  x is [positions][n_in], y is [positions][n_out]
//   reuse_factor, strategy
// Constants: w[n_out][n_in] (output-major), b[n_out].
// Streams: X::size divides n_in, Y::size == n_out.
// Cycles: X::size == n_in ? positions * turns * interval : positions * (n_in / X::size + turns * interval)
//   arrays: positions * turns * interval
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)).
#ifndef HLSGEN_DENSE_H
#define HLSGEN_DENSE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/matvec.h>
#include <hlsgen/pack.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

template <class C>
void dense_position(const typename C::input_t x[C::n_in], typename C::output_t y[C::n_out],
                    const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    typename C::sum_t sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    matvec<C>(x, w, b, sum);
Result:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        y[j] = cast<typename C::output_t>(cast<typename C::accum_t>(sum[j]));
    }
}

// Position p of an array of positions.
template <class C>
void dense_position_at(int p, const typename C::input_t x[C::positions * C::n_in],
                       typename C::output_t y[C::positions * C::n_out],
                       const typename C::weight_word w[C::n_in * C::n_out],
                       const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    typename C::input_t row[C::n_in];
#pragma HLS ARRAY_PARTITION variable=row complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
Take:
    for (int i = 0; i < C::n_in; i++) {
#pragma HLS UNROLL
        row[i] = x[p * C::n_in + i];
    }
    dense_position<C>(row, result, w, b);
Put:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        y[p * C::n_out + j] = result[j];
    }
}

// Strategy latency: a new position every reuse_factor cycles.
template <class C>
void dense_positions(std::true_type, const typename C::input_t x[C::positions * C::n_in],
                     typename C::output_t y[C::positions * C::n_out],
                     const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        dense_position_at<C>(p, x, y, w, b);
    }
}

// Strategy resource: one position after the other; the pipeline is inside matvec.
template <class C>
void dense_positions(std::false_type, const typename C::input_t x[C::positions * C::n_in],
                     typename C::output_t y[C::positions * C::n_out],
                     const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE off
        dense_position_at<C>(p, x, y, w, b);
    }
}

template <class C>
void dense(const typename C::input_t x[C::positions * C::n_in], typename C::output_t y[C::positions * C::n_out],
           rom<typename C::weight_word, C::n_in * C::n_out> w, rom<typename C::bias_word, C::n_out> b) {
    typedef std::integral_constant<bool, C::strategy == strategy::latency> pipelined;
    if (C::positions == 1) {
        dense_position<C>(x, y, w, b);
    } else {
        dense_positions<C>(pipelined(), x, y, w, b);
    }
}

// One position of a stream: its packs, then its result.
template <class C, class X, class Y>
void dense_next(hls::stream<X>& x, hls::stream<Y>& y, const typename C::weight_word w[C::n_in * C::n_out],
                const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    static_assert(Y::size == C::n_out, "a pack of the output is one position");
    typename C::input_t row[C::n_in];
#pragma HLS ARRAY_PARTITION variable=row complete
    Y result;
    read_array<C::n_in>(x, row);
    dense_position<C>(row, result.data, w, b);
    y.write(result);
}

// A position is one pack, strategy latency: a new one every reuse_factor cycles.
template <class C, class X, class Y>
void dense_stream(std::true_type, hls::stream<X>& x, hls::stream<Y>& y,
                  const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        dense_next<C>(x, y, w, b);
    }
}

// A position is many packs, or strategy resource: the pipelines are in the collection of packs and inside matvec.
template <class C, class X, class Y>
void dense_stream(std::false_type, hls::stream<X>& x, hls::stream<Y>& y,
                  const typename C::weight_word w[C::n_in * C::n_out], const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE off
        dense_next<C>(x, y, w, b);
    }
}

template <class C, class X, class Y>
void dense(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::weight_word, C::n_in * C::n_out> w,
           rom<typename C::bias_word, C::n_out> b) {
#pragma HLS INLINE off
    typedef std::integral_constant<bool, C::strategy == strategy::latency && X::size == C::n_in> pipelined;
    dense_stream<C>(pipelined(), x, y, w, b);
}

}  // namespace hlsgen

#endif
