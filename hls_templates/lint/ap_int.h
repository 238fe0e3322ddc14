// Integers of exact width for `hlsgen lint`: ap_int and ap_uint on clang's _BitInt.
//
// With these headers clang's LLVM IR has the widths of the hardware: an ap_uint<5> is an i5, a product of 8 and 6 bits is
// a `mul i14`. Nothing is declared but arithmetic; what a design asks for beside it stays in the IR as a call. Division
// and floating point are there, so that a design with them compiles and the finding names the line.
// Clang up to 15 has integers of at most 128 bits.
#ifndef AP_INT_H
#define AP_INT_H

// As in a type's first operation: all of this is inlined, wherever it is called.
#pragma clang attribute push(__attribute__((always_inline)), apply_to = function)

enum ap_q_mode { AP_RND, AP_RND_ZERO, AP_RND_MIN_INF, AP_RND_INF, AP_RND_CONV, AP_TRN, AP_TRN_ZERO };
enum ap_o_mode { AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP, AP_WRAP_SM };

template <int W> struct ap_int;
template <int W> struct ap_uint;

namespace hlsgen_lint {

constexpr int larger(int a, int b) { return a > b ? a : b; }

// The integer of W bits. C has no signed integer of one bit: it takes two.
template <int W, bool S> struct exact { typedef unsigned _BitInt(W) type; };
template <int W> struct exact<W, true> { typedef _BitInt(W) type; };
template <> struct exact<1, true> { typedef _BitInt(2) type; };
template <int W, bool S> using bits = typename exact<W, S>::type;

// The low W bits of any integer, as a value of that type.
template <int W, bool S> struct low_bits {
    template <class M> static constexpr bits<W, S> of(M value) { return bits<W, S>(value); }
};
template <> struct low_bits<1, true> {
    template <class M> static constexpr bits<1, true> of(M value) { return bits<1, true>(value & 1) ? -1 : 0; }
};

// Native integers: what an ap_[u]int becomes where one is needed, and what one is in an expression.
template <int Class, bool S> struct native;
template <> struct native<0, true> { typedef int type; };
template <> struct native<0, false> { typedef int type; };
template <> struct native<1, true> { typedef int type; };
template <> struct native<1, false> { typedef unsigned type; };
template <> struct native<2, true> { typedef long long type; };
template <> struct native<2, false> { typedef unsigned long long type; };
template <class M> struct integral;
template <> struct integral<bool> { static const int width = 1; static const bool is_signed = false; };
template <> struct integral<char> { static const int width = 8; static const bool is_signed = true; };
template <> struct integral<signed char> { static const int width = 8; static const bool is_signed = true; };
template <> struct integral<unsigned char> { static const int width = 8; static const bool is_signed = false; };
template <> struct integral<short> { static const int width = 16; static const bool is_signed = true; };
template <> struct integral<unsigned short> { static const int width = 16; static const bool is_signed = false; };
template <> struct integral<int> { static const int width = 32; static const bool is_signed = true; };
template <> struct integral<unsigned> { static const int width = 32; static const bool is_signed = false; };
template <> struct integral<long> { static const int width = 64; static const bool is_signed = true; };
template <> struct integral<unsigned long> { static const int width = 64; static const bool is_signed = false; };
template <> struct integral<long long> { static const int width = 64; static const bool is_signed = true; };
template <> struct integral<unsigned long long> { static const int width = 64; static const bool is_signed = false; };

template <int W, bool S> struct number { typedef ap_uint<W> type; };
template <int W> struct number<W, true> { typedef ap_int<W> type; };

// A constant of more bits than a literal has, from its decimal digits.
template <int W> constexpr unsigned _BitInt(W) digits(const char* text) {
    unsigned _BitInt(W) value = 0;
    for (const char* at = *text == '-' ? text + 1 : text; *at; at++)
        value = (unsigned _BitInt(W))(value * (unsigned _BitInt(W))(10) + (unsigned _BitInt(W))(*at - '0'));
    return *text == '-' ? (unsigned _BitInt(W))(-value) : value;
}

// The integer behind a value of any of these types (all declared before the first use).
template <int W> struct part;
template <class T> struct slot;
template <class M> constexpr M raw(const M& value);
template <int W> constexpr bits<W, false> raw(const part<W>& value);
template <class T> constexpr bits<T::width, false> raw(const slot<T>& value);
template <int W> constexpr bits<W, true> raw(const ap_int<W>& value);
template <int W> constexpr bits<W, false> raw(const ap_uint<W>& value);

// Bits low .. high of a word that is only read, or of one that they are written to.
template <int W> struct part {
    bits<W, false> word;
    int high, low;
    constexpr bits<W, false> value() const { return bits<W, false>((word >> low) & (bits<W, false>(-1) >> (W - 1 - (high - low)))); }
    operator unsigned long long() const { return (unsigned long long)(value()); }
    unsigned long long to_uint64() const { return (unsigned long long)(value()); }
};

template <class T> struct slot {
    T& target;
    int high, low;
    typedef bits<T::width, false> word;
    constexpr part<T::width> read() const { return {word(target.v), high, low}; }
    operator part<T::width>() const { return read(); }
    operator unsigned long long() const { return read(); }
    unsigned long long to_uint64() const { return read().to_uint64(); }
    template <class M> void put(M value) {
        const word mask = word(word(-1) >> (T::width - 1 - (high - low))) << low;
        const word held = word(target.v);
        target.v = low_bits<T::width, T::is_signed>::of(word((held & ~mask) | ((word(value) << low) & mask)));
    }
    template <class M> slot& operator=(const M& value) {
        put(raw(value));
        return *this;
    }
    slot& operator=(const slot& other) {
        put(other.read().value());
        return *this;
    }
};

template <class M> constexpr M raw(const M& value) { return value; }
template <int W> constexpr bits<W, false> raw(const part<W>& value) { return value.value(); }
template <class T> constexpr bits<T::width, false> raw(const slot<T>& value) { return value.read().value(); }
template <int W> constexpr bits<W, true> raw(const ap_int<W>& value) { return value.v; }
template <int W> constexpr bits<W, false> raw(const ap_uint<W>& value) { return value.v; }

}  // namespace hlsgen_lint

#define HLSGEN_LINT_INTEGER(NAME, S)                                                                                  \
    template <int W> struct NAME {                                                                                    \
        static const int width = W;                                                                                   \
        static const bool is_signed = S;                                                                              \
        typedef typename hlsgen_lint::native<(W <= 31 ? 0 : W <= 32 ? 1 : 2), S>::type native_t;                      \
        hlsgen_lint::bits<W, S> v;                                                                                    \
        NAME() = default;                                                                                             \
        constexpr NAME(const char* text, int) : v((hlsgen_lint::bits<W, S>)hlsgen_lint::digits<W>(text)) {}           \
        template <class M> constexpr NAME(const M& value)                                                             \
            : v(hlsgen_lint::low_bits<W, S>::of(hlsgen_lint::raw(value))) {}                                          \
        constexpr operator native_t() const { return native_t(v); }                                                   \
        unsigned long long to_uint64() const { return (unsigned long long)(v); }                                      \
        long long to_int64() const { return (long long)(v); }                                                         \
        int to_int() const { return int(v); }                                                                         \
        unsigned to_uint() const { return unsigned(v); }                                                              \
        hlsgen_lint::slot<NAME> range(int high, int low) { return {*this, high, low}; }                               \
        hlsgen_lint::part<W> range(int high, int low) const { return {hlsgen_lint::bits<W, false>(v), high, low}; }   \
        hlsgen_lint::slot<NAME> operator()(int high, int low) { return range(high, low); }                            \
        hlsgen_lint::part<W> operator()(int high, int low) const { return range(high, low); }                         \
        hlsgen_lint::slot<NAME> operator[](int bit) { return range(bit, bit); }                                       \
        bool operator[](int bit) const { return range(bit, bit).value() != 0; }                                       \
        NAME& operator++() { return *this = *this + NAME<W>(1); }                                                     \
        NAME& operator--() { return *this = *this - NAME<W>(1); }                                                     \
        NAME operator++(int) { const NAME was = *this; ++*this; return was; }                                         \
        NAME operator--(int) { const NAME was = *this; --*this; return was; }                                         \
        template <class M> NAME& operator+=(const M& other) { return *this = *this + other; }                         \
        template <class M> NAME& operator-=(const M& other) { return *this = *this - other; }                         \
        template <class M> NAME& operator*=(const M& other) { return *this = *this * other; }                         \
        template <class M> NAME& operator|=(const M& other) { return *this = *this | other; }                         \
        template <class M> NAME& operator&=(const M& other) { return *this = *this & other; }                         \
        template <class M> NAME& operator^=(const M& other) { return *this = *this ^ other; }                         \
        NAME& operator<<=(int n) { return *this = *this << n; }                                                       \
        NAME& operator>>=(int n) { return *this = *this >> n; }                                                       \
        NAME operator<<(int n) const { return NAME(n >= W ? hlsgen_lint::bits<W, S>(0) : hlsgen_lint::bits<W, S>(v << n)); } \
        NAME operator>>(int n) const { return NAME(hlsgen_lint::bits<W, S>(v >> (n >= W ? W - 1 : n)) >> (n >= W ? 1 : 0)); } \
        NAME operator~() const { return NAME(hlsgen_lint::bits<W, S>(~v)); }                                          \
    };
HLSGEN_LINT_INTEGER(ap_int, true)
HLSGEN_LINT_INTEGER(ap_uint, false)
#undef HLSGEN_LINT_INTEGER

namespace hlsgen_lint {

// The result of an operation on integers of A and B bits (SA, SB: signed): exact.
template <int A, bool SA, int B, bool SB> struct common {
    static const bool is_signed = SA || SB;
    static const int width = larger(A + (is_signed && !SA), B + (is_signed && !SB));
};
template <int A, bool SA, int B, bool SB> using sum = typename number<common<A, SA, B, SB>::width + 1, SA || SB>::type;
template <int A, bool SA, int B, bool SB> using difference = typename number<common<A, SA, B, SB>::width + 1, true>::type;
template <int A, bool SA, int B, bool SB> using product = typename number<A + B, SA || SB>::type;
template <int A, bool SA, int B, bool SB> using same = typename number<common<A, SA, B, SB>::width, SA || SB>::type;
template <int A, bool SA, int, bool SB> using quotient = typename number<A + SB, SA || SB>::type;
template <int A, bool SA, int B, bool SB> using remainder = typename number<(A < B ? A : B) + 1, SA>::type;

}  // namespace hlsgen_lint

#define HLSGEN_LINT_OPERATION(OP, RESULT, INSIDE)                                                                     \
    HLSGEN_LINT_OPERATION_OF(OP, RESULT, INSIDE, ap_int, true, ap_int, true)                                          \
    HLSGEN_LINT_OPERATION_OF(OP, RESULT, INSIDE, ap_int, true, ap_uint, false)                                        \
    HLSGEN_LINT_OPERATION_OF(OP, RESULT, INSIDE, ap_uint, false, ap_int, true)                                        \
    HLSGEN_LINT_OPERATION_OF(OP, RESULT, INSIDE, ap_uint, false, ap_uint, false)                                      \
    HLSGEN_LINT_OPERATION_WITH(OP, ap_int) HLSGEN_LINT_OPERATION_WITH(OP, ap_uint)
#define HLSGEN_LINT_OPERATION_OF(OP, RESULT, INSIDE, X, SA, Y, SB)                                                    \
    template <int A, int B> constexpr hlsgen_lint::RESULT<A, SA, B, SB> operator OP(const X<A>& a, const Y<B>& b) {   \
        typedef hlsgen_lint::RESULT<A, SA, B, SB> result;                                                             \
        typedef hlsgen_lint::INSIDE<A, SA, B, SB> inside;                                                             \
        typedef hlsgen_lint::bits<inside::width, inside::is_signed> word;                                             \
        return result(word(word(a.v) OP word(b.v)));                                                                  \
    }
#define HLSGEN_LINT_OPERATION_WITH(OP, X)                                                                             \
    template <int A, class M, int W = hlsgen_lint::integral<M>::width>                                                \
    constexpr auto operator OP(const X<A>& a, const M& b) {                                                           \
        return a OP typename hlsgen_lint::number<W, hlsgen_lint::integral<M>::is_signed>::type(b);                    \
    }                                                                                                                 \
    template <int A, class M, int W = hlsgen_lint::integral<M>::width>                                                \
    constexpr auto operator OP(const M& a, const X<A>& b) {                                                           \
        return typename hlsgen_lint::number<W, hlsgen_lint::integral<M>::is_signed>::type(a) OP b;                    \
    }
HLSGEN_LINT_OPERATION(+, sum, sum)
HLSGEN_LINT_OPERATION(-, difference, difference)
HLSGEN_LINT_OPERATION(*, product, product)
HLSGEN_LINT_OPERATION(/, quotient, sum)
HLSGEN_LINT_OPERATION(%, remainder, sum)
HLSGEN_LINT_OPERATION(&, same, same)
HLSGEN_LINT_OPERATION(|, same, same)
HLSGEN_LINT_OPERATION(^, same, same)
#undef HLSGEN_LINT_OPERATION
#undef HLSGEN_LINT_OPERATION_OF

#define HLSGEN_LINT_COMPARISON(OP)                                                                                    \
    HLSGEN_LINT_COMPARISON_OF(OP, ap_int, true, ap_int, true)                                                         \
    HLSGEN_LINT_COMPARISON_OF(OP, ap_int, true, ap_uint, false)                                                       \
    HLSGEN_LINT_COMPARISON_OF(OP, ap_uint, false, ap_int, true)                                                       \
    HLSGEN_LINT_COMPARISON_OF(OP, ap_uint, false, ap_uint, false)                                                     \
    HLSGEN_LINT_OPERATION_WITH(OP, ap_int) HLSGEN_LINT_OPERATION_WITH(OP, ap_uint)
#define HLSGEN_LINT_COMPARISON_OF(OP, X, SA, Y, SB)                                                                   \
    template <int A, int B> constexpr bool operator OP(const X<A>& a, const Y<B>& b) {                                \
        typedef hlsgen_lint::common<A, SA, B, SB> both;                                                               \
        typedef hlsgen_lint::bits<both::width, both::is_signed> word;                                                 \
        return word(a.v) OP word(b.v);                                                                                \
    }
HLSGEN_LINT_COMPARISON(<)
HLSGEN_LINT_COMPARISON(>)
HLSGEN_LINT_COMPARISON(<=)
HLSGEN_LINT_COMPARISON(>=)
HLSGEN_LINT_COMPARISON(==)
HLSGEN_LINT_COMPARISON(!=)
#undef HLSGEN_LINT_COMPARISON
#undef HLSGEN_LINT_COMPARISON_OF
#undef HLSGEN_LINT_OPERATION_WITH

#pragma clang attribute pop

#endif
