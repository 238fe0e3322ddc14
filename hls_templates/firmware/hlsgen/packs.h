// Packs whose elements change their type and stay where they are.
#ifndef HLSGEN_PACKS_H
#define HLSGEN_PACKS_H

#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// The pack Y of the same elements, each cast to its type.
template <class Y, class X>
Y converted(const X& word) {
#pragma HLS INLINE
    static_assert(X::size == Y::size, "packs must have equal size");
    Y result;
Element:
    for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
        result.data[i] = cast<typename Y::value_type>(word.data[i]);
    }
    return result;
}

}  // namespace hlsgen

#endif
