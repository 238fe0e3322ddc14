// Matrices times matrices: y[p][r][j] = sum over i of x0[p][r][i] * x1[p][i][j], or x1[p][j][i] if that is transposed.
//
// Config C: that of held_matrix.h, and
//   output_t                element type of y
//   accum_t                 the type the exact sum is cast to before output_t
//   matrices, rows          x0 is [matrices][rows][n_in], y is [matrices][rows][n_out]
//   transposed              whether x1 is [matrices][n_out][n_in], and not [matrices][n_in][n_out]
//   lines, line             x1 is [matrices][lines][line]
//   line_turns              words of a memory that one line of x1 fills: depth_turns if it is transposed, else column_turns
//   multipliers
//   interval                cycles a turn: latency shares multipliers by it, resource has 1
// Streams: X0::size divides n_in, X1::size divides line, Y::size divides n_out. A matrix of x1 is read whole; then rows
// of x0 pass by.
// Cycles: X0::size == n_in && Y::size == n_out ?
//     matrices * (lines * max(line / X1::size, line_turns) + rows * turns * interval) :
//     matrices * (lines * max(line / X1::size, line_turns) + rows * (n_in / X0::size + turns * interval + n_out / Y::size))
//   arrays: matrices * (lines * line_turns + rows * turns * interval)
//
// Arithmetic: y = cast<output_t>(cast<accum_t>(exact sum)).
#ifndef HLSGEN_MATMUL_H
#define HLSGEN_MATMUL_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/held_matrix.h>
#include <hlsgen/pack.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

template <class C> using matmul_transposed = std::integral_constant<bool, C::transposed>;

// Cycles from line to line: as many as it has packs, or as it fills words of one memory.
template <class C, class X1>
struct matmul_filling {
    static const int packs = C::line / X1::size;
    static const int interval = packs > C::line_turns ? packs : C::line_turns;
};

// -- arrays ------------------------------------------------------------------------------------

template <class C>
void matmul_hold(std::true_type, const typename C::input1_t* x, held_matrix<C>& held) {
#pragma HLS INLINE
Lane:
    for (int q = 0; q < C::n_out / C::column_turns; q++) {
    Column:
        for (int o = 0; o < C::column_turns; o++) {
#pragma HLS PIPELINE II=C::line_turns
            put_column<C>(q, o, x + (q * C::column_turns + o) * C::n_in, held);
        }
    }
}

template <class C>
void matmul_hold(std::false_type, const typename C::input1_t* x, held_matrix<C>& held) {
#pragma HLS INLINE
Multiplier:
    for (int m = 0; m < C::n_in / C::depth_turns; m++) {
    Row:
        for (int t = 0; t < C::depth_turns; t++) {
#pragma HLS PIPELINE II=C::line_turns
            put_row<C>(m, t, x + (m * C::depth_turns + t) * C::n_out, held);
        }
    }
}

template <class C>
void matmul(const typename C::input0_t x0[C::matrices * C::rows * C::n_in],
            const typename C::input1_t x1[C::matrices * C::lines * C::line],
            typename C::output_t y[C::matrices * C::rows * C::n_out]) {
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    held_matrix<C> held;
#pragma HLS ARRAY_PARTITION variable=held complete dim=1
    typename C::input0_t row[C::n_in];
#pragma HLS ARRAY_PARTITION variable=row complete
    column_sums<C> sum;
#pragma HLS ARRAY_PARTITION variable=sum complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
    product_turn<C> turn;
Matrix:
    for (int p = 0; p < C::matrices; p++) {
        matmul_hold<C>(matmul_transposed<C>(), x1 + p * C::lines * C::line, held);
    Row:
        for (int r = 0; r < C::rows; r++) {
        Turn:
            for (int t = 0; t < product_turns<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
            Take:
                for (int i = 0; i < C::n_in; i++) {
#pragma HLS UNROLL
                    row[i] = x0[(p * C::rows + r) * C::n_in + i];
                }
                multiply_turn<C>(turn, row, held, sum);
                if (turn.is_last()) cast_columns<C>(sum, result);
            Put:
                for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
                    if (turn.is_last()) y[(p * C::rows + r) * C::n_out + j] = result[j];
                }
                turn.advance();
            }
        }
    }
}

// -- streams -----------------------------------------------------------------------------------

template <class C, class X1>
void matmul_hold(std::true_type, hls::stream<X1>& x, held_matrix<C>& held) {
#pragma HLS INLINE
    typedef matmul_filling<C, X1> filling;
    static_assert(filling::packs * X1::size == C::line, "packs hold a line exactly");
Lane:
    for (int q = 0; q < C::n_out / C::column_turns; q++) {
    Column:
        for (int o = 0; o < C::column_turns; o++) {
#pragma HLS PIPELINE II=filling::interval
            typename C::input1_t column[C::n_in];
#pragma HLS ARRAY_PARTITION variable=column complete
            read_array<C::n_in>(x, column);
            put_column<C>(q, o, column, held);
        }
    }
}

template <class C, class X1>
void matmul_hold(std::false_type, hls::stream<X1>& x, held_matrix<C>& held) {
#pragma HLS INLINE
    typedef matmul_filling<C, X1> filling;
    static_assert(filling::packs * X1::size == C::line, "packs hold a line exactly");
Multiplier:
    for (int m = 0; m < C::n_in / C::depth_turns; m++) {
    Row:
        for (int t = 0; t < C::depth_turns; t++) {
#pragma HLS PIPELINE II=filling::interval
            typename C::input1_t row[C::n_out];
#pragma HLS ARRAY_PARTITION variable=row complete
            read_array<C::n_out>(x, row);
            put_row<C>(m, t, row, held);
        }
    }
}

// A row is one pack on both sides: one loop over rows and turns.
template <class C, class X0, class Y>
void matmul_rows(std::true_type, hls::stream<X0>& x, const held_matrix<C>& held, hls::stream<Y>& y) {
#pragma HLS INLINE
    X0 row;
    column_sums<C> sum;
#pragma HLS ARRAY_PARTITION variable=sum complete
    product_turn<C> turn;
Row:
    for (int r = 0; r < C::rows; r++) {
    Turn:
        for (int t = 0; t < product_turns<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
            if (turn.is_first()) row = x.read();
            multiply_turn<C>(turn, row.data, held, sum);
            if (turn.is_last()) {
                Y result;
                cast_columns<C>(sum, result.data);
                y.write(result);
            }
            turn.advance();
        }
    }
}

// A row is several packs: they are collected, multiplied, and handed on.
template <class C, class X0, class Y>
void matmul_rows(std::false_type, hls::stream<X0>& x, const held_matrix<C>& held, hls::stream<Y>& y) {
#pragma HLS INLINE
    typename C::input0_t row[C::n_in];
#pragma HLS ARRAY_PARTITION variable=row complete
    column_sums<C> sum;
#pragma HLS ARRAY_PARTITION variable=sum complete
    typename C::output_t result[C::n_out];
#pragma HLS ARRAY_PARTITION variable=result complete
    product_turn<C> turn;
Row:
    for (int r = 0; r < C::rows; r++) {
#pragma HLS PIPELINE off
        read_array<C::n_in>(x, row);
    Turn:
        for (int t = 0; t < product_turns<C>(); t++) {
#pragma HLS PIPELINE II=C::interval
            multiply_turn<C>(turn, row, held, sum);
            turn.advance();
        }
        cast_columns<C>(sum, result);
        write_array<C::n_out>(result, y);
    }
}

template <class C, class X0, class X1, class Y>
void matmul(hls::stream<X0>& x0, hls::stream<X1>& x1, hls::stream<Y>& y) {
#pragma HLS INLINE off
#pragma HLS ALLOCATION operation instances=mul limit=C::multipliers
    typedef std::integral_constant<bool, X0::size == C::n_in && Y::size == C::n_out> row_is_pack;
    held_matrix<C> held;
#pragma HLS ARRAY_PARTITION variable=held complete dim=1
Matrix:
    for (int p = 0; p < C::matrices; p++) {
        matmul_hold<C>(matmul_transposed<C>(), x1, held);
        matmul_rows<C>(row_is_pack(), x0, held, y);
    }
}

}  // namespace hlsgen

#endif
