// A stand-in for the tool's ap_fixed.h; see ap_int.h.
#ifndef AP_FIXED_H
#define AP_FIXED_H

#include <ap_int.h>

template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0>
struct ap_ufixed;

// What a signed and an unsigned number have in common: storage and the operations the kernels may use.
#define HLSGEN_STUB_MEMBERS(NAME)                                                            \
    static const int width = W;                                                              \
    static const int iwidth = I;                                                             \
    long long raw[(W + 63) / 64];                                                            \
    NAME() = default;                                                                        \
    NAME(int value);                                                                         \
    template <int W2, int I2, ap_q_mode Q2, ap_o_mode O2, int N2>                            \
    NAME(const ap_fixed<W2, I2, Q2, O2, N2>& other);                                         \
    template <int W2, int I2, ap_q_mode Q2, ap_o_mode O2, int N2>                            \
    NAME(const ap_ufixed<W2, I2, Q2, O2, N2>& other);                                        \
    template <class T>                                                                       \
    NAME& operator+=(const T& other);                                                        \
    ap_range range(int high, int low);                                                       \
    ap_range range(int high, int low) const;                                                 \
    NAME operator<<(int places) const;                                                       \
    NAME operator-() const;

template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0>
struct ap_fixed {
    HLSGEN_STUB_MEMBERS(ap_fixed)
};

template <int W, int I, ap_q_mode Q, ap_o_mode O, int N>
struct ap_ufixed {
    HLSGEN_STUB_MEMBERS(ap_ufixed)
};

#undef HLSGEN_STUB_MEMBERS

namespace ap_stub {
constexpr int larger(int a, int b) { return a > b ? a : b; }
template <int W, int I, bool S> struct number { typedef ap_fixed<W, I> type; };
template <int W, int I> struct number<W, I, false> { typedef ap_ufixed<W, I> type; };
template <class T> struct is;
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct is<ap_fixed<W, I, Q, O, N> > {
    static const int integer = I, frac = W - I;
    static const bool negative = true;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct is<ap_ufixed<W, I, Q, O, N> > {
    static const int integer = I, frac = W - I;
    static const bool negative = false;
};
template <class A, class B, bool S> struct sum {
    static const int integer = larger(is<A>::integer, is<B>::integer) + 2, frac = larger(is<A>::frac, is<B>::frac);
    typedef typename number<integer + frac, integer, S>::type type;
};
template <class A, class B> struct product {
    static const int integer = is<A>::integer + is<B>::integer, frac = is<A>::frac + is<B>::frac;
    typedef typename number<integer + frac, integer, is<A>::negative || is<B>::negative>::type type;
};
}  // namespace ap_stub

template <class A, class B> typename ap_stub::sum<A, B, ap_stub::is<A>::negative || ap_stub::is<B>::negative>::type operator+(const A& a, const B& b);
template <class A, class B> typename ap_stub::sum<A, B, true>::type operator-(const A& a, const B& b);
template <class A, class B> typename ap_stub::product<A, B>::type operator*(const A& a, const B& b);

// Comparisons: of one signedness only (the vendor's headers are wrong for mixed ones).
template <class A, class B> struct ap_compare {
    static_assert(ap_stub::is<A>::negative == ap_stub::is<B>::negative, "comparison of a signed with an unsigned number");
    static bool less(const A& a, const B& b);
    static bool equal(const A& a, const B& b);
};
#define HLSGEN_STUB_COMPARE(OP, RESULT)                                                                        \
    template <class A, class B, int = ap_stub::is<A>::frac, int = ap_stub::is<B>::frac>                        \
    inline bool operator OP(const A& a, const B& b) {                                                          \
        return RESULT;                                                                                         \
    }
HLSGEN_STUB_COMPARE(<, (ap_compare<A, B>::less(a, b)))
HLSGEN_STUB_COMPARE(>, (ap_compare<B, A>::less(b, a)))
HLSGEN_STUB_COMPARE(<=, (!ap_compare<B, A>::less(b, a)))
HLSGEN_STUB_COMPARE(>=, (!ap_compare<A, B>::less(a, b)))
HLSGEN_STUB_COMPARE(==, (ap_compare<A, B>::equal(a, b)))
HLSGEN_STUB_COMPARE(!=, (!ap_compare<A, B>::equal(a, b)))
#undef HLSGEN_STUB_COMPARE

#endif
