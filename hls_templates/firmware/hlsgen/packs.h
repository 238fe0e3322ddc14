// Passes whole packs on.
#ifndef HLSGEN_PACKS_H
#define HLSGEN_PACKS_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// Reads `elements` elements from x and writes them to y as T, pack by pack.
template <class T, int elements, class X, class Y> void pass_packs(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE
    static_assert(X::size == Y::size && elements % X::size == 0, "packs of equal size must fill each tensor exactly");
Pack:
    for (int p = 0; p < elements / X::size; p++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = cast<T>(word.data[i]);
        }
        y.write(result);
    }
}

}  // namespace hlsgen

#endif
