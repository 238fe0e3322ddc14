// Two tensors into one, element by element: y = x0 op x1.
//
// Config C
//   input0_t, input1_t      element types of the operands; output_t that of the result
//   value_t                 holds the exact result (for minimum and maximum: every element of both operands)
//   op                      merge_op::add, subtract, multiply, maximum or minimum
//   size                    elements of x0 and of y
//   broadcast, inner        with broadcast, x1 has `inner` elements, and element e of x0 meets element e % inner of x1;
//                           without, x1 has `size` elements and inner is not used
//   reuse_factor
// Streams: X0::size == Y::size, dividing size. Without broadcast X1::size is the same; with broadcast X1::size divides
// inner, x1 is read once and held, and X0::size is a multiple or a divisor of inner.
// Cycles: broadcast ? inner / X1::size + size / X0::size * reuse_factor : size / X0::size * reuse_factor
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(exact result).
#ifndef HLSGEN_MERGE_H
#define HLSGEN_MERGE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/channel_walk.h>
#include <hlsgen/pack.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

enum class merge_op { add, subtract, multiply, maximum, minimum };

// The exact result V of one operation.
template <merge_op op>
struct merge_rule;

template <>
struct merge_rule<merge_op::add> {
    template <class V, class A, class B>
    static V apply(const A& a, const B& b) {
#pragma HLS INLINE
        return cast<V>(a + b);
    }
};

template <>
struct merge_rule<merge_op::subtract> {
    template <class V, class A, class B>
    static V apply(const A& a, const B& b) {
#pragma HLS INLINE
        return cast<V>(a - b);
    }
};

template <>
struct merge_rule<merge_op::multiply> {
    template <class V, class A, class B>
    static V apply(const A& a, const B& b) {
#pragma HLS INLINE
        return cast<V>(a * b);
    }
};

template <>
struct merge_rule<merge_op::maximum> {
    template <class V, class A, class B>
    static V apply(const A& a, const B& b) {
#pragma HLS INLINE
        const V va = cast<V>(a);
        const V vb = cast<V>(b);
        return select(va > vb, va, vb);
    }
};

template <>
struct merge_rule<merge_op::minimum> {
    template <class V, class A, class B>
    static V apply(const A& a, const B& b) {
#pragma HLS INLINE
        const V va = cast<V>(a);
        const V vb = cast<V>(b);
        return select(va < vb, va, vb);
    }
};

template <class C>
typename C::output_t merge_element(const typename C::input0_t& x0, const typename C::input1_t& x1) {
#pragma HLS INLINE
    return cast<typename C::output_t>(merge_rule<C::op>::template apply<typename C::value_t>(x0, x1));
}

template <class C>
void merge(const typename C::input0_t x0[C::size], const typename C::input1_t x1[C::broadcast ? C::inner : C::size],
           typename C::output_t y[C::size]) {
#pragma HLS PIPELINE II=C::reuse_factor
    const int inner = C::broadcast ? C::inner : C::size;
    static_assert(C::size % inner == 0, "the second operand must fit the first a whole number of times");
Outer:
    for (int first = 0; first < C::size; first += inner) {
#pragma HLS UNROLL
    Inner:
        for (int i = 0; i < inner; i++) {
#pragma HLS UNROLL
            y[first + i] = merge_element<C>(x0[first + i], x1[i]);
        }
    }
}

// The second operand is held; the first passes by.
template <class C, class X0, class X1, class Y>
void merge_stream(std::true_type, hls::stream<X0>& x0, hls::stream<X1>& x1, hls::stream<Y>& y) {
#pragma HLS INLINE
    typedef channel_walk<X0::size, C::inner> walk;
    typename C::input1_t held[C::inner];
#pragma HLS ARRAY_PARTITION variable=held cyclic factor=walk::lanes
    read_array<C::inner>(x1, held);
    walk at;
Pack:
    for (int p = 0; p < C::size / X0::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X0 word = x0.read();
        Y result;
    Element:
        for (int i = 0; i < X0::size; i++) {
#pragma HLS UNROLL
            result.data[i] = merge_element<C>(word.data[i], held[at.channel(i)]);
        }
        y.write(result);
        at.advance();
    }
}

// Both operands pass by.
template <class C, class X0, class X1, class Y>
void merge_stream(std::false_type, hls::stream<X0>& x0, hls::stream<X1>& x1, hls::stream<Y>& y) {
#pragma HLS INLINE
    static_assert(X1::size == X0::size, "packs of the operands must have equal size");
Pack:
    for (int p = 0; p < C::size / X0::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X0 word0 = x0.read();
        const X1 word1 = x1.read();
        Y result;
    Element:
        for (int i = 0; i < X0::size; i++) {
#pragma HLS UNROLL
            result.data[i] = merge_element<C>(word0.data[i], word1.data[i]);
        }
        y.write(result);
    }
}

template <class C, class X0, class X1, class Y>
void merge(hls::stream<X0>& x0, hls::stream<X1>& x1, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X0::size == Y::size && C::size % X0::size == 0, "packs of equal size must fill the tensor exactly");
    typedef std::integral_constant<bool, C::broadcast> broadcast;
    merge_stream<C>(broadcast(), x0, x1, y);
}

}  // namespace hlsgen

#endif
