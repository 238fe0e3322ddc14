// Every element is cast to a type of its own, all by the same steps with numbers that differ between elements:
//
//   y = ((x + add) & mask) - low                                 of types that wrap
//   y = max(low, min(high, (x + add) & mask))                    of types that saturate
//
// where, by the rounding mode, `other` is added in place of `add` to x below zero, or to x with the bit `odd`.
//
// Config C
//   input_t, output_t       element types; output_t holds every result exactly
//   value_t, value_word     signed, holds every x, every sum and all numbers; value_word stores those
//   saturates               whether the types saturate
//   by_sign, by_parity      what the rounding mode looks at, if anything
//   numbers                 how many numbers an element has, one behind the other
//   types                   elements with numbers of their own: element e has those of e % types
//   size                    elements of the tensor
//   reuse_factor
// Constants: n[types][numbers], of each: add, mask, low, then high (saturates), other (by_sign, by_parity), odd
// (by_parity).
// Streams: X::size == Y::size, dividing size, and a multiple or a divisor of types. Numbers lie in banks, one for each
// number of each lane of a pack (channel_walk.h).
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_CAST_EACH_H
#define HLSGEN_CAST_EACH_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/channel_walk.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// The walk through types, and how many numbers a step reads, which side by side are of different banks.
template <class C, int pack_size>
struct cast_each_walk : channel_walk<pack_size, C::types> {
    static const int banks = channel_walk<pack_size, C::types>::lanes * C::numbers;
};

template <class C>
typename C::output_t cast_each_element(const typename C::input_t& x, int which,
                                       const typename C::value_word n[C::types * C::numbers]) {
#pragma HLS INLINE
    typedef typename C::value_t value_t;
    static const int first_other = C::saturates ? 4 : 3;
    static const int of_other = C::by_sign || C::by_parity ? first_other : 0;
    static const int of_odd = C::by_parity ? first_other + 1 : 0;
    static const int of_high = C::saturates ? 3 : 0;
    const int at = which * C::numbers;
    const value_t v = cast<value_t>(x), low = from_mantissa<value_t>(n[at + 2]);
    value_t add = from_mantissa<value_t>(n[at]);
    if (C::by_sign) {
        add = select(v < hlsgen::zero<value_t>(), from_mantissa<value_t>(n[at + of_other]), add);
    }
    if (C::by_parity) {
        const value_t odd = masked(v, from_mantissa<value_t>(n[at + of_odd]));
        add = select(hlsgen::zero<value_t>() < odd, from_mantissa<value_t>(n[at + of_other]), add);
    }
    value_t sum = v;
    accumulate(sum, add);
    value_t kept = masked(sum, from_mantissa<value_t>(n[at + 1]));
    if (C::saturates) {
        const value_t high = from_mantissa<value_t>(n[at + of_high]);
        kept = select(high < kept, high, kept);
        kept = select(kept < low, low, kept);
    } else {
        deduct(kept, low);
    }
    return cast<typename C::output_t>(kept);
}

template <class C>
void cast_each(const typename C::input_t x[C::size], typename C::output_t y[C::size],
               rom<typename C::value_word, C::types * C::numbers> n) {
#pragma HLS PIPELINE II=C::reuse_factor
    static_assert(C::size % C::types == 0, "the types fit the tensor a whole number of times");
Position:
    for (int first = 0; first < C::size; first += C::types) {
#pragma HLS UNROLL
    Type:
        for (int i = 0; i < C::types; i++) {
#pragma HLS UNROLL
            y[first + i] = cast_each_element<C>(x[first + i], i, n);
        }
    }
}

template <class C, class X, class Y>
void cast_each(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::value_word, C::types * C::numbers> n) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
    typedef cast_each_walk<C, X::size> walk;
#pragma HLS ARRAY_PARTITION variable=n cyclic factor=walk::banks
    walk at;
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = cast_each_element<C>(word.data[i], at.channel(i), n);
        }
        y.write(result);
        at.advance();
    }
}

}  // namespace hlsgen

#endif
