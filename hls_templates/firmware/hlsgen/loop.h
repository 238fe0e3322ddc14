// What the loop over a sequence needs beside the kernels of its step: parts of the sequence, and states.
//
// start_state<n>(h)           h = 0
// carry_on<n>(x, h)           h = x
// and of arrays take_row and give_row, of streams read_array and write_array.
// What is read and what it becomes are of types that hold the same values, but where a state starts: that is cast.
#ifndef HLSGEN_LOOP_H
#define HLSGEN_LOOP_H

#include <hlsgen/limits.h>
#include <hlsgen/rows.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

template <int n, class T>
void start_state(T h[n]) {
#pragma HLS INLINE
Element:
    for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
        h[i] = hlsgen::zero<T>();
    }
}

template <int n, class X, class T>
void carry_on(const X x[n], T h[n]) {
#pragma HLS INLINE
    take_row<n>(x, 0, h);
}

}  // namespace hlsgen

#endif
