// Values divided by a statistic of themselves, over the last axis: of n values x_i at a position
//
//   S   = exact sum of x_i,   Q = exact sum of x_i^2
//   d_i = n x_i - S,   w = n Q - S^2 + epsilon              measure 0: by their deviation from the mean
//   d_i = x_i,         w = Q + epsilon                      measure 1: by their root mean square
//   d_i = x_i,         w = max(Q, epsilon)                  measure 2: by their length
//   2 p = even number of leading zeros of w;   m = w 2^2p, as a fraction
//   t_i = cast<scaled_t>(d_i 2^p)
//   y_i = cast<output_t>(t_i * cast<inverse_t>(pieces(m)))                              1 / sqrt(m) (pieces.h)
//
// Config C: that of pieces.h, and
//   input_t, output_t       element types
//   count_t                 unsigned integer, holds n; read if measure is 0
//   total_t                 holds S exactly; the same
//   squares_t               unsigned, holds Q exactly
//   spread_t                unsigned, holds n Q - S^2 exactly; the same
//   deviation_t             signed, holds d_i exactly
//   power_t                 unsigned, holds w exactly, no coarser than squares_t
//   epsilon_t, epsilon_word unsigned, on the grid of power_t: at least one step
//   epsilon_mantissa        the mantissa
//   places_t                unsigned integer, holds p and 2^(stages - 1)
//   stages                  shifts by 2, 4, .., 2^stages, or not, reach every 2 p; 0: w has no leading zeros
//   aligned_t               signed, holds d_i 2^p, as raw bits, exactly: |d_i| is no larger than the root of w times n - 1
//   scaled_t, inverse_t     rounding
//   measure
//   positions, n            x and y are [positions][n]
//   reuse_factor
// Constants: the table of pieces.h.
// Streams: X::size == Y::size, dividing n. A word of a position is taken while one of the position before is given.
// Cycles: (positions + 1) * n / X::size * reuse_factor
//   arrays: positions * reuse_factor
#ifndef HLSGEN_STANDARDISE_H
#define HLSGEN_STANDARDISE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/limits.h>
#include <hlsgen/pack.h>
#include <hlsgen/pieces.h>

namespace hlsgen {

// Sums over a position.
template <class C>
struct standardise_sums {
    typename C::total_t total;
    typename C::squares_t squares;

    void clear() {
#pragma HLS INLINE
        total = hlsgen::zero<typename C::total_t>();
        squares = hlsgen::zero<typename C::squares_t>();
    }

    void add(const typename C::input_t& x) {
#pragma HLS INLINE
        if (C::measure == 0) accumulate(total, x);
        accumulate(squares, x * x);
    }
};

// What all values of a position are computed with.
template <class C>
struct standardise_factor {
    typename C::total_t total;
    typename C::places_t places;
    typename C::inverse_t inverse;
};

// -- w and its leading zeros ----------------------------------------------------------------------

template <class C>
typename C::power_t standardise_power(std::integral_constant<int, 0>, const standardise_sums<C>& sums) {
#pragma HLS INLINE
    typedef typename C::power_t power_t;
    power_t power = start_sum<power_t>(from_mantissa<typename C::epsilon_t>(typename C::epsilon_word(C::epsilon_mantissa)));
    const typename C::count_t count = from_mantissa<typename C::count_t>(mantissa<32, true>(C::n));
    accumulate(power, cast<typename C::spread_t>(sums.squares * count - sums.total * sums.total));
    return power;
}

template <class C>
typename C::power_t standardise_power(std::integral_constant<int, 1>, const standardise_sums<C>& sums) {
#pragma HLS INLINE
    typedef typename C::power_t power_t;
    power_t power = start_sum<power_t>(from_mantissa<typename C::epsilon_t>(typename C::epsilon_word(C::epsilon_mantissa)));
    accumulate(power, sums.squares);
    return power;
}

template <class C>
typename C::power_t standardise_power(std::integral_constant<int, 2>, const standardise_sums<C>& sums) {
#pragma HLS INLINE
    typedef typename C::power_t power_t;
    const power_t power = start_sum<power_t>(sums.squares);
    const power_t least =
        start_sum<power_t>(from_mantissa<typename C::epsilon_t>(typename C::epsilon_word(C::epsilon_mantissa)));
    return select(power < least, least, power);
}

// Shifts by 2^Stage, then by half as much, and so on, wherever as many bits in front are zero.
template <class C, int Stage>
struct standardise_shift {
    typedef ap_ufixed<traits<typename C::power_t>::width, 0> mantissa_t;
    static const int width = traits<mantissa_t>::width, zeros = 1 << Stage;

    static void left(mantissa_t& m, typename C::places_t& places) {
#pragma HLS INLINE
        typedef typename C::places_t places_t;
        typedef ap_ufixed<zeros, zeros> front_t;
        typedef ap_ufixed<width - zeros, 0> rest_t;
        const auto empty = slice<front_t, width - zeros>(m) == hlsgen::zero<front_t>();
        m = select(empty, cast<mantissa_t>(slice<rest_t, 0>(m)), m);
        accumulate(places, select(empty, from_mantissa<places_t>(mantissa<32, true>(zeros / 2)),
                                  hlsgen::zero<places_t>()));
        standardise_shift<C, Stage - 1>::left(m, places);
    }
};
template <class C>
struct standardise_shift<C, 0> {
    static void left(ap_ufixed<traits<typename C::power_t>::width, 0>&, typename C::places_t&) {
#pragma HLS INLINE
    }
};

template <class C>
standardise_factor<C> standardise_finish(const standardise_sums<C>& sums,
                                         const typename C::packed_word table[pieces_size<C>()]) {
#pragma HLS INLINE
    typedef ap_ufixed<traits<typename C::power_t>::width, 0> mantissa_t;
    standardise_factor<C> factor;
    factor.total = sums.total;
    factor.places = hlsgen::zero<typename C::places_t>();
    mantissa_t m = slice<mantissa_t, 0>(standardise_power<C>(std::integral_constant<int, C::measure>(), sums));
    standardise_shift<C, C::stages>::left(m, factor.places);
    factor.inverse = cast<typename C::inverse_t>(pieces<C>(m, table));
    return factor;
}

// -- the values -----------------------------------------------------------------------------------

template <class C>
typename C::deviation_t standardise_deviation(std::true_type, const typename C::input_t& x,
                                              const typename C::total_t& total) {
#pragma HLS INLINE
    const typename C::count_t count = from_mantissa<typename C::count_t>(mantissa<32, true>(C::n));
    return cast<typename C::deviation_t>(x * count - total);
}

template <class C>
typename C::deviation_t standardise_deviation(std::false_type, const typename C::input_t& x,
                                              const typename C::total_t&) {
#pragma HLS INLINE
    return cast<typename C::deviation_t>(x);
}

template <class C>
typename C::output_t standardise_element(const typename C::input_t& x, const standardise_factor<C>& factor) {
#pragma HLS INLINE
    const typename C::deviation_t d =
        standardise_deviation<C>(std::integral_constant<bool, C::measure == 0>(), x, factor.total);
    const typename C::scaled_t t =
        cast<typename C::scaled_t>(shifted_left<typename C::aligned_t>(d, factor.places));
    return cast<typename C::output_t>(t * factor.inverse);
}

template <class C>
void standardise(const typename C::input_t x[C::positions * C::n], typename C::output_t y[C::positions * C::n],
                 rom<typename C::packed_word, pieces_size<C>()> table) {
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        standardise_sums<C> sums;
        sums.clear();
    Sum:
        for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
            sums.add(x[p * C::n + i]);
        }
        const standardise_factor<C> factor = standardise_finish<C>(sums, table);
    Value:
        for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
            y[p * C::n + i] = standardise_element<C>(x[p * C::n + i], factor);
        }
    }
}

template <class C, class X, class Y>
void standardise(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::packed_word, pieces_size<C>()> table) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::n % X::size == 0, "packs of equal size must fill a position exactly");
    const int packs = C::n / X::size;
    X row[packs];  // the position before, as far as it is not yet given; then the one at hand
#pragma HLS AGGREGATE variable=row compact=bit
    standardise_sums<C> sums;
    sums.clear();
    standardise_factor<C> factor;
Position:
    for (int p = 0; p < C::positions + 1; p++) {
    Pack:
        for (int k = 0; k < packs; k++) {
#pragma HLS PIPELINE II=C::reuse_factor
            if (k == 0 && p > 0) {
                factor = standardise_finish<C>(sums, table);
                sums.clear();
            }
            if (p > 0) {
                const X before = row[k];
                Y result;
            Value:
                for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
                    result.data[i] = standardise_element<C>(before.data[i], factor);
                }
                y.write(result);
            }
            if (p < C::positions) {
                const X word = x.read();
                row[k] = word;
            Sum:
                for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
                    sums.add(word.data[i]);
                }
            }
        }
    }
}

}  // namespace hlsgen

#endif
