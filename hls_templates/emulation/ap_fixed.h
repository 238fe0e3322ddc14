// ap_fixed and ap_ufixed for emulation: a value is a vector of samples.
//
// Same template arguments, result types and casts as the vendor's classes (tests/vendor proves it),
// with two differences on purpose: comparisons of mixed signedness are exact, and rounding may drop
// more bits than the source holds (also exact). A comparison yields a lane mask: hlsgen::select.
#ifndef HLSGEN_AP_FIXED_H
#define HLSGEN_AP_FIXED_H

#include <hlsgen/lanes.h>
#include <hlsgen/scalar_cast.h>

template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, int N> struct ap_fixed_base;

template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0>
using ap_fixed = ap_fixed_base<W, I, true, Q, O, N>;
template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0>
using ap_ufixed = ap_fixed_base<W, I, false, Q, O, N>;

namespace hlsgen {
namespace lanes {

constexpr int larger(int a, int b) { return a > b ? a : b; }
template <class E> constexpr E low_ones(int n) {
    return n <= 0 ? E(0) : n >= int(8 * sizeof(E)) ? E(~E(0)) : E(E(~E(0)) ^ E(uint128(~uint128(0)) << n));
}

// t / 2**Shift as the rounding mode says, without needing a bit above the value's own.
// Width and Signed describe the values in t.
template <ap_q_mode Q, int Shift, int Width, bool Signed, class E> HLSGEN_INLINE vec<E> round(vec<E> t) {
    constexpr int bits = 8 * sizeof(E);
    if constexpr (Shift > Width) {  // every magnitude is below half a step
        if constexpr (Q == AP_TRN && Signed) return t >> (bits - 1);
        else return vec<E>{};
    } else {
        const vec<E> sign = [&] { if constexpr (Signed) return t >> (bits - 1); else return vec<E>{}; }();
        constexpr E half = E(E(1) << (Shift - 1));
        constexpr bool headroom = Signed ? Width <= bits - 1 : Width <= bits - 2;
        if constexpr (Shift < bits && Q == AP_TRN) {
            return t >> Shift;
        } else if constexpr (Shift < bits && Q == AP_TRN_ZERO) {
            return (t + (sign & low_ones<E>(Shift))) >> Shift;
        } else if constexpr (Shift < bits && headroom) {
            if constexpr (Q == AP_RND) return (t + half) >> Shift;
            else if constexpr (Q == AP_RND_ZERO) return (t + E(half - 1) - sign) >> Shift;
            else if constexpr (Q == AP_RND_MIN_INF) return (t + E(half - 1)) >> Shift;
            else if constexpr (Q == AP_RND_INF) return (t + half + sign) >> Shift;
            else return (t + E(half - 1) + ((t >> Shift) & E(1))) >> Shift;
        } else {
            const vec<E> floor = [&] { if constexpr (Shift < bits) return t >> Shift; else return sign; }();
            const vec<E> up = (t >> (Shift - 1)) & E(1);
            const vec<E> rest = (vec<E>)((t & low_ones<E>(Shift - 1)) != E(0)) & E(1);
            const vec<E> negative = sign & E(1);
            if constexpr (Q == AP_TRN) return floor;
            else if constexpr (Q == AP_TRN_ZERO) return floor + (negative & (up | rest));
            else if constexpr (Q == AP_RND) return floor + up;
            else if constexpr (Q == AP_RND_ZERO) return floor + (up & (negative | rest));
            else if constexpr (Q == AP_RND_MIN_INF) return floor + (up & rest);
            else if constexpr (Q == AP_RND_INF) return floor + (up & ((negative ^ E(1)) | rest));
            else return floor + (up & (rest | (floor & E(1))));
        }
    }
}

// Keep the low Width bits: two's complement if Signed.
template <int Width, bool Signed, class E> HLSGEN_INLINE vec<E> wrap(vec<E> v) {
    constexpr int spare = 8 * int(sizeof(E)) - Width;
    if constexpr (spare <= 0) return v;
    else if constexpr (!Signed) return v & low_ones<E>(Width);
    else return (v << spare) >> spare;
}

// The rare overflow modes (saturation bits, sign-magnitude wrap), in signed E with two bits to spare.
template <class To, class E> HLSGEN_INLINE vec<E> wrap_guarded(vec<E> v, vec<E> floor) {
    constexpr int W = To::width, N = To::saturation_bits;
    constexpr bool S = To::is_signed;
    constexpr E high = low_ones<E>(W - S), low = S ? E(~high) : E(0), sign = E(E(1) << (W - 1));
    constexpr E guard = low_ones<E>(W - S) & E(~low_ones<E>(W - N));
    const vec<E> outside = (vec<E>)((v > broadcast<E>(high)) | (v < broadcast<E>(low)));
    const vec<E> negative = (vec<E>)(v < E(0));
    vec<E> bits = v;
    if constexpr (!S) {
        bits = bits | guard;
    } else if constexpr (To::omode == AP_WRAP_SM && N == 0) {
        const vec<E> deleted = -((floor >> W) & E(1));
        const vec<E> flip = deleted ^ -((bits >> (W - 1)) & E(1));
        bits = ((bits ^ flip) & E(~sign)) | (deleted & sign);
    } else {
        if constexpr (To::omode == AP_WRAP_SM) {
            const vec<E> lowest = -((bits >> (N == 1 ? W - 1 : W - N)) & E(1));
            bits = bits ^ (N == 1 ? negative ^ lowest : ~(negative ^ lowest));
        }
        bits = (bits & E(~(guard | sign))) | (~negative & guard) | (negative & sign);
    }
    return (outside & wrap<W, S, E>(bits)) | (~outside & v);
}

// v's values, of Width bits, brought into To's range. `floor` is v before rounding.
template <class To, int Width, bool Signed, class E> HLSGEN_INLINE typename To::raw_t fit(vec<E> v, vec<E> floor) {
    typedef typename To::word word;
    constexpr int W = To::width;
    constexpr bool S = To::is_signed;
    constexpr ap_o_mode O = To::omode;
    constexpr bool high = Width - Signed > W - S;
    constexpr bool low = Signed && (!S || Width > W || (O == AP_SAT_SYM && W > 1 && Width == W));
    if constexpr (!high && !low) {
        return convert<word, E>(v);
    } else if constexpr (O == AP_WRAP && To::saturation_bits == 0) {
        return wrap<W, S, word>(convert<word, E>(v));
    } else if constexpr (O == AP_WRAP || O == AP_WRAP_SM) {
        typedef typename native<larger(Width, W) + 2, true>::type wide;
        const vec<wide> guarded = wrap_guarded<To, wide>(convert<wide, E>(v), convert<wide, E>(floor));
        return convert<word, wide>(guarded);
    } else {
        constexpr E top = low_ones<E>(W - S);
        constexpr E bottom = !S ? E(0) : E(E(~top) + (O == AP_SAT_SYM && W > 1));
        if constexpr (O == AP_SAT_ZERO) {
            vec<E> keep = ~vec<E>{};
            if constexpr (high) keep &= (vec<E>)(v <= broadcast<E>(top));
            if constexpr (low) keep &= (vec<E>)(v >= broadcast<E>(bottom));
            return convert<word, E>(v & keep);
        } else {
            if constexpr (high) v = minimum<E>(v, broadcast<E>(top));
            if constexpr (low) v = maximum<E>(v, broadcast<E>(bottom));
            return convert<word, E>(v);
        }
    }
}

// Whether the vectorised cast's intermediate values fit 128 bits.
template <class To, class From> constexpr bool fits_words() {
    constexpr bool plain = To::omode == AP_WRAP && To::saturation_bits == 0;
    constexpr bool guarded = !plain && (To::omode == AP_WRAP || To::omode == AP_WRAP_SM);
    constexpr int shift = From::frac - To::frac;
    if (plain || (shift > 0 && !guarded)) return true;
    return larger(From::width - (shift > 0 ? 0 : shift), To::width) + 2 * guarded <= 128;
}

// The one cast. Steps that the types prove unnecessary are not compiled.
template <class To, class From> HLSGEN_INLINE typename To::raw_t cast(const From& from) {
    typedef typename From::word source;
    typedef typename To::word word;
    constexpr int shift = From::frac - To::frac;
    constexpr int W2 = From::width;
    constexpr bool S2 = From::is_signed;
    if constexpr (!fits_words<To, From>()) {
        typename To::raw_t result;
        for (int l = 0; l < count; l++)
            result[l] = word(scalar::cast_bits(To::format(), uint128(from.V[l]), S2, From::frac));
        return result;
    } else if constexpr (shift > 0) {
        constexpr ap_q_mode Q = To::qmode;
        constexpr bool grows = Q != AP_TRN && Q != AP_TRN_ZERO;
        constexpr int width = larger(W2 - shift, S2) + grows;
        const vec<source> floor = round<AP_TRN, shift, W2, S2, source>(from.V);
        return fit<To, (width > 0 ? width : 1), S2, source>(round<Q, shift, W2, S2, source>(from.V), floor);
    } else if constexpr (To::omode == AP_WRAP && To::saturation_bits == 0) {
        constexpr bool kept = W2 - shift - S2 <= To::width - To::is_signed && S2 <= To::is_signed;
        if constexpr (-shift >= To::width) {
            return vec<word>{};
        } else {
            const vec<word> shifted = convert<word, source>(from.V) << -shift;
            if constexpr (kept) return shifted;
            else return wrap<To::width, To::is_signed, word>(shifted);
        }
    } else {
        typedef typename native<W2 - shift, S2>::type wide;
        const vec<wide> shifted = convert<wide, source>(from.V) << -shift;
        return fit<To, W2 - shift, S2, wide>(shifted, shifted);
    }
}

}  // namespace lanes
}  // namespace hlsgen

template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, int N> struct ap_fixed_base {
    static_assert(N >= 0 && N <= W, "saturation bits must lie between 0 and the width");
    static_assert(S || O != AP_WRAP_SM, "AP_WRAP_SM is defined for signed types only");
    static const int width = W, iwidth = I, frac = W - I, saturation_bits = N;
    static const bool is_signed = S;
    static const ap_q_mode qmode = Q;
    static const ap_o_mode omode = O;
    typedef typename hlsgen::lanes::native<W, S>::type word;
    typedef hlsgen::lanes::vec<word> raw_t;

    raw_t V;  // mantissas

    ap_fixed_base() = default;
    HLSGEN_INLINE explicit ap_fixed_base(const raw_t& raw, int) : V(raw) {}

    template <int W2, int I2, bool S2, ap_q_mode Q2, ap_o_mode O2, int N2>
    HLSGEN_INLINE ap_fixed_base(const ap_fixed_base<W2, I2, S2, Q2, O2, N2>& from)
        : V(hlsgen::lanes::cast<ap_fixed_base>(from)) {}

#define HLSGEN_FROM_SCALAR(type) \
    HLSGEN_INLINE ap_fixed_base(type value) : V(hlsgen::lanes::broadcast<word>(from_integer(value))) {}
    HLSGEN_FROM_SCALAR(bool)
    HLSGEN_FROM_SCALAR(char)
    HLSGEN_FROM_SCALAR(signed char)
    HLSGEN_FROM_SCALAR(unsigned char)
    HLSGEN_FROM_SCALAR(short)
    HLSGEN_FROM_SCALAR(unsigned short)
    HLSGEN_FROM_SCALAR(int)
    HLSGEN_FROM_SCALAR(unsigned int)
    HLSGEN_FROM_SCALAR(long)
    HLSGEN_FROM_SCALAR(unsigned long)
    HLSGEN_FROM_SCALAR(long long)
    HLSGEN_FROM_SCALAR(unsigned long long)
#undef HLSGEN_FROM_SCALAR
    HLSGEN_INLINE ap_fixed_base(double value) : V(hlsgen::lanes::broadcast<word>(from_double(value))) {}
    HLSGEN_INLINE ap_fixed_base(float value) : ap_fixed_base(double(value)) {}

    static constexpr hlsgen::format format() { return hlsgen::format{W, W - I, S, Q, O, N}; }

    template <int W2, int I2, bool S2, ap_q_mode Q2, ap_o_mode O2, int N2>
    HLSGEN_INLINE ap_fixed_base& operator+=(const ap_fixed_base<W2, I2, S2, Q2, O2, N2>& b) { return *this = *this + b; }
    template <int W2, int I2, bool S2, ap_q_mode Q2, ap_o_mode O2, int N2>
    HLSGEN_INLINE ap_fixed_base& operator-=(const ap_fixed_base<W2, I2, S2, Q2, O2, N2>& b) { return *this = *this - b; }
    template <int W2, int I2, bool S2, ap_q_mode Q2, ap_o_mode O2, int N2>
    HLSGEN_INLINE ap_fixed_base& operator*=(const ap_fixed_base<W2, I2, S2, Q2, O2, N2>& b) { return *this = *this * b; }

    HLSGEN_INLINE ap_fixed_base<W + 1, I + 1, true, AP_TRN, AP_WRAP, 0> operator-() const {
        ap_fixed_base<W + 1, I + 1, true, AP_TRN, AP_WRAP, 0> r = *this;
        r.V = -r.V;
        return r;
    }

    // As the vendor's: a shift of the bits, neither rounded nor saturated.
    HLSGEN_INLINE ap_fixed_base operator<<(int n) const { return n < 0 ? down(-n) : up(n); }
    HLSGEN_INLINE ap_fixed_base operator>>(int n) const { return n < 0 ? up(-n) : down(n); }

private:
    HLSGEN_INLINE ap_fixed_base up(int n) const {
        return ap_fixed_base(n >= W ? raw_t{} : hlsgen::lanes::wrap<W, S, word>(V << n), 0);
    }
    HLSGEN_INLINE ap_fixed_base down(int n) const {
        return ap_fixed_base(n < W ? V >> n : S ? V >> (W - 1) : raw_t{}, 0);
    }
    HLSGEN_INLINE static word from_integer(hlsgen::int128 value) {
        if constexpr (W - I >= 0 && W - I <= 62 && W < 128) {  // folds for constants
            const hlsgen::int128 exact = value << (W - I), end = hlsgen::int128(1) << (W - S);
            if (exact < end && exact > (S ? -end : -1)) return word(exact);
        }
        return any_integer(value);
    }
    static word any_integer(hlsgen::int128 value) { return word(hlsgen::scalar::cast(format(), value, 0)); }
    static word from_double(double value) {
        int frac = 0;
        const hlsgen::int128 mantissa = hlsgen::scalar::decompose(value, &frac);
        return word(hlsgen::scalar::cast(format(), mantissa, frac));
    }
};

namespace hlsgen {
namespace lanes {

// Result types of the operators: the vendor's rules.
template <class A, class B> struct sum_of {
    static const int integer =
        larger(A::iwidth + (B::is_signed && !A::is_signed), B::iwidth + (A::is_signed && !B::is_signed)) + 1;
    static const int width = integer + larger(A::frac, B::frac);
    typedef ap_fixed_base<width, integer, A::is_signed || B::is_signed, AP_TRN, AP_WRAP, 0> type;
    typedef ap_fixed_base<width, integer, true, AP_TRN, AP_WRAP, 0> difference;
};
template <class A, class B> using product =
    ap_fixed_base<A::width + B::width, A::iwidth + B::iwidth, A::is_signed || B::is_signed, AP_TRN, AP_WRAP, 0>;

// The raw values of a and b in one type that holds both exactly.
template <class A, class B> struct aligned {
    typedef typename sum_of<A, B>::difference type;
    typename type::raw_t a, b;
    HLSGEN_INLINE aligned(const A& x, const B& y) : a(cast<type>(x)), b(cast<type>(y)) {}
};
template <class T> struct aligned<T, T> {
    typedef T type;
    typename T::raw_t a, b;
    HLSGEN_INLINE aligned(const T& x, const T& y) : a(x.V), b(y.V) {}
};

// x < c for every lane, c an integer times 2**-(frac of x) rounded up to `bound` (see below).
template <class T> HLSGEN_INLINE mask<8 * sizeof(typename T::word)> below(const T& x, int128 bound) {
    typedef mask<8 * sizeof(typename T::word)> result;
    typedef typename T::word word;
    constexpr int128 least = T::is_signed ? -(int128(1) << (T::width - 1)) : int128(0);
    constexpr int128 most = int128(uint128(low_ones<uint128>(T::width - T::is_signed)));
    if (bound <= least) return result{};
    if (bound > most) return result{~result{}.V};
    return result{(decltype(result::V))(x.V < broadcast<word>(word(bound)))};
}
// The smallest mantissa of T whose value is at least c.
template <class T> constexpr int128 mantissa_at_least(long long c) {
    static_assert(T::frac <= 90, "compare with a value of the same type: an int at this step is too wide");
    return T::frac >= 0 ? int128(c) * (int128(1) << (T::frac & 127))
                        : T::frac < -63 ? int128(c > 0) : -((-int128(c)) >> (-T::frac & 63));
}

}  // namespace lanes
}  // namespace hlsgen

#define HLSGEN_TWO_TYPES                                                              \
    template <int W1, int I1, bool S1, ap_q_mode Q1, ap_o_mode O1, int N1,            \
              int W2, int I2, bool S2, ap_q_mode Q2, ap_o_mode O2, int N2>
#define HLSGEN_A ap_fixed_base<W1, I1, S1, Q1, O1, N1>
#define HLSGEN_B ap_fixed_base<W2, I2, S2, Q2, O2, N2>

HLSGEN_TWO_TYPES HLSGEN_INLINE typename hlsgen::lanes::sum_of<HLSGEN_A, HLSGEN_B>::type
operator+(const HLSGEN_A& a, const HLSGEN_B& b) {
    typedef typename hlsgen::lanes::sum_of<HLSGEN_A, HLSGEN_B>::type type;
    return type(hlsgen::lanes::cast<type>(a) + hlsgen::lanes::cast<type>(b), 0);
}
HLSGEN_TWO_TYPES HLSGEN_INLINE typename hlsgen::lanes::sum_of<HLSGEN_A, HLSGEN_B>::difference
operator-(const HLSGEN_A& a, const HLSGEN_B& b) {
    typedef typename hlsgen::lanes::sum_of<HLSGEN_A, HLSGEN_B>::difference type;
    return type(hlsgen::lanes::cast<type>(a) - hlsgen::lanes::cast<type>(b), 0);
}
HLSGEN_TWO_TYPES HLSGEN_INLINE hlsgen::lanes::product<HLSGEN_A, HLSGEN_B>
operator*(const HLSGEN_A& a, const HLSGEN_B& b) {
    typedef hlsgen::lanes::product<HLSGEN_A, HLSGEN_B> type;
    typedef typename type::word word;
    return type(hlsgen::lanes::convert<word, typename HLSGEN_A::word>(a.V) *
                    hlsgen::lanes::convert<word, typename HLSGEN_B::word>(b.V), 0);
}

#define HLSGEN_COMPARE(op, scalar_form)                                                              \
    HLSGEN_TWO_TYPES HLSGEN_INLINE auto operator op(const HLSGEN_A& a, const HLSGEN_B& b) {          \
        typedef hlsgen::lanes::aligned<HLSGEN_A, HLSGEN_B> pair;                                     \
        typedef hlsgen::lanes::mask<8 * sizeof(typename pair::type::word)> result;                   \
        const pair p(a, b);                                                                          \
        return result{(decltype(result::V))(p.a op p.b)};                                            \
    }                                                                                                \
    template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, int N>                                 \
    HLSGEN_INLINE auto operator op(const ap_fixed_base<W, I, S, Q, O, N>& a, int c) {                \
        typedef ap_fixed_base<W, I, S, Q, O, N> type;                                                \
        const hlsgen::int128 here = hlsgen::lanes::mantissa_at_least<type>(c);                       \
        const hlsgen::int128 next = -hlsgen::lanes::mantissa_at_least<type>(-(long long)c) + 1;      \
        return scalar_form;                                                                          \
    }
// `here`: first mantissa with value >= c; `next`: first with value > c.
HLSGEN_COMPARE(<, (void(next), hlsgen::lanes::below(a, here)))
HLSGEN_COMPARE(<=, (void(here), hlsgen::lanes::below(a, next)))
HLSGEN_COMPARE(>, (void(here), !hlsgen::lanes::below(a, next)))
HLSGEN_COMPARE(>=, (void(next), !hlsgen::lanes::below(a, here)))
HLSGEN_COMPARE(==, (hlsgen::lanes::below(a, next) && !hlsgen::lanes::below(a, here)))
HLSGEN_COMPARE(!=, (!hlsgen::lanes::below(a, next) || hlsgen::lanes::below(a, here)))
#undef HLSGEN_COMPARE
#undef HLSGEN_TWO_TYPES
#undef HLSGEN_A
#undef HLSGEN_B

#endif
