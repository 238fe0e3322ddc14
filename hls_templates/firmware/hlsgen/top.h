// The largest (or least) channels of each position, the first of them first: of equal ones that of the lower number.
//
//   top_values(x, y)        y[p][j] = cast<output_t>(x[p][channel of rank j])
//   top_indices(x, y)       y[p][j] = cast<output_t>(channel of rank j)
//
// Config C
//   input_t, output_t       element types
//   index_t                 ap_ufixed that holds the numbers of all channels
//   positions, channels     x is [positions][channels]
//   count                   y is [positions][count]
//   least                   the least ones, from the least up, in place of the largest
//   reuse_factor
// Streams: a pack is a position, X::size == channels, Y::size == count.
// Cycles of top_values, top_indices: positions * reuse_factor
//   arrays: positions * reuse_factor
#ifndef HLSGEN_TOP_H
#define HLSGEN_TOP_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

// Whether `value` comes before `other`: for each lane, in the emulator.
template <class C, class T>
auto comes_before(const T& value, const T& other) -> decltype(value < other) {
#pragma HLS INLINE
    return C::least ? value < other : value > other;
}

// One of all: by a tree, in which what is on the left is of lower numbers.
template <class C>
void top_channels(std::true_type, const typename C::input_t x[C::channels], typename C::input_t values[C::count],
                  typename C::index_t indices[C::count]) {
#pragma HLS INLINE
    const int levels = detail::bits_of<C::channels - 1>::value;
    typename C::input_t best[C::channels];
#pragma HLS ARRAY_PARTITION variable=best complete
    typename C::index_t number[C::channels];
#pragma HLS ARRAY_PARTITION variable=number complete
Leaf:
    for (int c = 0; c < C::channels; c++) {
#pragma HLS UNROLL
        best[c] = x[c];
        number[c] = from_mantissa<typename C::index_t>(c);
    }
Level:
    for (int level = 0; level < levels; level++) {
#pragma HLS UNROLL
    Node:
        for (int c = 0; c < C::channels; c++) {
#pragma HLS UNROLL
            const int other = c + (1 << level);
            if (c % (2 << level) == 0 && other < C::channels) {
                const typename C::input_t left = best[c];
                best[c] = select(comes_before<C>(best[other], left), best[other], left);
                number[c] = select(comes_before<C>(best[other], left), number[other], number[c]);
            }
        }
    }
    values[0] = best[0];
    indices[0] = number[0];
}

// Several: each channel in turn takes the place of the first that it comes before, and all behind that move on.
template <class C>
void top_channels(std::false_type, const typename C::input_t x[C::channels], typename C::input_t values[C::count],
                  typename C::index_t indices[C::count]) {
#pragma HLS INLINE
    values[0] = x[0];
    indices[0] = from_mantissa<typename C::index_t>(0);
Channel:
    for (int c = 1; c < C::channels; c++) {
#pragma HLS UNROLL
        const typename C::index_t number = from_mantissa<typename C::index_t>(c);
    Rank:
        for (int up = 0; up < C::count; up++) {
#pragma HLS UNROLL
            const int j = C::count - 1 - up;  // the last one first: it takes what the one before it still holds
            if (j > c) continue;
            typename C::input_t value = x[c];
            typename C::index_t index = number;
            if (j > 0) {
                value = select(comes_before<C>(x[c], values[j - 1]), values[j - 1], value);
                index = select(comes_before<C>(x[c], values[j - 1]), indices[j - 1], index);
            }
            if (j < c) {
                index = select(comes_before<C>(x[c], values[j]), index, indices[j]);
                value = select(comes_before<C>(x[c], values[j]), value, values[j]);
            }
            values[j] = value;
            indices[j] = index;
        }
    }
}

template <class C>
void top_position(const typename C::input_t x[C::channels], typename C::input_t values[C::count],
                  typename C::index_t indices[C::count]) {
#pragma HLS INLINE
    static_assert(C::count >= 1 && C::count <= C::channels, "as many as there are, at most");
    typedef std::integral_constant<bool, C::count == 1> only_one;
    top_channels<C>(only_one(), x, values, indices);
}

// Which of both a kernel gives.
template <class C>
void top_results(std::true_type, const typename C::input_t values[C::count], const typename C::index_t[C::count],
                 typename C::output_t y[C::count]) {
#pragma HLS INLINE
Rank:
    for (int j = 0; j < C::count; j++) {
#pragma HLS UNROLL
        y[j] = cast<typename C::output_t>(values[j]);
    }
}

template <class C>
void top_results(std::false_type, const typename C::input_t[C::count], const typename C::index_t indices[C::count],
                 typename C::output_t y[C::count]) {
#pragma HLS INLINE
Rank:
    for (int j = 0; j < C::count; j++) {
#pragma HLS UNROLL
        y[j] = cast<typename C::output_t>(indices[j]);
    }
}

template <class C, class Kind>
void top_arrays(Kind kind, const typename C::input_t x[C::positions * C::channels],
                typename C::output_t y[C::positions * C::count]) {
#pragma HLS INLINE
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        typename C::input_t values[C::count];
#pragma HLS ARRAY_PARTITION variable=values complete
        typename C::index_t indices[C::count];
#pragma HLS ARRAY_PARTITION variable=indices complete
        top_position<C>(&x[p * C::channels], values, indices);
        top_results<C>(kind, values, indices, &y[p * C::count]);
    }
}

template <class C, class Kind, class X, class Y>
void top_stream(Kind kind, hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE
    static_assert(X::size == C::channels && Y::size == C::count, "a pack is a position");
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        typename C::input_t values[C::count];
#pragma HLS ARRAY_PARTITION variable=values complete
        typename C::index_t indices[C::count];
#pragma HLS ARRAY_PARTITION variable=indices complete
        top_position<C>(word.data, values, indices);
        Y result;
        top_results<C>(kind, values, indices, result.data);
        y.write(result);
    }
}

template <class C>
void top_values(const typename C::input_t x[C::positions * C::channels],
                typename C::output_t y[C::positions * C::count]) {
    top_arrays<C>(std::true_type(), x, y);
}

template <class C, class X, class Y>
void top_values(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    top_stream<C>(std::true_type(), x, y);
}

template <class C>
void top_indices(const typename C::input_t x[C::positions * C::channels],
                 typename C::output_t y[C::positions * C::count]) {
    top_arrays<C>(std::false_type(), x, y);
}

template <class C, class X, class Y>
void top_indices(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    top_stream<C>(std::false_type(), x, y);
}

}  // namespace hlsgen

#endif
