// Regroups a stream: packs of X::size elements become packs of Y::size elements; order and values stay.
//
// Config C
//   size                    elements of the tensor; X::size and Y::size divide it
// Each step moves as many elements as both sizes are multiples of, so joining takes one cycle a pack read and splitting
// one cycle a pack written.
// Cycles: size / greatest_common_divisor(X::size, Y::size)
#ifndef HLSGEN_REPACK_H
#define HLSGEN_REPACK_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/pack_parts.h>

namespace hlsgen {

constexpr int greatest_common_divisor(int a, int b) {
    while (b != 0) {
        const int remainder = a % b;
        a = b;
        b = remainder;
    }
    return a;
}

template <class C, class X, class Y>
void repack(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(C::size % X::size == 0 && C::size % Y::size == 0, "packs must fill the tensor exactly");
    const int step = greatest_common_divisor(X::size, Y::size);
    pack_splitter<X, step> splitter;
    pack_joiner<Y, step> joiner;
    counter<X::size / step - 1> taken = 0;  // parts of the pack at hand
    counter<Y::size / step - 1> put = 0;
Step:
    for (int done = 0; done < C::size; done += step) {
#pragma HLS PIPELINE II=1
        if (int(taken) == 0) splitter.take(x.read());
        joiner.put(splitter.part());
        splitter.advance();
        taken = int(taken) == X::size / step - 1 ? 0 : int(taken) + 1;
        put = int(put) == Y::size / step - 1 ? 0 : int(put) + 1;
        if (int(put) == 0) y.write(joiner.word());
    }
}

}  // namespace hlsgen

#endif
