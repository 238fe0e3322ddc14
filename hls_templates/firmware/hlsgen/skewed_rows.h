// Matrices that are written row by row and read column by column, each in one cycle.
//
// Element (row, column) lies in bank (row + column) mod banks, so that neither a row nor a column has two elements in
// one bank. What goes to the banks and what comes from them is turned by as many places, in a tree of two-way
// multiplexers with a level a bit (turn_down).
//
// M is a matrix_shape<T, blocks, height, width>: so many matrices [height][width] of T.
//   skewed_rows<M>                            the memory: an array [blocks * height][banks], to be partitioned in dim=2
//   put_row<M>(block, row, values, memory)    values[width] of a row
//   get_column<M>(memory, block, column, values)   values[height] of a column
#ifndef HLSGEN_SKEWED_ROWS_H
#define HLSGEN_SKEWED_ROWS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class T, int blocks_, int height_, int width_>
struct matrix_shape {
    typedef T value_t;
    static const int blocks = blocks_, height = height_, width = width_;
    static const int banks = height > width ? height : width;
};

template <class M> using skewed_rows = typename M::value_t[M::blocks * M::height][M::banks];

// Moves each value `by` places down, and those that fall out in again at the end: values[i] = values[(i + by) mod n].
template <int n, class T>
void turn_down(T values[n], int by) {
#pragma HLS INLINE
Level:
    for (int level = 0; level < detail::bits_of<n - 1>::value; level++) {
#pragma HLS UNROLL
        const int places = 1 << level;
        T moved[n];
#pragma HLS ARRAY_PARTITION variable=moved complete
    Move:
        for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
            moved[i] = values[i < n - places ? i + places : i + places - n];
        }
    Choose:
        for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
            values[i] = ((by >> level) & 1) != 0 ? moved[i] : values[i];
        }
    }
}

template <class M>
void put_row(int block, int row, const typename M::value_t values[M::width], skewed_rows<M>& memory) {
#pragma HLS INLINE
    typename M::value_t banks[M::banks];
#pragma HLS ARRAY_PARTITION variable=banks complete
Spread:
    for (int b = 0; b < M::banks; b++) {
#pragma HLS UNROLL
        banks[b] = values[b < M::width ? b : 0];  // what lies behind the row is never read
    }
    turn_down<M::banks>(banks, row == 0 ? 0 : M::banks - row);
Put:
    for (int b = 0; b < M::banks; b++) {
#pragma HLS UNROLL
        memory[block * M::height + row][b] = banks[b];
    }
}

template <class M>
void get_column(const skewed_rows<M>& memory, int block, int column, typename M::value_t values[M::height]) {
#pragma HLS INLINE
    typename M::value_t banks[M::banks];
#pragma HLS ARRAY_PARTITION variable=banks complete
Get:
    for (int b = 0; b < M::banks; b++) {
#pragma HLS UNROLL
        const int row = b < column ? b - column + M::banks : b - column;
        banks[b] = memory[block * M::height + (row < M::height ? row : 0)][b];
    }
    turn_down<M::banks>(banks, column);
Gather:
    for (int i = 0; i < M::height; i++) {
#pragma HLS UNROLL
        values[i] = banks[i];
    }
}

}  // namespace hlsgen

#endif
