// Rows of an array, side by side: a position of a tensor, or a step of a sequence.
//
// take_row<n>(x, p, y)    y = row p of x, which is n elements long
// give_row<n>(x, y, p)    row p of y = x
// Elements are cast where the types differ.
#ifndef HLSGEN_ROWS_H
#define HLSGEN_ROWS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <int n, class X, class T>
void take_row(const X* x, int p, T y[n]) {
#pragma HLS INLINE
Element:
    for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
        y[i] = cast<T>(x[p * n + i]);
    }
}

template <int n, class X, class T>
void give_row(const X x[n], T* y, int p) {
#pragma HLS INLINE
Element:
    for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
        y[p * n + i] = cast<T>(x[i]);
    }
}

}  // namespace hlsgen

#endif
