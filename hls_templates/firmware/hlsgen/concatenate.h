// Concatenation of two tensors: for each outer index inner0 elements of x0, then inner1 elements of x1.
//
// Config C
//   input0_t, input1_t      element types of the operands; output_t that of the result
//   outer, inner0, inner1   x0 is [outer][inner0], x1 [outer][inner1], y [outer][inner0 + inner1]
//   last_axis               (streams) see below
//   reuse_factor
// Streams: with last_axis a pack of y is a pack of x0 followed by a pack of x1 (X0::size == inner0, X1::size == inner1,
// Y::size their sum); without, whole packs are passed on (all of one size, which divides inner0 and inner1).
// Cycles: last_axis ? outer : outer * (inner0 + inner1) / Y::size
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_CONCATENATE_H
#define HLSGEN_CONCATENATE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/packs.h>

namespace hlsgen {

template <class C>
void concatenate(const typename C::input0_t x0[C::outer * C::inner0],
                 const typename C::input1_t x1[C::outer * C::inner1],
                 typename C::output_t y[C::outer * (C::inner0 + C::inner1)]) {
#pragma HLS PIPELINE II=C::reuse_factor
Outer:
    for (int o = 0; o < C::outer; o++) {
#pragma HLS UNROLL
        const int first = o * (C::inner0 + C::inner1);
    First:
        for (int i = 0; i < C::inner0; i++) {
#pragma HLS UNROLL
            y[first + i] = cast<typename C::output_t>(x0[o * C::inner0 + i]);
        }
    Second:
        for (int i = 0; i < C::inner1; i++) {
#pragma HLS UNROLL
            y[first + C::inner0 + i] = cast<typename C::output_t>(x1[o * C::inner1 + i]);
        }
    }
}

// Along the last axis: packs are joined.
template <class C, class X0, class X1, class Y>
void concatenate_stream(std::true_type, hls::stream<X0>& x0, hls::stream<X1>& x1, hls::stream<Y>& y) {
#pragma HLS INLINE
    static_assert(X0::size == C::inner0 && X1::size == C::inner1, "a pack is one outer index");
    static_assert(Y::size == X0::size + X1::size, "a pack of the output is one pack of each operand");
Outer:
    for (int o = 0; o < C::outer; o++) {
#pragma HLS PIPELINE II=1
        const X0 word0 = x0.read();
        const X1 word1 = x1.read();
        Y result;
    First:
        for (int i = 0; i < X0::size; i++) {
#pragma HLS UNROLL
            result.data[i] = cast<typename C::output_t>(word0.data[i]);
        }
    Second:
        for (int i = 0; i < X1::size; i++) {
#pragma HLS UNROLL
            result.data[X0::size + i] = cast<typename C::output_t>(word1.data[i]);
        }
        y.write(result);
    }
}

// Along another axis: packs take turns.
template <class C, class X0, class X1, class Y>
void concatenate_stream(std::false_type, hls::stream<X0>& x0, hls::stream<X1>& x1, hls::stream<Y>& y) {
#pragma HLS INLINE
    static_assert(C::inner0 % X0::size == 0 && C::inner1 % X1::size == 0, "packs must fill each tensor exactly");
    const int packs0 = C::inner0 / X0::size;
    const int packs1 = C::inner1 / X1::size;
Outer:
    for (int o = 0; o < C::outer; o++) {
    Pack:
        for (int p = 0; p < packs0 + packs1; p++) {
#pragma HLS PIPELINE II=1
            if (p < packs0) {
                y.write(converted<Y>(x0.read()));
            } else {
                y.write(converted<Y>(x1.read()));
            }
        }
    }
}

template <class C, class X0, class X1, class Y>
void concatenate(hls::stream<X0>& x0, hls::stream<X1>& x1, hls::stream<Y>& y) {
#pragma HLS INLINE off
    typedef std::integral_constant<bool, C::last_axis> last_axis;
    concatenate_stream<C>(last_axis(), x0, x1, y);
}

}  // namespace hlsgen

#endif
