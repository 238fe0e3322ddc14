// Permutes the axes of a tensor of rank 3 (lower ranks get ones in front): numpy.transpose(x, (perm0, perm1, perm2)).
//
// Config C
//   input_t, output_t       element types
//   in_d0, in_d1, in_d2     shape of x
//   perm0, perm1, perm2     axis of x that becomes axis 0, 1, 2 of y
//   reuse_factor
// Streams: X::size and Y::size divide the number of elements. The whole tensor is buffered, then written an element
// a cycle.
// Cycles: in_d0 * in_d1 * in_d2 / X::size + in_d0 * in_d1 * in_d2
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_PERMUTE_H
#define HLSGEN_PERMUTE_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/stream_array.h>

namespace hlsgen {

// Shape of y, and how far apart its neighbours lie in x.
template <class C>
struct permutation {
    static constexpr int length(int axis) { return axis == 0 ? C::in_d0 : axis == 1 ? C::in_d1 : C::in_d2; }
    static constexpr int stride(int axis) { return axis == 0 ? C::in_d1 * C::in_d2 : axis == 1 ? C::in_d2 : 1; }

    static const int size = C::in_d0 * C::in_d1 * C::in_d2;
};

template <class C>
void permute(const typename C::input_t x[C::in_d0 * C::in_d1 * C::in_d2],
             typename C::output_t y[C::in_d0 * C::in_d1 * C::in_d2]) {
#pragma HLS PIPELINE II=C::reuse_factor
    typedef permutation<C> P;
    const int d0 = P::length(C::perm0), d1 = P::length(C::perm1), d2 = P::length(C::perm2);
    const int s0 = P::stride(C::perm0), s1 = P::stride(C::perm1), s2 = P::stride(C::perm2);
First:
    for (int i = 0; i < d0; i++) {
#pragma HLS UNROLL
    Second:
        for (int j = 0; j < d1; j++) {
#pragma HLS UNROLL
        Third:
            for (int k = 0; k < d2; k++) {
#pragma HLS UNROLL
                y[(i * d1 + j) * d2 + k] = cast<typename C::output_t>(x[i * s0 + j * s1 + k * s2]);
            }
        }
    }
}

template <class C, class X, class Y>
void permute(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    typedef permutation<C> P;
    static_assert(P::size % Y::size == 0, "packs must hold the tensor exactly");
    const int d0 = P::length(C::perm0), d1 = P::length(C::perm1), d2 = P::length(C::perm2);
    const int s0 = P::stride(C::perm0), s1 = P::stride(C::perm1), s2 = P::stride(C::perm2);
    typename C::input_t tensor[P::size];
    read_array<P::size>(x, tensor);
    Y result;
    int at = 0;  // element of the pack to come
First:
    for (int i = 0; i < d0; i++) {
    Second:
        for (int j = 0; j < d1; j++) {
        Third:
            for (int k = 0; k < d2; k++) {
#pragma HLS PIPELINE II=1
                result.data[at] = cast<typename C::output_t>(tensor[i * s0 + j * s1 + k * s2]);
                at = at + 1 < Y::size ? at + 1 : 0;
                if (at == 0) y.write(result);
            }
        }
    }
}

}  // namespace hlsgen

#endif
