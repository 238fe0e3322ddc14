// A function of one variable as two half-lines and polynomials in pieces: y = line(x) + c0 + u (c1 + u (c2 + u c3)).
//
//   k_r = cast<index_t, r * stride bits coarser>(x)          for each range r
//   k   = k_r of the innermost range that holds it
//   i   = number of the range and high bits of k: the piece;  u = low offset_bits of k, as a fraction: the place in it
//   y   = cast<output_t>(cast<rounded_t>(line(x) + polynomial))     exact up to here
//   line(x) = x below zero (if has_negative), slope * x above (if has_positive); slope is 1 unless has_slope
//
// Config C
//   input_t, output_t       element types; input_t may be unsigned
//   index_t                 of range 0, rounding and saturating
//   place_t                 unsigned integer: number of the range, then the bits of k
//   piece_t                 unsigned integer: its high bits
//   offset_t                unsigned, offset_bits wide, below one; not read if degree is 0
//   packed_t, packed_word   a word of the table: coefficients side by side
//   c0_t .. c3_t            types of the coefficients, up to degree
//   c0_word, c0_bit ..      the word of a piece that holds it, and its lowest bit there
//   rounded_t               the grid of output_t, rounding to nearest and saturating
//   line_t                  signed, holds x and slope * x exactly
//   has_negative, has_positive, has_slope, slope_t, slope_word, slope_mantissa
//   ranges, stride, degree, offset_bits, words (of a piece)
//   size                    elements of the tensor
//   reuse_factor
// The names of what is absent are never used.
// Constants: table[words][ranges * pieces of a range], addressed by piece_t.
// Streams: X::size == Y::size, dividing size.
#ifndef HLSGEN_PIECEWISE_H
#define HLSGEN_PIECEWISE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>

namespace hlsgen {

namespace detail {
// The same bits, S places further left.
template <class T, int S> struct widened;
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N, int S> struct widened<ap_fixed<W, I, Q, O, N>, S> {
    typedef ap_fixed<W, I + S, Q, O, N> type;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N, int S> struct widened<ap_ufixed<W, I, Q, O, N>, S> {
    typedef ap_ufixed<W, I + S, Q, O, N> type;
};
}  // namespace detail

template <class C>
constexpr int piecewise_size() {
    return C::words << traits<typename C::piece_t>::width;
}

// -- which piece, and where in it ---------------------------------------------------------------

// The place in range R.
template <class C, int R, class K>
typename C::place_t piecewise_in_range(const K& k) {
#pragma HLS INLINE
    const int width = traits<K>::width;
    typename C::place_t place = from_mantissa<typename C::place_t>(mantissa<width + 4, true>((long long)R << width));
    accumulate(place, slice<ap_ufixed<width, width>, 0>(k));
    return place;
}

// Whether an index is so small that the next range inside holds it.
template <class C, class K>
auto piecewise_is_inner(std::true_type, const K& k) {
#pragma HLS INLINE
    typedef mantissa<traits<K>::width, true> word;
    const long long end = 1LL << (traits<K>::width - 1 - C::stride);
    return k < from_mantissa<K>(word(end)) && k >= from_mantissa<K>(word(-end));
}

template <class C, class K>
auto piecewise_is_inner(std::false_type, const K& k) {
#pragma HLS INLINE
    return k < from_mantissa<K>(mantissa<traits<K>::width, true>(1LL << (traits<K>::width - C::stride)));
}

// The place in the innermost of ranges 0 .. R.
template <class C, int R>
struct piecewise_ranges {
    static typename C::place_t place(const typename C::input_t& x) {
#pragma HLS INLINE
        typedef typename detail::widened<typename C::index_t, R * C::stride>::type index_t;
        typedef std::integral_constant<bool, traits<index_t>::is_signed> is_signed;
        const index_t k = cast<index_t>(x);
        return select(piecewise_is_inner<C>(is_signed(), k), piecewise_ranges<C, R - 1>::place(x),
                      piecewise_in_range<C, R>(k));
    }
};
template <class C>
struct piecewise_ranges<C, 0> {
    static typename C::place_t place(const typename C::input_t& x) {
#pragma HLS INLINE
        return piecewise_in_range<C, 0>(cast<typename C::index_t>(x));
    }
};

// -- the polynomial -------------------------------------------------------------------------------

template <class C>
auto piecewise_polynomial(std::integral_constant<int, 0>, const typename C::packed_t p[C::words],
                          const typename C::place_t&) {
#pragma HLS INLINE
    return slice<typename C::c0_t, C::c0_bit>(p[C::c0_word]);
}

template <class C>
auto piecewise_polynomial(std::integral_constant<int, 1>, const typename C::packed_t p[C::words],
                          const typename C::place_t& place) {
#pragma HLS INLINE
    const typename C::offset_t u = slice<typename C::offset_t, 0>(place);
    const typename C::c0_t c0 = slice<typename C::c0_t, C::c0_bit>(p[C::c0_word]);
    const typename C::c1_t c1 = slice<typename C::c1_t, C::c1_bit>(p[C::c1_word]);
    return c0 + u * c1;
}

template <class C>
auto piecewise_polynomial(std::integral_constant<int, 2>, const typename C::packed_t p[C::words],
                          const typename C::place_t& place) {
#pragma HLS INLINE
    const typename C::offset_t u = slice<typename C::offset_t, 0>(place);
    const typename C::c0_t c0 = slice<typename C::c0_t, C::c0_bit>(p[C::c0_word]);
    const typename C::c1_t c1 = slice<typename C::c1_t, C::c1_bit>(p[C::c1_word]);
    const typename C::c2_t c2 = slice<typename C::c2_t, C::c2_bit>(p[C::c2_word]);
    return c0 + u * (c1 + u * c2);
}

template <class C>
auto piecewise_polynomial(std::integral_constant<int, 3>, const typename C::packed_t p[C::words],
                          const typename C::place_t& place) {
#pragma HLS INLINE
    const typename C::offset_t u = slice<typename C::offset_t, 0>(place);
    const typename C::c0_t c0 = slice<typename C::c0_t, C::c0_bit>(p[C::c0_word]);
    const typename C::c1_t c1 = slice<typename C::c1_t, C::c1_bit>(p[C::c1_word]);
    const typename C::c2_t c2 = slice<typename C::c2_t, C::c2_bit>(p[C::c2_word]);
    const typename C::c3_t c3 = slice<typename C::c3_t, C::c3_bit>(p[C::c3_word]);
    return c0 + u * (c1 + u * (c2 + u * c3));
}

template <class C>
auto piecewise_correction(const typename C::input_t& x,
                          const typename C::packed_word table[piecewise_size<C>()]) {
#pragma HLS INLINE
    typedef typename C::place_t place_t;
    const place_t place = piecewise_ranges<C, C::ranges - 1>::place(x);
    const typename C::piece_t piece = slice<typename C::piece_t, C::offset_bits>(place);
    typename C::packed_t packed[C::words];
#pragma HLS ARRAY_PARTITION variable=packed complete
Word:
    for (int w = 0; w < C::words; w++) {
#pragma HLS UNROLL
        packed[w] = lookup<typename C::packed_t>(table + (w << traits<typename C::piece_t>::width), piece);
    }
    return piecewise_polynomial<C>(std::integral_constant<int, C::degree>(), packed, place);
}

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
typename C::rounded_t piecewise_sum(std::true_type, const typename C::input_t& x, const V& value) {
#pragma HLS INLINE
    typedef typename C::line_t line_t;
    typedef std::integral_constant<bool, C::has_slope> has_slope;
    const line_t zero = hlsgen::zero<line_t>();
    const line_t below = C::has_negative ? cast<line_t>(x) : zero;
    const line_t above = C::has_positive ? piecewise_rising<C>(has_slope(), x) : zero;
    const line_t line = select(x < hlsgen::zero<typename C::input_t>(), below, above);
    return cast<typename C::rounded_t>(line + value);
}

template <class C, class V>
typename C::rounded_t piecewise_sum(std::false_type, const typename C::input_t&, const V& value) {
#pragma HLS INLINE
    return cast<typename C::rounded_t>(value);
}

// -- the kernel -----------------------------------------------------------------------------------

template <class C>
typename C::output_t piecewise_element(const typename C::input_t& x,
                                       const typename C::packed_word table[piecewise_size<C>()]) {
#pragma HLS INLINE
    typedef std::integral_constant<bool, C::has_negative || C::has_positive> has_line;
    return cast<typename C::output_t>(piecewise_sum<C>(has_line(), x, piecewise_correction<C>(x, table)));
}

template <class C>
void piecewise(const typename C::input_t x[C::size], typename C::output_t y[C::size],
               const typename C::packed_word table[piecewise_size<C>()]) {
#pragma HLS PIPELINE II=C::reuse_factor
Element:
    for (int e = 0; e < C::size; e++) {
#pragma HLS UNROLL
        y[e] = piecewise_element<C>(x[e], table);
    }
}

template <class C, class X, class Y>
void piecewise(hls::stream<X>& x, hls::stream<Y>& y, const typename C::packed_word table[piecewise_size<C>()]) {
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
