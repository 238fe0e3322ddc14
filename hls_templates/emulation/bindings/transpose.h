// Square blocks of HLSGEN_LANES x HLSGEN_LANES numbers turned about their diagonal: NumPy keeps a sample's
// elements together, lanes keep an element's samples together.
#ifndef HLSGEN_BINDINGS_TRANSPOSE_H
#define HLSGEN_BINDINGS_TRANSPOSE_H

#include <hlsgen/lanes.h>

namespace hlsgen {
namespace bindings {

using lanes::vec;
constexpr int L = lanes::count;

// low = a0 b0 a1 b1 ... of the first halves, high = the same of the second halves.
template <class E> HLSGEN_INLINE void interleave(vec<E> a, vec<E> b, vec<E>& low, vec<E>& high) {
#if defined(__GNUC__) && !defined(__clang__)
    typedef typename lanes::element<8 * sizeof(E), true>::type index;
    vec<index> first, second;
    for (int i = 0; i < L; i++) {
        first[i] = index(i / 2 + i % 2 * L);
        second[i] = index(first[i] + L / 2);
    }
    low = __builtin_shuffle(a, b, first);
    high = __builtin_shuffle(a, b, second);
#else
    for (int i = 0; i < L / 2; i++) {
        low[2 * i] = a[i], low[2 * i + 1] = b[i];
        high[2 * i] = a[L / 2 + i], high[2 * i + 1] = b[L / 2 + i];
    }
#endif
}

// block[i][k] becomes block[k][i]: each round interleaves the first half of the rows with the second.
template <class E> HLSGEN_INLINE void transpose(vec<E> (&block)[L]) {
    for (int round = 1; round < L; round *= 2) {
        vec<E> next[L];
        for (int i = 0; i < L / 2; i++) interleave<E>(block[i], block[i + L / 2], next[2 * i], next[2 * i + 1]);
        for (int i = 0; i < L; i++) block[i] = next[i];
    }
}

}  // namespace bindings
}  // namespace hlsgen

#endif
