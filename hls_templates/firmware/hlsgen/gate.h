// A function that jumps: x outside of an interval, a level inside of it.
//
//   v = cast<compared_t>(x) > last ? x : level
//   v = cast<compared_t>(x) < first ? x : v        (if has_low)
//   y = cast<output_t>(v)
//
// Config C
//   input_t, output_t       element types; input_t may be unsigned
//   compared_t              holds every x and both ends exactly
//   value_t                 holds every x and the level exactly
//   last_mantissa           of compared_t (long long): the greatest value inside
//   has_low, first_mantissa the least, if there is one
//   has_level, level_t, level_word, level_mantissa   the level is 0 without; level_mantissa is of level_t (long long)
//   size                    elements of the tensor
//   reuse_factor
// The names of an absent level are never used.
// Streams: X::size == Y::size, dividing size.
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_GATE_H
#define HLSGEN_GATE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// What x becomes inside.
template <class C>
typename C::value_t gate_level(std::true_type) {
#pragma HLS INLINE
    typedef typename C::level_word word;
    return cast<typename C::value_t>(from_mantissa<typename C::level_t>(word(C::level_mantissa)));
}

template <class C>
typename C::value_t gate_level(std::false_type) {
#pragma HLS INLINE
    return hlsgen::zero<typename C::value_t>();
}

template <class C>
typename C::output_t gate_element(const typename C::input_t& x) {
#pragma HLS INLINE
    typedef typename C::compared_t compared_t;
    typedef typename C::value_t value_t;
    typedef mantissa<traits<compared_t>::width, traits<compared_t>::is_signed> word;
    typedef std::integral_constant<bool, C::has_level> has_level;
    const compared_t place = cast<compared_t>(x);
    const value_t passed = cast<value_t>(x);
    value_t v = select(place > from_mantissa<compared_t>(word(C::last_mantissa)), passed, gate_level<C>(has_level()));
    if (C::has_low) v = select(place < from_mantissa<compared_t>(word(C::first_mantissa)), passed, v);
    return cast<typename C::output_t>(v);
}

template <class C>
void gate(const typename C::input_t x[C::size], typename C::output_t y[C::size]) {
#pragma HLS PIPELINE II=C::reuse_factor
Element:
    for (int e = 0; e < C::size; e++) {
#pragma HLS UNROLL
        y[e] = gate_element<C>(x[e]);
    }
}

template <class C, class X, class Y>
void gate(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = gate_element<C>(word.data[i]);
        }
        y.write(result);
    }
}

}  // namespace hlsgen

#endif
