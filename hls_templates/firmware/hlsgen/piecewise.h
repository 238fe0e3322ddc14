// A function of one variable as two half-lines and polynomials in pieces (pieces.h).
//
//   y = cast<output_t>(cast<accum_t>(line(x) + pieces(x)))        exact up to here
//   line(x) = x below zero (if has_negative), slope * x above (if has_positive); slope is 1 unless has_slope
//
// Config C: that of pieces.h, and
//   input_t, output_t       element types; input_t may be unsigned
//   accum_t                 holds every sum, or is the grid of output_t, saturating
//   line_t                  signed, holds x and slope * x exactly
//   has_negative, has_positive, has_slope, slope_t, slope_word, slope_mantissa
//   size                    elements of the tensor
//   reuse_factor
// The names of what is absent are never used.
// Constants: the table of pieces.h.
// Streams: X::size == Y::size, dividing size. All elements of a pack read the table in one cycle, so the tool copies it:
// a block RAM has two readers.
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_PIECEWISE_H
#define HLSGEN_PIECEWISE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>
#include <hlsgen/pieces.h>

namespace hlsgen {

// -- the half-lines -------------------------------------------------------------------------------

template <class C>
typename C::line_t piecewise_rising(std::true_type, const typename C::input_t& x) {
#pragma HLS INLINE
    typedef typename C::slope_word word;
    return cast<typename C::line_t>(x * from_mantissa<typename C::slope_t>(word(C::slope_mantissa)));
}

template <class C>
typename C::line_t piecewise_rising(std::false_type, const typename C::input_t& x) {
#pragma HLS INLINE
    return cast<typename C::line_t>(x);
}

template <class C, class V>
typename C::accum_t piecewise_sum(std::true_type, const typename C::input_t& x, const V& value) {
#pragma HLS INLINE
    typedef typename C::line_t line_t;
    typedef std::integral_constant<bool, C::has_slope> has_slope;
    const line_t zero = hlsgen::zero<line_t>();
    const line_t below = C::has_negative ? cast<line_t>(x) : zero;
    const line_t above = C::has_positive ? piecewise_rising<C>(has_slope(), x) : zero;
    const line_t line = select(x < hlsgen::zero<typename C::input_t>(), below, above);
    return cast<typename C::accum_t>(line + value);
}

template <class C, class V>
typename C::accum_t piecewise_sum(std::false_type, const typename C::input_t&, const V& value) {
#pragma HLS INLINE
    return cast<typename C::accum_t>(value);
}

// -- the kernel -----------------------------------------------------------------------------------

template <class C>
typename C::output_t piecewise_element(const typename C::input_t& x,
                                       const typename C::packed_word table[pieces_size<C>()]) {
#pragma HLS INLINE
    typedef std::integral_constant<bool, C::has_negative || C::has_positive> has_line;
    return cast<typename C::output_t>(piecewise_sum<C>(has_line(), x, pieces<C>(x, table)));
}

template <class C>
void piecewise(const typename C::input_t x[C::size], typename C::output_t y[C::size],
               rom<typename C::packed_word, pieces_size<C>()> table) {
#pragma HLS PIPELINE II=C::reuse_factor
Element:
    for (int e = 0; e < C::size; e++) {
#pragma HLS UNROLL
        y[e] = piecewise_element<C>(x[e], table);
    }
}

template <class C, class X, class Y>
void piecewise(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::packed_word, pieces_size<C>()> table) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = piecewise_element<C>(word.data[i], table);
        }
        y.write(result);
    }
}

}  // namespace hlsgen

#endif
