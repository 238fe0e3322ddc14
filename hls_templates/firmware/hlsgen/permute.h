// Permutes the axes of a tensor of rank 3 (lower ranks get ones in front): numpy.transpose(x, (perm0, perm1, perm2)).
//
// Config C
//   input_t, output_t       element types
//   in_d0, in_d1, in_d2     shape of x
//   perm0, perm1, perm2     axis of x that becomes axis 0, 1, 2 of y
//   reuse_factor
// Streams: a pack is a position, X::size == in_d2, Y::size the length of the axis that becomes the last. The whole tensor
// is taken, then given, a pack a cycle.
// Cycles: in_d0 * in_d1 * in_d2 / X::size + in_d0 * in_d1 * in_d2 / Y::size
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_PERMUTE_H
#define HLSGEN_PERMUTE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/packs.h>
#include <hlsgen/skewed_rows.h>

namespace hlsgen {

// Shape of y, and how far apart its neighbours lie in x.
template <class C>
struct permutation {
    static constexpr int length(int axis) { return axis == 0 ? C::in_d0 : axis == 1 ? C::in_d1 : C::in_d2; }
    static constexpr int stride(int axis) { return axis == 0 ? C::in_d1 * C::in_d2 : axis == 1 ? C::in_d2 : 1; }
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

// The last axis stays: rows of it are whole packs.
template <class C, class X, class Y>
void permute_stream(std::true_type, hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE
    typedef permutation<C> P;
    static_assert(C::in_d2 == Y::size, "a pack is a position");
    const int d0 = P::length(C::perm0), d1 = P::length(C::perm1);
    X rows[C::in_d0 * C::in_d1];
#pragma HLS AGGREGATE variable=rows compact=bit
Take:
    for (int r = 0; r < C::in_d0 * C::in_d1; r++) {
#pragma HLS PIPELINE II=1
        rows[r] = x.read();
    }
First:
    for (int i = 0; i < d0; i++) {
    Second:
        for (int j = 0; j < d1; j++) {
#pragma HLS PIPELINE II=1
            y.write(converted<Y>(rows[C::perm0 == 0 ? i * C::in_d1 + j : j * C::in_d1 + i]));
        }
    }
}

// It does not: packs come in as rows of matrices and leave as their columns.
template <class C, class X, class Y>
void permute_stream(std::false_type, hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE
    typedef permutation<C> P;
    static_assert(P::length(C::perm2) == Y::size, "a pack is a position");
    const int d0 = P::length(C::perm0), d1 = P::length(C::perm1);
    const bool by_first = C::perm2 == 0;  // which axis columns go along; the other one numbers the matrices
    typedef matrix_shape<typename C::input_t, by_first ? C::in_d1 : C::in_d0, Y::size, X::size> M;
    skewed_rows<M> tensor;
#pragma HLS ARRAY_PARTITION variable=tensor complete dim=2
TakeFirst:
    for (int i = 0; i < C::in_d0; i++) {
    TakeSecond:
        for (int j = 0; j < C::in_d1; j++) {
#pragma HLS PIPELINE II=1
            const X word = x.read();
            put_row<M>(by_first ? j : i, by_first ? i : j, word.data, tensor);
        }
    }
First:
    for (int i = 0; i < d0; i++) {
    Second:
        for (int j = 0; j < d1; j++) {
#pragma HLS PIPELINE II=1
            pack<typename C::input_t, Y::size> column;
            get_column<M>(tensor, C::perm0 == 2 ? j : i, C::perm0 == 2 ? i : j, column.data);
            y.write(converted<Y>(column));
        }
    }
}

template <class C, class X, class Y>
void permute(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(X::size == C::in_d2, "a pack is a position");
    typedef std::integral_constant<bool, C::perm2 == 2> keeps_last;
    permute_stream<C>(keeps_last(), x, y);
}

}  // namespace hlsgen

#endif
