// Converts every element to another type: y = cast<output_t>(x).
//
// Config C
//   input_t, output_t       element types
//   size                    elements of the tensor
//   reuse_factor
// Streams: X::size == Y::size, dividing size.
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_CONVERT_H
#define HLSGEN_CONVERT_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/packs.h>

namespace hlsgen {

template <class C>
void convert(const typename C::input_t x[C::size], typename C::output_t y[C::size]) {
#pragma HLS PIPELINE II=C::reuse_factor
Element:
    for (int e = 0; e < C::size; e++) {
#pragma HLS UNROLL
        y[e] = cast<typename C::output_t>(x[e]);
    }
}

template <class C, class X, class Y>
void convert(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        y.write(converted<Y>(x.read()));
    }
}

}  // namespace hlsgen

#endif
