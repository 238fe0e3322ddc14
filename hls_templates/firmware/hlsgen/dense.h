// Dense layer: y[p][j] = b[j] + sum over i of x[p][i] * w[j][i], for each position p of the leading dimensions.
//
// Config C: that of matvec.h, and
//   output_t                element type of y
//   accum_t                 the type the exact sum is cast to before output_t
//   positions               x is [positions][n_in], y is [positions][n_out]
//   interval                cycles a turn: latency shares multipliers by it, resource has 1
// Constants: weights<C> w (output-major), b[n_out].
// Streams: X::size divides n_in, Y::size divides n_out.
// Cycles: X::size == n_in && Y::size == n_out ? positions * turns * interval
//     : positions * (n_in / X::size + turns * interval + n_out / Y::size)
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
#include <hlsgen/sums.h>

namespace hlsgen {

enum class dense_form { turn, turns, positions };
template <dense_form F> using dense_as = std::integral_constant<dense_form, F>;

// One position in one turn, as with strategy latency: a new one every `interval` cycles.
template <class C>
void dense_array(dense_as<dense_form::turn>, const typename C::input_t x[C::n_in],
                 typename C::output_t y[C::n_out], weights<C> w, const typename C::bias_word b[C::n_out]) {
#pragma HLS PIPELINE II=C::interval
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    row_sum<C> sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    matvec_turn<C>(turn_of<C>(), x, w, b, sum);
    cast_sums<C>(sum, y);
}

// One position in several turns.
template <class C>
void dense_array(dense_as<dense_form::turns>, const typename C::input_t x[C::n_in],
                 typename C::output_t y[C::n_out], weights<C> w, const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    row_sum<C> sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    matvec<C>(x, w, b, sum);
    cast_sums<C>(sum, y);
}

// Several positions: one loop over positions and turns.
template <class C>
void dense_array(dense_as<dense_form::positions>, const typename C::input_t x[C::positions * C::n_in],
                 typename C::output_t y[C::positions * C::n_out], weights<C> w,
                 const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    typename C::input_t row[C::n_in];
#pragma HLS ARRAY_PARTITION variable=row complete
    row_sum<C> sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
    turn_of<C> turn;
Position:
    for (int p = 0; p < C::positions; p++) {
    Turn:
        for (int t = 0; t < turns_of<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
        Take:
            for (int i = 0; i < C::n_in; i++) {
#pragma HLS UNROLL
                row[i] = x[p * C::n_in + i];
            }
            matvec_turn<C>(turn, row, w, b, sum);
            if (turn.is_last()) cast_sums<C>(sum, result);
        Put:
            for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
                if (turn.is_last()) y[p * C::n_out + j] = result[j];
            }
            turn.advance();
        }
    }
}

template <class C>
void dense(const typename C::input_t x[C::positions * C::n_in], typename C::output_t y[C::positions * C::n_out],
           weights<C> w, biases<C> b) {
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    const dense_form form = C::positions > 1 ? dense_form::positions
                            : C::turns > 1   ? dense_form::turns
                                             : dense_form::turn;
    dense_array<C>(dense_as<form>(), x, y, w, b);
}

// A position is one pack on both sides: one loop over positions and turns.
template <class C, class X, class Y>
void dense_packs(std::true_type, hls::stream<X>& x, hls::stream<Y>& y, weights<C> w,
                 const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    X row;
    row_sum<C> sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    turn_of<C> turn;
Position:
    for (int p = 0; p < C::positions; p++) {
    Turn:
        for (int t = 0; t < turns_of<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
            if (turn.is_first()) row = x.read();
            matvec_turn<C>(turn, row.data, w, b, sum);
            if (turn.is_last()) {
                Y result;
                cast_sums<C>(sum, result.data);
                y.write(result);
            }
            turn.advance();
        }
    }
}

// A position is several packs: they are collected, multiplied, and handed on.
template <class C, class X, class Y>
void dense_packs(std::false_type, hls::stream<X>& x, hls::stream<Y>& y, weights<C> w,
                 const typename C::bias_word b[C::n_out]) {
#pragma HLS INLINE
    typename C::input_t row[C::n_in];
#pragma HLS ARRAY_PARTITION variable=row complete
    row_sum<C> sum[C::n_out];
#pragma HLS ARRAY_PARTITION variable=sum complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
    turn_of<C> turn;
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE off
        read_array<C::n_in>(x, row);
    Turn:
        for (int t = 0; t < turns_of<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
            matvec_turn<C>(turn, row, w, b, sum);
            turn.advance();
        }
        cast_sums<C>(sum, result);
        write_array<C::n_out>(result, y);
    }
}

template <class C, class X, class Y>
void dense(hls::stream<X>& x, hls::stream<Y>& y, weights<C> w, biases<C> b) {
#pragma HLS INLINE off
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    typedef std::integral_constant<bool, X::size == C::n_in && Y::size == C::n_out> position_is_pack;
    dense_packs<C>(position_is_pack(), x, y, w, b);
}

}  // namespace hlsgen

#endif
