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
#include <hlsgen/pack.h>

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
    X word;
    Y result;
    int from = 0;
    int to = 0;
Step:
    for (int done = 0; done < C::size; done += step) {
#pragma HLS PIPELINE II=1
        if (from == 0) word = x.read();
    Element:
        for (int i = 0; i < step; i++) {
#pragma HLS UNROLL
            result.data[to + i] = word.data[from + i];
        }
        from = from + step < X::size ? from + step : 0;
        to = to + step < Y::size ? to + step : 0;
        if (to == 0) y.write(result);
    }
}

}  // namespace hlsgen

#endif
