// Two constants of an ap_[u]fixed type T: zero<T>() and lowest<T>(), the smallest value T can hold.
#ifndef HLSGEN_LIMITS_H
#define HLSGEN_LIMITS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class T>
T zero() {
#pragma HLS INLINE
    return from_mantissa<T>(mantissa<traits<T>::width, true>(0));
}

template <class T>
T lowest() {
#pragma HLS INLINE
    const int width = traits<T>::width;
    static_assert(width <= 64, "elements have at most 64 bits");
    return from_mantissa<T>(mantissa<width, true>(traits<T>::is_signed ? -(1LL << (width - 1)) : 0LL));
}

}  // namespace hlsgen

#endif
