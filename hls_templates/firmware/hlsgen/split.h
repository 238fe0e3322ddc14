// A tensor cut in two: for each outer index inner0 elements go to y0, then inner1 elements to y1.
//
// Config C
//   input_t                   element type of the operand; output0_t, output1_t those of the results
//   outer, inner0, inner1     x is [outer][inner0 + inner1], y0 [outer][inner0], y1 [outer][inner1]
//   last_axis                 (streams) see below
//   reuse_factor
// Streams: with last_axis a pack of x is a pack of y0 followed by a pack of y1 (Y0::size == inner0, Y1::size == inner1,
// X::size their sum); without, whole packs are passed on (all of one size, which divides inner0 and inner1).
// Cycles: last_axis ? outer : outer * (inner0 + inner1) / X::size
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_SPLIT_H
#define HLSGEN_SPLIT_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/packs.h>

namespace hlsgen {

template <class C>
void split(const typename C::input_t x[C::outer * (C::inner0 + C::inner1)],
           typename C::output0_t y0[C::outer * C::inner0], typename C::output1_t y1[C::outer * C::inner1]) {
#pragma HLS PIPELINE II=C::reuse_factor
Outer:
    for (int o = 0; o < C::outer; o++) {
#pragma HLS UNROLL
        const int first = o * (C::inner0 + C::inner1);
    First:
        for (int i = 0; i < C::inner0; i++) {
#pragma HLS UNROLL
            y0[o * C::inner0 + i] = cast<typename C::output0_t>(x[first + i]);
        }
    Second:
        for (int i = 0; i < C::inner1; i++) {
#pragma HLS UNROLL
            y1[o * C::inner1 + i] = cast<typename C::output1_t>(x[first + C::inner0 + i]);
        }
    }
}

// Along the last axis: packs are cut.
template <class C, class X, class Y0, class Y1>
void split_stream(std::true_type, hls::stream<X>& x, hls::stream<Y0>& y0, hls::stream<Y1>& y1) {
#pragma HLS INLINE
    static_assert(Y0::size == C::inner0 && Y1::size == C::inner1, "a pack is one outer index");
    static_assert(X::size == Y0::size + Y1::size, "a pack of the operand is one pack of each result");
Outer:
    for (int o = 0; o < C::outer; o++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
        Y0 result0;
        Y1 result1;
    First:
        for (int i = 0; i < Y0::size; i++) {
#pragma HLS UNROLL
            result0.data[i] = cast<typename C::output0_t>(word.data[i]);
        }
    Second:
        for (int i = 0; i < Y1::size; i++) {
#pragma HLS UNROLL
            result1.data[i] = cast<typename C::output1_t>(word.data[Y0::size + i]);
        }
        y0.write(result0);
        y1.write(result1);
    }
}

// Along another axis: the results take turns.
template <class C, class X, class Y0, class Y1>
void split_stream(std::false_type, hls::stream<X>& x, hls::stream<Y0>& y0, hls::stream<Y1>& y1) {
#pragma HLS INLINE
    static_assert(C::inner0 % Y0::size == 0 && C::inner1 % Y1::size == 0, "packs must fill each tensor exactly");
    const int packs0 = C::inner0 / Y0::size;
    const int packs1 = C::inner1 / Y1::size;
Outer:
    for (int o = 0; o < C::outer; o++) {
    Pack:
        for (int p = 0; p < packs0 + packs1; p++) {
#pragma HLS PIPELINE II=1
            const X word = x.read();
            if (p < packs0) {
                y0.write(converted<Y0>(word));
            } else {
                y1.write(converted<Y1>(word));
            }
        }
    }
}

template <class C, class X, class Y0, class Y1>
void split(hls::stream<X>& x, hls::stream<Y0>& y0, hls::stream<Y1>& y1) {
#pragma HLS INLINE off
    typedef std::integral_constant<bool, C::last_axis> last_axis;
    split_stream<C>(last_axis(), x, y0, y1);
}

}  // namespace hlsgen

#endif
