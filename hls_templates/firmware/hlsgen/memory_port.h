// Memory behind an AXI4 master: words of a sample become packs, packs become words. Only bits are moved.
//
// Config C
//   size                    elements of the tensor
//   words                   of a sample; bursts alone
// read_burst(x, y)          the words at x, of N bits, to packs; a word holds one pack
// write_burst(x, y)         the reverse
// read_bursts(x, y, samples), write_bursts(x, y, samples)
//                           the same of as many samples, which lie one behind the other: fewer than 2^31 words
// Streams: the pack's size divides `size`. Addresses follow each other, so that the tool makes bursts of them: a word a
// cycle once the memory answers. Interval of a sample size / pack and, once a call, what the memory takes to answer.
#ifndef HLSGEN_MEMORY_PORT_H
#define HLSGEN_MEMORY_PORT_H

#include <hls_stream.h>
#include <hlsgen/words.h>

namespace hlsgen {

template <class C, int N, class Y>
void read_burst(const ap_uint<N>* x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(C::size % Y::size == 0, "packs must fill the tensor exactly");
Word:
    for (int p = 0; p < C::size / Y::size; p++) {
#pragma HLS PIPELINE II=1
        const ap_uint<N> word = x[p];
        y.write(unpacked<Y>(word));
    }
}

template <class C, class X, int N>
void write_burst(hls::stream<X>& x, ap_uint<N>* y) {
#pragma HLS INLINE off
    static_assert(C::size % X::size == 0, "packs must fill the tensor exactly");
Word:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=1
        const X elements = x.read();
        y[p] = packed<N>(elements);
    }
}

// One loop over the words of all samples, so that bursts do not end with a sample. Reports are of calls with one.
template <class C, int N, class Y>
void read_bursts(const ap_uint<N>* x, hls::stream<Y>& y, const int samples) {
#pragma HLS INLINE off
    static_assert(C::words * Y::size == C::size, "packs must fill the tensor exactly");
    const int words = samples * C::words;
Word:
    for (int p = 0; p < words; p++) {
#pragma HLS LOOP_TRIPCOUNT min=C::words max=C::words
#pragma HLS PIPELINE II=1
        const ap_uint<N> word = x[p];
        y.write(unpacked<Y>(word));
    }
}

template <class C, class X, int N>
void write_bursts(hls::stream<X>& x, ap_uint<N>* y, const int samples) {
#pragma HLS INLINE off
    static_assert(C::words * X::size == C::size, "packs must fill the tensor exactly");
    const int words = samples * C::words;
Word:
    for (int p = 0; p < words; p++) {
#pragma HLS LOOP_TRIPCOUNT min=C::words max=C::words
#pragma HLS PIPELINE II=1
        const X elements = x.read();
        y[p] = packed<N>(elements);
    }
}

}  // namespace hlsgen

#endif
