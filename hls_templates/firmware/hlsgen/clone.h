// Copies a stream to two consumers.
//
// Config C
//   size                    elements of the tensor; the packs of all three streams have one size, which divides it
//   reuse_factor, strategy  not used
#ifndef HLSGEN_CLONE_H
#define HLSGEN_CLONE_H

#include <hls_stream.h>
#include <hlsgen/pack.h>

namespace hlsgen {

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
