// Arrays at the ports of a design that computes in streams: elements become packs, packs become elements.
//
// Config C
//   size                    elements of the tensor
// read_elements(x, y)       an array of elements to the one pack that holds them all
// write_elements(x, y)      the reverse
// read_rows(x, y)           a memory of words, a pack each, to packs
// write_rows(x, y)          the reverse
// Streams: the pack's size divides `size`. A pack a cycle: interval of a sample size / pack, latency 1, and that of
// reading the memory. The second index of a memory is constant, so that no address has to be divided.
#ifndef HLSGEN_ARRAY_PORT_H
#define HLSGEN_ARRAY_PORT_H

#include <hls_stream.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C, class Y>
void read_elements(const typename Y::value_type x[C::size], hls::stream<Y>& y) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II=1
    static_assert(C::size == Y::size, "a pack must hold the whole tensor");
    Y result;
Element:
    for (int i = 0; i < Y::size; i++) {
#pragma HLS UNROLL
        result.data[i] = x[i];
    }
    y.write(result);
}

template <class C, class X>
void write_elements(hls::stream<X>& x, typename X::value_type y[C::size]) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II=1
    static_assert(C::size == X::size, "a pack must hold the whole tensor");
    const X elements = x.read();
Element:
    for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
        y[i] = elements.data[i];
    }
}

template <class C, class Y>
void read_rows(const typename Y::value_type x[C::size / Y::size][Y::size], hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(C::size % Y::size == 0, "packs must fill the tensor exactly");
Row:
    for (int p = 0; p < C::size / Y::size; p++) {
#pragma HLS PIPELINE II=1
        Y result;
    Element:
        for (int i = 0; i < Y::size; i++) {
#pragma HLS UNROLL
            result.data[i] = x[p][i];
        }
        y.write(result);
    }
}

template <class C, class X>
void write_rows(hls::stream<X>& x, typename X::value_type y[C::size / X::size][X::size]) {
#pragma HLS INLINE off
    static_assert(C::size % X::size == 0, "packs must fill the tensor exactly");
Row:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=1
        const X elements = x.read();
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            y[p][i] = elements.data[i];
        }
    }
}

}  // namespace hlsgen

#endif
