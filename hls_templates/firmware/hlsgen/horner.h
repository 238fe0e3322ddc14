// The polynomial of a piece, exactly: c0 + u (c1 + u (c2 + u c3)). The config is that of pieces.h.
//
// coefficient<C, K>        where the words of a piece hold coefficient K
// horner<C, K, degree>     coefficient K and all behind it
#ifndef HLSGEN_HORNER_H
#define HLSGEN_HORNER_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class C, int K> struct coefficient;
template <class C> struct coefficient<C, 0> {
    typedef typename C::c0_t type;
    static const int word = C::c0_word, bit = C::c0_bit;
};
template <class C> struct coefficient<C, 1> {
    typedef typename C::c1_t type;
    static const int word = C::c1_word, bit = C::c1_bit;
};
template <class C> struct coefficient<C, 2> {
    typedef typename C::c2_t type;
    static const int word = C::c2_word, bit = C::c2_bit;
};
template <class C> struct coefficient<C, 3> {
    typedef typename C::c3_t type;
    static const int word = C::c3_word, bit = C::c3_bit;
};

template <class C, int K>
typename coefficient<C, K>::type coefficient_of(const typename C::packed_t packed[C::words]) {
#pragma HLS INLINE
    typedef coefficient<C, K> c;
    return slice<typename c::type, c::bit>(packed[c::word]);
}

template <class C, int K, int Degree>
struct horner {
    static auto value(const typename C::packed_t packed[C::words], const typename C::place_t& place) {
#pragma HLS INLINE
        const typename C::offset_t u = slice<typename C::offset_t, 0>(place);
        return coefficient_of<C, K>(packed) + u * horner<C, K + 1, Degree>::value(packed, place);
    }
};
template <class C, int Degree>
struct horner<C, Degree, Degree> {
    static auto value(const typename C::packed_t packed[C::words], const typename C::place_t&) {
#pragma HLS INLINE
        return coefficient_of<C, Degree>(packed);
    }
};

}  // namespace hlsgen

#endif
