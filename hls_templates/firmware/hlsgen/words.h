// The words of ports: the elements of a pack side by side in an integer.
//
// Element i of W bits has bits W * i to W * i + W - 1, so element 0 the lowest. Bits above the last element are zero in
// a word that is made, and not looked at in one that is taken apart. No gates, wires only.
#ifndef HLSGEN_WORDS_H
#define HLSGEN_WORDS_H

#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class Pack, int N> Pack unpacked(const ap_uint<N>& word) {
#pragma HLS INLINE
    typedef typename Pack::value_type element;
    const int width = element::width;
    static_assert(width * Pack::size <= N, "a word must hold a whole pack");
    Pack result;
Element:
    for (int i = 0; i < Pack::size; i++) {
#pragma HLS UNROLL
        const ap_uint<width> bits = word.range(width * i + width - 1, width * i);
        result.data[i] = from_mantissa<element>(bits);
    }
    return result;
}

template <int N, class Pack> ap_uint<N> packed(const Pack& elements) {
#pragma HLS INLINE
    const int width = Pack::value_type::width;
    static_assert(width * Pack::size <= N, "a word must hold a whole pack");
    ap_uint<N> word = 0;
Element:
    for (int i = 0; i < Pack::size; i++) {
#pragma HLS UNROLL
        const ap_uint<width> bits = elements.data[i].range(width - 1, 0);
        word.range(width * i + width - 1, width * i) = bits;
    }
    return word;
}

}  // namespace hlsgen

#endif
