// Reads a stream to its end: one of several results of a layer that nobody else reads.
//
// Config C
//   size                    elements of the tensor
// Streams only: an array that nobody reads costs nothing.
// Cycles: size / X::size
#ifndef HLSGEN_DISCARD_H
#define HLSGEN_DISCARD_H

#include <hls_stream.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C, class X> void discard(hls::stream<X>& x) {
#pragma HLS INLINE off
    static_assert(C::size % X::size == 0, "packs must fill the tensor exactly");
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
        (void)word;
    }
}

}  // namespace hlsgen

#endif
