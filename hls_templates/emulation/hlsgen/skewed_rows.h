// Matrices written by rows and read by columns, as firmware/hlsgen/skewed_rows.h says: here a memory has no banks.
// Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/skewed_rows.h>
#endif
#ifndef HLSGEN_SKEWED_ROWS_H
#define HLSGEN_SKEWED_ROWS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class T, int blocks_, int height_, int width_> struct matrix_shape {
    typedef T value_t;
    static const int blocks = blocks_, height = height_, width = width_;
};

template <class M> using skewed_rows = typename M::value_t[M::blocks * M::height][M::width];

template <class M>
HLSGEN_INLINE void put_row(int block, int row, const typename M::value_t* values, skewed_rows<M>& memory) {
    for (int i = 0; i < M::width; i++) memory[block * M::height + row][i] = values[i];
}

template <class M>
HLSGEN_INLINE void get_column(const skewed_rows<M>& memory, int block, int column, typename M::value_t* values) {
    for (int i = 0; i < M::height; i++) values[i] = memory[block * M::height + i][column];
}

}  // namespace hlsgen

#endif
