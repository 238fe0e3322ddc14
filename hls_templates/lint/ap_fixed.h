// Fixed-point numbers of exact width for `hlsgen lint`; see ap_int.h. Every rounding and overflow mode is the vendor's.
#ifndef AP_FIXED_H
#define AP_FIXED_H

#include <ap_int.h>

#pragma clang attribute push(__attribute__((always_inline)), apply_to = function)

template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0> struct ap_fixed;
template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0> struct ap_ufixed;

namespace hlsgen_lint {

template <int W, int I, bool S> struct fixed_number { typedef ap_ufixed<W, I> type; };
template <int W, int I> struct fixed_number<W, I, true> { typedef ap_fixed<W, I> type; };

// -- rounding: a mantissa of W bits without its `Drop` lowest, in W - Drop + 2 bits, signed ------------------------------

template <int W, bool S, int Drop, ap_q_mode Q, bool Drops = (Drop > 0)> struct rounded {
    static const int all = larger(W, Drop + 1) + !S;  // with a bit left above those dropped
    static const int width = all - Drop + 1;
    static bits<width, true> of(bits<W, S> value, bool* negative) {
        typedef bits<all, true> word;
        const word v = word(value);
        const bits<width, true> down = bits<width, true>(v >> Drop);
        const bool half = ((v >> (Drop - 1)) & 1) != 0;
        const bool rest = Drop > 1 && (v & ~word(word(-1) << (Drop > 1 ? Drop - 1 : 0))) != 0;
        const bool odd = (down & 1) != 0, below = v < 0;
        const bool up = Q == AP_RND ? half
                        : Q == AP_RND_ZERO ? half && (below || rest)
                        : Q == AP_RND_MIN_INF ? half && rest
                        : Q == AP_RND_INF ? half && (!below || rest)
                        : Q == AP_RND_CONV ? half && (odd || rest)
                        : Q == AP_TRN_ZERO ? below && (half || rest)
                                           : false;
        const bits<width, true> result = bits<width, true>(down + bits<width, true>(up ? 1 : 0));
        *negative = result < 0;
        return result;
    }
};
// Nothing is dropped: -Drop zeros are appended.
template <int W, bool S, int Drop, ap_q_mode Q> struct rounded<W, S, Drop, Q, false> {
    static const int width = W + !S - Drop;
    static bits<width, true> of(bits<W, S> value, bool* negative) {
        const bits<width, true> result = bits<width, true>(bits<width, true>(value) << -Drop);
        *negative = result < 0;
        return result;
    }
};

// -- overflow: a mantissa of R bits, signed, in a type of W bits ---------------------------------------------------------

template <int R, int W, bool S, ap_o_mode O, int N> struct fitted {
    typedef bits<larger(R, W + 1), true> wide;
    static const bool symmetric = O == AP_SAT_SYM && S && W > 1;
    static wide most() { return wide(~bits<larger(R, W + 1), true>(wide(-1) << (W - S))); }
    static wide least() { return S ? wide((wide(-1) << (W - S)) + wide(symmetric ? 1 : 0)) : wide(0); }

    static bits<W, S> of(bits<R, true> value, bool negative, bool deleted) {
        const wide v = wide(value);
        const bool over = v > most(), under = v < least();
        if (O == AP_SAT || O == AP_SAT_SYM) return low_bits<W, S>::of(over ? most() : under ? least() : v);
        if (O == AP_SAT_ZERO) return low_bits<W, S>::of(over || under ? wide(0) : v);
        if (!over && !under) return low_bits<W, S>::of(v);
        return low_bits<W, S>::of(marked(bits<W, false>(v), negative, deleted));
    }

    // Of AP_WRAP with saturation bits and of AP_WRAP_SM: the bits of a value outside of the range.
    static bits<W, false> marked(bits<W, false> b, bool negative, bool deleted) {
        typedef bits<W, false> word;
        const word ones = word(-1), sign = word(word(1) << (W - 1));
        const word below = N > 0 && N < W ? word(ones >> (N < W ? N : 0)) : word(N > 0 ? 0 : ones);  // bits under the guard
        const word guard = word((S ? word(~sign) : ones) & word(~below));
        if (!S) return word(b | guard);
        if (O == AP_WRAP_SM) {
            const bool top = (b & sign) != 0;
            if (N == 0) return deleted == top ? b : word((~b & ~sign) | (deleted ? sign : word(0)));
            const bool bit = ((b >> (N > 0 && N <= W ? W - N : 0)) & 1) != 0;
            if (N == 1 ? negative != top : negative == bit) b = word(~b);
        }
        b = negative ? word(b & ~guard) : word(b | guard);
        return negative ? word(b | sign) : word(b & ~sign);
    }
};
// Most types wrap without a mark: the low bits.
template <int R, int W, bool S> struct fitted<R, W, S, AP_WRAP, 0> {
    static bits<W, S> of(bits<R, true> value, bool, bool) { return low_bits<W, S>::of(value); }
};

// The mantissa with W2 bits and F2 behind the point of one with W bits and F behind the point.
template <int W, int F, bool S, int W2, int F2, bool S2, ap_q_mode Q, ap_o_mode O, int N> struct conversion {
    static const int drop = F - F2;
    static const int lost = W2 + drop;  // the lowest bit above the new range, before rounding
    typedef rounded<W, S, drop, Q> rounding;
    static bits<W2, S2> of(bits<W, S> value) {
        bool negative = false;
        const bits<rounding::width, true> whole = rounding::of(value, &negative);
        const bool deleted = lost >= 0 && ((value >> (lost >= W ? W - 1 : lost > 0 ? lost : 0)) & 1) != 0 && (S || lost < W);
        return fitted<rounding::width, W2, S2, O, N>::of(whole, negative, deleted);
    }
};
// Appended zeros that wrap away are never made, so that no word is wider than needed.
template <int W, int F, bool S, int W2, int F2, bool S2, ap_q_mode Q, bool Appends = (F2 > F)> struct wrapped {
    static bits<W2, S2> of(bits<W, S> value) {
        bool negative = false;
        return low_bits<W2, S2>::of(rounded<W, S, F - F2, Q>::of(value, &negative));
    }
};
template <int W, int F, bool S, int W2, int F2, bool S2, ap_q_mode Q> struct wrapped<W, F, S, W2, F2, S2, Q, true> {
    static bits<W2, S2> of(bits<W, S> value) {
        typedef bits<larger(W2, 2), S> word;
        return low_bits<W2, S2>::of(F2 - F >= W2 ? word(0) : word(word(value) << (F2 - F >= W2 ? 0 : F2 - F)));
    }
};
template <int W, int F, bool S, int W2, int F2, bool S2, ap_q_mode Q>
struct conversion<W, F, S, W2, F2, S2, Q, AP_WRAP, 0> : wrapped<W, F, S, W2, F2, S2, Q> {};

// What a number is, whatever its modes.
template <int W, int I, bool S> struct traits {
    static const int width = W, integer = I, frac = W - I;
    static const bool is_signed = S;
};
template <class T> struct is;
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct is<ap_fixed<W, I, Q, O, N> > : traits<W, I, true> {};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct is<ap_ufixed<W, I, Q, O, N> > : traits<W, I, false> {};
template <int W> struct is<ap_int<W> > : traits<W, W, true> {};
template <int W> struct is<ap_uint<W> > : traits<W, W, false> {};

// A finite double as a number of 64 bits, 24 of them behind the point: floating point is a finding, not a value.
inline bits<64, true> of_double(double value) { return bits<64, true>((long long)(value * 16777216.0)); }

}  // namespace hlsgen_lint

#define HLSGEN_LINT_FIXED(NAME, S)                                                                                    \
    template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct NAME {                                            \
        static const int width = W, iwidth = I;                                                                       \
        static const bool is_signed = S;                                                                              \
        hlsgen_lint::bits<W, S> v;                                                                                    \
        NAME() = default;                                                                                             \
        template <class T, int F = hlsgen_lint::is<T>::frac> NAME(const T& other)                                     \
            : v(hlsgen_lint::conversion<hlsgen_lint::is<T>::width, F, hlsgen_lint::is<T>::is_signed, W, W - I, S, Q,  \
                                        O, N>::of(other.v)) {}                                                        \
        NAME(int value) : NAME(ap_int<32>(value)) {}                                                                  \
        NAME(unsigned value) : NAME(ap_uint<32>(value)) {}                                                            \
        NAME(long long value) : NAME(ap_int<64>(value)) {}                                                            \
        NAME(unsigned long long value) : NAME(ap_uint<64>(value)) {}                                                  \
        NAME(double value)                                                                                            \
            : v(hlsgen_lint::conversion<64, 24, true, W, W - I, S, Q, O, N>::of(hlsgen_lint::of_double(value))) {}    \
        template <class T> NAME& operator+=(const T& other) { return *this = NAME(*this + other); }                   \
        template <class T> NAME& operator-=(const T& other) { return *this = NAME(*this - other); }                   \
        template <class T> NAME& operator*=(const T& other) { return *this = NAME(*this * other); }                   \
        template <class T> NAME& operator/=(const T& other) { return *this = NAME(*this / other); }                   \
        hlsgen_lint::slot<NAME> range(int high, int low) { return {*this, high, low}; }                               \
        hlsgen_lint::part<W> range(int high, int low) const { return {hlsgen_lint::bits<W, false>(v), high, low}; }   \
        hlsgen_lint::slot<NAME> operator[](int bit) { return range(bit, bit); }                                       \
        bool operator[](int bit) const { return range(bit, bit).value() != 0; }                                       \
        double to_double() const;                                                                                     \
        NAME operator<<(int places) const {                                                                           \
            NAME result;                                                                                              \
            result.v = hlsgen_lint::bits<W, S>(v << places);                                                          \
            return result;                                                                                            \
        }                                                                                                             \
        typename hlsgen_lint::fixed_number<W + 1, I + 1, true>::type operator-() const {                              \
            typename hlsgen_lint::fixed_number<W + 1, I + 1, true>::type result;                                      \
            result.v = hlsgen_lint::bits<W + 1, true>(-hlsgen_lint::bits<W + 1, true>(v));                            \
            return result;                                                                                            \
        }                                                                                                             \
    };
HLSGEN_LINT_FIXED(ap_fixed, true)
HLSGEN_LINT_FIXED(ap_ufixed, false)
#undef HLSGEN_LINT_FIXED

namespace hlsgen_lint {

// The types of exact results, as the vendor's.
template <class A, class B> struct results {
    static const bool either = is<A>::is_signed || is<B>::is_signed;
    static const int frac = larger(is<A>::frac, is<B>::frac);
    static const int integer =
        larger(is<A>::integer + (either && !is<A>::is_signed), is<B>::integer + (either && !is<B>::is_signed)) + 1;
    typedef typename fixed_number<integer + frac, integer, either>::type sum;
    typedef typename fixed_number<integer + frac, integer, true>::type difference;
    static const int product_width = is<A>::width + is<B>::width;
    typedef typename fixed_number<product_width, is<A>::integer + is<B>::integer, either>::type product;
    typedef typename fixed_number<is<A>::width + larger(is<B>::frac, 0) + is<B>::is_signed,
                                  is<A>::integer + is<B>::frac + is<B>::is_signed, either>::type quotient;
};

// The mantissa of x with the fraction bits of T.
template <class T, class X> bits<T::width, T::is_signed> aligned(const X& x) {
    typedef bits<T::width, T::is_signed> word;
    return word(word(x.v) << (is<T>::frac - is<X>::frac));
}

template <class A, class B> bool less(const A& a, const B& b) {
    typedef typename results<A, B>::sum both;
    return aligned<both>(a) < aligned<both>(b);
}
template <class A, class B> bool equal(const A& a, const B& b) {
    typedef typename results<A, B>::sum both;
    return aligned<both>(a) == aligned<both>(b);
}

// Numbers of which one at least is an ap_[u]fixed: two ap_[u]int have operators of their own.
template <class T> struct is_fixed { static const bool value = false; };
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct is_fixed<ap_fixed<W, I, Q, O, N> > { static const bool value = true; };
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct is_fixed<ap_ufixed<W, I, Q, O, N> > { static const bool value = true; };
template <bool> struct only {};
template <> struct only<true> { typedef int type; };
template <class A, class B> using numbers = typename only<(is_fixed<A>::value || is_fixed<B>::value) &&
                                                          sizeof(is<A>) && sizeof(is<B>)>::type;

}  // namespace hlsgen_lint

template <class A, class B, hlsgen_lint::numbers<A, B> = 0>
typename hlsgen_lint::results<A, B>::sum operator+(const A& a, const B& b) {
    typename hlsgen_lint::results<A, B>::sum result;
    typedef typename hlsgen_lint::results<A, B>::sum sum;
    result.v = hlsgen_lint::bits<sum::width, sum::is_signed>(hlsgen_lint::aligned<sum>(a) + hlsgen_lint::aligned<sum>(b));
    return result;
}
template <class A, class B, hlsgen_lint::numbers<A, B> = 0>
typename hlsgen_lint::results<A, B>::difference operator-(const A& a, const B& b) {
    typedef typename hlsgen_lint::results<A, B>::difference difference;
    difference result;
    result.v = hlsgen_lint::bits<difference::width, true>(hlsgen_lint::aligned<difference>(a) -
                                                          hlsgen_lint::aligned<difference>(b));
    return result;
}
template <class A, class B, hlsgen_lint::numbers<A, B> = 0>
typename hlsgen_lint::results<A, B>::product operator*(const A& a, const B& b) {
    typedef typename hlsgen_lint::results<A, B>::product product;
    typedef hlsgen_lint::bits<product::width, product::is_signed> word;
    product result;
    result.v = word(word(a.v) * word(b.v));
    return result;
}
template <class A, class B, hlsgen_lint::numbers<A, B> = 0>
typename hlsgen_lint::results<A, B>::quotient operator/(const A& a, const B& b) {
    typedef typename hlsgen_lint::results<A, B>::quotient quotient;
    typedef hlsgen_lint::bits<quotient::width, quotient::is_signed> word;
    const int up = hlsgen_lint::is<quotient>::frac - hlsgen_lint::is<A>::frac + hlsgen_lint::is<B>::frac;
    quotient result;
    result.v = word(word(word(a.v) << (up > 0 ? up : 0)) / word(b.v));
    return result;
}
#define HLSGEN_LINT_COMPARISON(OP, RESULT)                                                     \
    template <class A, class B, hlsgen_lint::numbers<A, B> = 0>                                \
    bool operator OP(const A& a, const B& b) {                                                 \
        return RESULT;                                                                         \
    }
HLSGEN_LINT_COMPARISON(<, hlsgen_lint::less(a, b))
HLSGEN_LINT_COMPARISON(>, hlsgen_lint::less(b, a))
HLSGEN_LINT_COMPARISON(<=, !hlsgen_lint::less(b, a))
HLSGEN_LINT_COMPARISON(>=, !hlsgen_lint::less(a, b))
HLSGEN_LINT_COMPARISON(==, hlsgen_lint::equal(a, b))
HLSGEN_LINT_COMPARISON(!=, !hlsgen_lint::equal(a, b))
#undef HLSGEN_LINT_COMPARISON

#pragma clang attribute pop

#endif
