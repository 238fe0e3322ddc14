// What the loop over a sequence needs beside the kernels of its step: parts of the sequence, and states.
//
// take_step<n>(x, p, y)       y = the n elements of x behind the first p * n
// give_step<n>(x, y, p)       the n elements of y behind the first p * n = x
// read_step<n>(x, y)          y = the next n elements of a stream, which are whole packs
// write_step<n>(x, y)         x into a stream, as whole packs
// start_state<n>(h)           h = 0
// carry_on<n>(x, h)           h = x
// What is read and what it becomes are of types that hold the same values, but where a state starts: that is cast.
#ifndef HLSGEN_LOOP_H
#define HLSGEN_LOOP_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <int n, class X, class T>
void take_step(const X* x, int p, T y[n]) {
#pragma HLS INLINE
Element:
    for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
        y[i] = cast<T>(x[p * n + i]);
    }
}

template <int n, class X, class T>
void give_step(const X x[n], T* y, int p) {
#pragma HLS INLINE
Element:
    for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
        y[p * n + i] = cast<T>(x[i]);
    }
}

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
void read_step(hls::stream<X>& x, T y[n]) {
#pragma HLS INLINE
    static_assert(n % X::size == 0, "packs must fill the array exactly");
Pack:
    for (int first = 0; first < n; first += X::size) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            y[first + i] = cast<T>(word.data[i]);
        }
    }
}

template <int n, class X, class Y>
void write_step(const X x[n], hls::stream<Y>& y) {
#pragma HLS INLINE
    static_assert(n % Y::size == 0, "packs must hold the array exactly");
Pack:
    for (int first = 0; first < n; first += Y::size) {
#pragma HLS PIPELINE II=1
        Y word;
    Element:
        for (int i = 0; i < Y::size; i++) {
#pragma HLS UNROLL
            word.data[i] = cast<typename Y::value_type>(x[first + i]);
        }
        y.write(word);
    }
}

template <int n, class X, class T>
void carry_on(const X x[n], T h[n]) {
#pragma HLS INLINE
Element:
    for (int i = 0; i < n; i++) {
#pragma HLS UNROLL
        h[i] = cast<T>(x[i]);
    }
}

}  // namespace hlsgen

#endif
