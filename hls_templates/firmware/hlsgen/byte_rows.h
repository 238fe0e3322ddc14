// Integers of W bits side by side in rows of bytes, without gaps: number i has bits W * i to W * i + W - 1 of its row.
//
// So weights lie that are loaded at run time, a row a turn, and matvec.h reads them there (strategy loaded). A static
// variable of bytes is all zeros without that anything has to be run for it; one of ap_int would be filled by a
// constructor when it is first met, behind a guard that no circuit has.
#ifndef HLSGEN_BYTE_ROWS_H
#define HLSGEN_BYTE_ROWS_H

#include <hlsgen/arith.h>
#include <hlsgen/matvec.h>

namespace hlsgen {

constexpr int bytes_for(int bits) {
    return (bits + 7) / 8;
}

// Number i of W bits of a row. No gates, wires only.
template <int W, int Bytes, int Rows>
ap_uint<W> number_of_row(const unsigned char (&rows)[Bytes][Rows], int row, int i) {
#pragma HLS INLINE
    const int most = (W + 14) / 8;  // bytes that W bits lie in
    const int first = W * i / 8, low = W * i % 8;
    ap_uint<8 * most> near = 0;
Byte:
    for (int b = 0; b < most; b++) {
#pragma HLS UNROLL
        if (first + b < Bytes) near.range(8 * b + 7, 8 * b) = ap_uint<8>(rows[first + b][row]);
    }
    return near.range(low + W - 1, low);
}

// All numbers of the only row, as words of which the low W bits are read.
template <int W, int Bytes, class Word, int N>
void numbers_of(const unsigned char (&row)[Bytes][1], Word (&numbers)[N]) {
#pragma HLS INLINE
    static_assert(Bytes == bytes_for(W * N), "the row holds the numbers and no others");
Number:
    for (int i = 0; i < N; i++) {
#pragma HLS UNROLL
        numbers[i] = Word(number_of_row<W>(row, 0, i));
    }
}

namespace detail {

template <class C> struct turned<C, true> {
    static const int width = C::weight_t::width;
    typedef const unsigned char (&weights)[bytes_for(width * C::multipliers)][C::turns];

    static typename C::weight_t weight(weights w, int multiplier, int turn) {
#pragma HLS INLINE
        return from_mantissa<typename C::weight_t>(number_of_row<width>(w, turn, multiplier));
    }
};

}  // namespace detail
}  // namespace hlsgen

#endif
