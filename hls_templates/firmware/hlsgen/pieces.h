// A function of one variable as polynomials in pieces: c0 + u (c1 + u (c2 + u c3)), exactly.
//
//   k_r = cast<index_t, r * stride bits coarser>(x)          for each range r
//   k   = k_r of the innermost range that holds it
//   i   = number of the range and high bits of k: the piece;  u = low offset_bits of k, as a fraction: the place in it
//
// Config C
//   index_t                 of range 0, rounding and saturating
//   place_t                 unsigned integer: number of the range, then the bits of k
//   piece_t                 unsigned integer: its high bits
//   offset_t                unsigned, offset_bits wide, below one; not read if degree is 0
//   packed_t, packed_word   a word of the table: coefficients side by side
//   c0_t .. c3_t            types of the coefficients, up to degree
//   c0_word, c0_bit ..      the word of a piece that holds it, and its lowest bit there
//   ranges, stride, degree, offset_bits, words (of a piece)
// Constants: table[words][ranges * pieces of a range], addressed by piece_t.
#ifndef HLSGEN_PIECES_H
#define HLSGEN_PIECES_H

#include <type_traits>

#include <hlsgen/arith.h>
#include <hlsgen/polynomial.h>

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
constexpr int pieces_size() {
    return C::words << traits<typename C::piece_t>::width;
}

// -- which piece, and where in it ---------------------------------------------------------------

// The place in range R.
template <class C, int R, class K>
typename C::place_t pieces_in_range(const K& k) {
#pragma HLS INLINE
    const int width = traits<K>::width;
    typename C::place_t place = from_mantissa<typename C::place_t>(mantissa<width + 4, true>((long long)R << width));
    accumulate(place, slice<ap_ufixed<width, width>, 0>(k));
    return place;
}

// Whether an index is so small that the next range inside holds it.
template <class C, class K>
auto pieces_is_inner(std::true_type, const K& k) {
#pragma HLS INLINE
    typedef mantissa<traits<K>::width, true> word;
    const long long end = 1LL << (traits<K>::width - 1 - C::stride);
    return k < from_mantissa<K>(word(end)) && k >= from_mantissa<K>(word(-end));
}

template <class C, class K>
auto pieces_is_inner(std::false_type, const K& k) {
#pragma HLS INLINE
    return k < from_mantissa<K>(mantissa<traits<K>::width, true>(1LL << (traits<K>::width - C::stride)));
}

// The place in the innermost of ranges 0 .. R.
template <class C, int R>
struct pieces_ranges {
    template <class X>
    static typename C::place_t place(const X& x) {
#pragma HLS INLINE
        typedef typename detail::widened<typename C::index_t, R * C::stride>::type index_t;
        typedef std::integral_constant<bool, traits<index_t>::is_signed> is_signed;
        const index_t k = cast<index_t>(x);
        return select(pieces_is_inner<C>(is_signed(), k), pieces_ranges<C, R - 1>::place(x),
                      pieces_in_range<C, R>(k));
    }
};
template <class C>
struct pieces_ranges<C, 0> {
    template <class X>
    static typename C::place_t place(const X& x) {
#pragma HLS INLINE
        return pieces_in_range<C, 0>(cast<typename C::index_t>(x));
    }
};

// -- the value --------------------------------------------------------------------------------------

template <class C, class X>
auto pieces(const X& x,
            const typename C::packed_word table[pieces_size<C>()]) {
#pragma HLS INLINE
    typedef typename C::place_t place_t;
    const place_t place = pieces_ranges<C, C::ranges - 1>::place(x);
    const typename C::piece_t piece = slice<typename C::piece_t, C::offset_bits>(place);
    typename C::packed_t packed[C::words];
#pragma HLS ARRAY_PARTITION variable=packed complete
Word:
    for (int w = 0; w < C::words; w++) {
#pragma HLS UNROLL
        packed[w] = lookup<typename C::packed_t>(table + (w << traits<typename C::piece_t>::width), piece);
    }
    return polynomial<C>(packed, place);
}

}  // namespace hlsgen

#endif
