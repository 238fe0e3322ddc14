// Whole arrays through streams: packs arrive and leave in the order of the array's elements.
//
// read_array<n>(x, array)    reads n elements:  n / X::size packs
// write_array<n>(array, y)   writes n elements: n / Y::size packs
// Elements are cast where the types of stream and array differ.
#ifndef HLSGEN_STREAM_ARRAY_H
#define HLSGEN_STREAM_ARRAY_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <int n, class X, class T>
void read_array(hls::stream<X>& x, T array[n]) {
#pragma HLS INLINE
    static_assert(n % X::size == 0, "packs must fill the array exactly");
ReadPack:
    for (int first = 0; first < n; first += X::size) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
    ReadElement:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            array[first + i] = cast<T>(word.data[i]);
        }
    }
}

template <int n, class T, class Y>
void write_array(const T array[n], hls::stream<Y>& y) {
#pragma HLS INLINE
    static_assert(n % Y::size == 0, "packs must hold the array exactly");
WritePack:
    for (int first = 0; first < n; first += Y::size) {
#pragma HLS PIPELINE II=1
        Y word;
    WriteElement:
        for (int i = 0; i < Y::size; i++) {
#pragma HLS UNROLL
            word.data[i] = cast<typename Y::value_type>(array[first + i]);
        }
        y.write(word);
    }
}

}  // namespace hlsgen

#endif
