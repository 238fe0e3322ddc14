// AXI streams of the top function with side channels: as axis_port.h, a sample a packet.
//
// Config C
//   size                    elements of the tensor
//   bits                    of a word's data
// read_packets(x, y)        words to packs, which they hold one of; words are counted, TLAST, TKEEP and TSTRB not looked at
// write_packets(x, y)       the reverse: TLAST with the last word of the sample, all bytes kept
// Streams: the pack's size divides `size`. A word a cycle: interval of a sample size / pack, latency 1.
#ifndef HLSGEN_AXIS_PACKET_PORT_H
#define HLSGEN_AXIS_PACKET_PORT_H

#include <ap_axi_sdata.h>
#include <hls_stream.h>
#include <hlsgen/words.h>

namespace hlsgen {

template <class C, class Word, class Y>
void read_packets(hls::stream<Word>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(C::size % Y::size == 0, "packs must fill the tensor exactly");
Word:
    for (int p = 0; p < C::size / Y::size; p++) {
#pragma HLS PIPELINE II=1
        const Word word = x.read();
        const ap_uint<C::bits> data = word.data;
        y.write(unpacked<Y>(data));
    }
}

template <class C, class X, class Word>
void write_packets(hls::stream<X>& x, hls::stream<Word>& y) {
#pragma HLS INLINE off
    static_assert(C::size % X::size == 0, "packs must fill the tensor exactly");
    const int words = C::size / X::size;
Word:
    for (int p = 0; p < words; p++) {
#pragma HLS PIPELINE II=1
        const X elements = x.read();
        Word word;
        word.data = packed<C::bits>(elements);
        word.keep = -1;
        word.strb = -1;
        word.last = p == words - 1;
        y.write(word);
    }
}

}  // namespace hlsgen

#endif
