// read_array<n>(x, array): whole packs, n / X::size of them, in the order of the array's elements; one a cycle.
#ifndef HLSGEN_STREAM_ARRAY_H
#define HLSGEN_STREAM_ARRAY_H

#include <hls_stream.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <int n, class X>
void read_array(hls::stream<X>& x, typename X::value_type array[n]) {
#pragma HLS INLINE
    static_assert(n % X::size == 0, "packs must fill the array exactly");
ReadPack:
    for (int first = 0; first < n; first += X::size) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
    ReadElement:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            array[first + i] = word.data[i];
        }
    }
}

}  // namespace hlsgen

#endif
