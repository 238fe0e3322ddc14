// AXI streams of the top function: words of a port become packs, packs become words. Only bits are moved.
//
// Config C
//   size                    elements of the tensor
// read_words(x, y)          words of N bits to packs; a word holds one pack
// write_words(x, y)         the reverse
// Streams: the pack's size divides `size`. A word a cycle: interval of a sample size / pack, latency 1.
#ifndef HLSGEN_AXIS_PORT_H
#define HLSGEN_AXIS_PORT_H

#include <hls_stream.h>
#include <hlsgen/words.h>

namespace hlsgen {

template <class C, int N, class Y>
void read_words(hls::stream<ap_uint<N> >& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(C::size % Y::size == 0, "packs must fill the tensor exactly");
Word:
    for (int p = 0; p < C::size / Y::size; p++) {
#pragma HLS PIPELINE II=1
        const ap_uint<N> word = x.read();
        y.write(unpacked<Y>(word));
    }
}

template <class C, class X, int N>
void write_words(hls::stream<X>& x, hls::stream<ap_uint<N> >& y) {
#pragma HLS INLINE off
    static_assert(C::size % X::size == 0, "packs must fill the tensor exactly");
Word:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=1
        const X elements = x.read();
        y.write(packed<N>(elements));
    }
}

}  // namespace hlsgen

#endif
