// The value of a function in pieces from the words of a piece and the place in it. The config is that of pieces.h.
#ifndef HLSGEN_POLYNOMIAL_H
#define HLSGEN_POLYNOMIAL_H

#include <hlsgen/horner.h>

namespace hlsgen {

template <class C>
auto polynomial(const typename C::packed_t packed[C::words], const typename C::place_t& place) {
#pragma HLS INLINE
    return horner<C, 0, C::degree>::value(packed, place);
}

}  // namespace hlsgen

#endif
