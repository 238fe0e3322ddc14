// Polynomials in pieces for emulation; firmware/hlsgen/polynomial.h says the same for synthesis.
//
// Values of few bits live in words of 16, and what is cut out of wider ones is moved there and back. Where the result
// fits words of 32 bits, coefficients and place stay in those: sums and products modulo 2^32 are right, whatever the bits
// above a coefficient's product are in between. Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/polynomial.h>
#endif
#ifndef HLSGEN_POLYNOMIAL_H
#define HLSGEN_POLYNOMIAL_H

#include <hlsgen/horner.h>

namespace hlsgen {
namespace detail {

// Bits Low and on of a value, as T's mantissas in words E.
template <class E, class T, int Low, class X> HLSGEN_INLINE lanes::vec<E> bits_in(const X& x) {
    typedef typename X::word source;
    constexpr int spare = 8 * int(sizeof(source)) - Low - T::width;
    typedef typename lanes::element<8 * sizeof(source), T::is_signed>::type cut;
    const auto bits = lanes::convert<cut, source>(x.V);
    if constexpr (spare == 0) return lanes::convert<E, cut>(bits >> Low);
    else if constexpr (!T::is_signed) return lanes::convert<E, cut>((bits >> Low) & lanes::low_ones<cut>(T::width));
    else return lanes::convert<E, cut>((bits << spare) >> (spare + Low));
}

// The sum of coefficient K and the Behind ones behind it: mantissas with `frac` fraction bits.
template <class C, class E, int K, int Behind> struct raw_horner {
    typedef coefficient<C, K> c;
    typedef raw_horner<C, E, K + 1, Behind - 1> rest;
    static const int product = rest::frac + C::offset_bits;
    static const int frac = lanes::larger(c::type::frac, product);
    static HLSGEN_INLINE lanes::vec<E> value(const typename C::packed_t* packed, const lanes::vec<E>& u) {
        const lanes::vec<E> own = bits_in<E, typename c::type, c::bit>(packed[c::word]);
        return (own << (frac - c::type::frac)) + ((rest::value(packed, u) * u) << (frac - product));
    }
};
template <class C, class E, int K> struct raw_horner<C, E, K, 0> {
    typedef coefficient<C, K> c;
    static const int frac = c::type::frac;
    static HLSGEN_INLINE lanes::vec<E> value(const typename C::packed_t* packed, const lanes::vec<E>&) {
        return bits_in<E, typename c::type, c::bit>(packed[c::word]);
    }
};

}  // namespace detail

template <class C>
HLSGEN_INLINE auto polynomial(const typename C::packed_t packed[C::words], const typename C::place_t& place) {
    typedef decltype(horner<C, 0, C::degree>::value(packed, place)) type;
    typedef typename type::word word;
    if constexpr (C::degree > 0 && sizeof(word) == 4) {
        typedef detail::raw_horner<C, word, 0, C::degree> raw;
        static_assert(raw::frac == type::frac, "the mantissas are those of the type of the sum");
        const lanes::vec<word> u = detail::bits_in<word, typename C::offset_t, 0>(place);
        return type(raw::value(packed, u), 0);
    } else {
        return horner<C, 0, C::degree>::value(packed, place);
    }
}

}  // namespace hlsgen

#endif
