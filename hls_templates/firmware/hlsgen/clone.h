// Copies a tensor to two consumers.
//
// Config C
//   input_t, output_t       element types, the same
//   size                    elements of the tensor
// Streams: the packs of all three have one size, which divides `size`.
// Cycles: size / X::size
//   arrays: 1
#ifndef HLSGEN_CLONE_H
#define HLSGEN_CLONE_H

#include <hls_stream.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C>
void clone(const typename C::input_t x[C::size], typename C::output_t y0[C::size], typename C::output_t y1[C::size]) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II=1
Element:
    for (int e = 0; e < C::size; e++) {
#pragma HLS UNROLL
        y0[e] = x[e];
        y1[e] = x[e];
    }
}

template <class C, class X>
void clone(hls::stream<X>& x, hls::stream<X>& y0, hls::stream<X>& y1) {
#pragma HLS INLINE off
    static_assert(C::size % X::size == 0, "packs must fill the tensor exactly");
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
        y0.write(word);
        y1.write(word);
    }
}

}  // namespace hlsgen

#endif
