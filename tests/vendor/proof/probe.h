// One operation of fixed-point types on arrays of values: the same text for the vendor's headers and for hlsgen's.
//
// A word is the mantissa in an int64_t, or in an __int128 where a type of the operation is wider than 64 bits.
#include <stdint.h>

#include <hlsgen/arith.h>

__extension__ typedef __int128 wide_word;
__extension__ typedef unsigned __int128 unsigned_wide_word;

struct probe {
    void (*run)(const void* a, const void* b, void* out, long n);
    int width, integer, is_signed;  // of the result
};

struct nothing {};  // the second operand of a unary operation

// What a result is.
template <class R> struct shape {  // a truth or a floating-point number
    static const int width = 1, integer = 1, is_signed = 0;
};
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, int N> struct shape<ap_fixed_base<W, I, S, Q, O, N> > {
    static const int width = W, integer = I, is_signed = S;
};
#ifdef VENDOR
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct shape<ap_fixed<W, I, Q, O, N> > {
    static const int width = W, integer = I, is_signed = 1;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct shape<ap_ufixed<W, I, Q, O, N> > {
    static const int width = W, integer = I, is_signed = 0;
};
#endif

#ifdef VENDOR
const int lane_count = 1;

template <bool Wide> struct access;
template <> struct access<false> {
    template <class T> static void put(T& t, wide_word v) { t.V = (long long)v; }
    template <class T> static wide_word get(const T& t) { return (wide_word)t.V.get_VAL(); }
};
template <> struct access<true> {
    template <class T> static void put(T& t, wide_word v) {
        t.range(63, 0) = (unsigned long long)v;
        t.range(T::width - 1, 64) = (unsigned long long)(v >> 64);
    }
    template <class T> static wide_word get(const T& t) {
        unsigned_wide_word v = t.range(63, 0).to_uint64();
        v |= (unsigned_wide_word)t.range(T::width - 1, 64).to_uint64() << 64;
        const int spare = 128 - T::width;
        return shape<T>::is_signed ? wide_word(v << spare) >> spare : wide_word(v);
    }
};

// ap_fixed and ap_ufixed.
template <class T> struct operand {
    template <class Word> static T load(const Word* in, int) {
        T t;
        access<(T::width > 64)>::put(t, *in);
        return t;
    }
    template <class Word> static void store(const T& t, Word* out, int) { *out = (Word)access<(T::width > 64)>::get(t); }
};
template <> struct operand<bool> {
    template <class Word> static bool load(const Word* in, int) { return *in != 0; }
    template <class Word> static void store(bool answer, Word* out, int) { *out = answer; }
};
template <class T> struct lane_step { static const int value = 1; };
#else
const int lane_count = hlsgen::lanes::count;

template <class E> void lanes_to_words(hlsgen::lanes::vec<E> v, wide_word* out, int step) {
    for (int l = 0; l < step; l++) out[l] = (wide_word)v[l];
}
template <class E> void lanes_to_words(hlsgen::lanes::vec<E> v, int64_t* out, int step) {
    if (step == 1) {
        *out = (int64_t)v[0];
        for (int l = 1; l < lane_count; l++)
            if (v[l] != v[0]) *out = 0x5ca1ab1e5ca1ab1e;  // an operand that is a scalar gives equal lanes
    } else {
        const auto words = hlsgen::lanes::convert<int64_t, E>(v);
        __builtin_memcpy(out, &words, sizeof words);
    }
}

// ap_fixed and ap_ufixed: as many values as there are lanes, or one value in all lanes.
template <class T> struct operand {
    typedef typename T::word word;
    static T load(const int64_t* in, int step) {
        if (step == 1) return T(hlsgen::lanes::broadcast<word>((word)*in), 0);
        hlsgen::lanes::vec<int64_t> words;
        __builtin_memcpy(&words, in, sizeof words);
        return T(hlsgen::lanes::convert<word, int64_t>(words), 0);
    }
    static T load(const wide_word* in, int step) {
        T t;
        for (int l = 0; l < lane_count; l++) t.V[l] = (word)in[step == 1 ? 0 : l];
        return t;
    }
    template <class Word> static void store(const T& t, Word* out, int step) { lanes_to_words<word>(t.V, out, step); }
};
template <int Bits> struct operand<hlsgen::lanes::mask<Bits> > {
    typedef hlsgen::lanes::mask<Bits> mask;
    template <class Word> static void store(const mask& m, Word* out, int step) {
        lanes_to_words<typename mask::word>(-m.V, out, step);
    }
};
template <class T> struct lane_step { static const int value = lane_count; };
#endif

template <> struct operand<nothing> {
    template <class Word> static nothing load(const Word*, int) { return nothing(); }
};
template <> struct operand<double> {
    template <class Word> static double load(const Word* in, int) {
        const int64_t bits = (int64_t)*in;
        double value;
        __builtin_memcpy(&value, &bits, 8);
        return value;
    }
    template <class Word> static void store(double value, Word* out, int) {
        int64_t bits;
        __builtin_memcpy(&bits, &value, 8);
        *out = bits;
    }
};
template <> struct operand<float> {  // travels as a double
    template <class Word> static float load(const Word* in, int) { return (float)operand<double>::load(in, 1); }
    template <class Word> static void store(float value, Word* out, int) { operand<double>::store(value, out, 1); }
};
#define NATIVE_INTEGER(type)                                                                   \
    template <> struct operand<type> {                                                         \
        template <class Word> static type load(const Word* in, int) { return (type)*in; }      \
    };                                                                                         \
    template <> struct lane_step<type> { static const int value = 1; };
#ifndef VENDOR
NATIVE_INTEGER(bool)
#endif
NATIVE_INTEGER(char)
NATIVE_INTEGER(signed char)
NATIVE_INTEGER(unsigned char)
NATIVE_INTEGER(short)
NATIVE_INTEGER(unsigned short)
NATIVE_INTEGER(int)
NATIVE_INTEGER(unsigned int)
NATIVE_INTEGER(long)
NATIVE_INTEGER(unsigned long)
NATIVE_INTEGER(long long)
NATIVE_INTEGER(unsigned long long)
NATIVE_INTEGER(wide_word)
template <> struct lane_step<double> { static const int value = 1; };
template <> struct lane_step<float> { static const int value = 1; };

template <class Operation, class Word> void run_probe(const void* a, const void* b, void* out, long n) {
    typedef typename Operation::first A;
    typedef typename Operation::second B;
    const int step = lane_step<A>::value < lane_step<B>::value ? lane_step<A>::value : lane_step<B>::value;
    for (long i = 0; i < n; i += step) {
        const A x = operand<A>::load((const Word*)a + i, step);
        const B y = operand<B>::load((const Word*)b + i, step);
        const auto r = Operation::apply(x, y);
        typedef decltype(Operation::apply(x, y)) R;
        operand<R>::store(r, (Word*)out + i, step);
    }
}

template <class Operation, class Word> struct entry {
    typedef decltype(Operation::apply(typename Operation::first(), typename Operation::second())) result;
    static constexpr probe value() {
        return probe{run_probe<Operation, Word>, shape<result>::width, shape<result>::integer, shape<result>::is_signed};
    }
};

#define UNARY(name, expression)                                                       \
    template <class A> struct name {                                                  \
        typedef A first;                                                              \
        typedef nothing second;                                                       \
        static auto apply(const A& a, nothing) -> decltype(expression) { return expression; } \
    };
#define BINARY(name, expression)                                                      \
    template <class A, class B> struct name {                                         \
        typedef A first;                                                              \
        typedef B second;                                                             \
        static auto apply(const A& a, const B& b) -> decltype(expression) { return expression; } \
    };
// Assignments to A, whose modes apply.
#define ASSIGNMENT(name, statement)                                                   \
    template <class A, class B> struct name {                                         \
        typedef A first;                                                              \
        typedef B second;                                                             \
        static A apply(A a, const B& b) {                                             \
            statement;                                                                \
            return a;                                                                 \
        }                                                                             \
    };
BINARY(add, a + b)
BINARY(subtract, a - b)
BINARY(multiply, a * b)
BINARY(less, a < b)
BINARY(less_equal, a <= b)
BINARY(greater, a > b)
BINARY(greater_equal, a >= b)
BINARY(equal, a == b)
BINARY(not_equal, a != b)
BINARY(shift_left, a << b)
BINARY(shift_right, a >> b)
BINARY(minimum, hlsgen::select(a < b, a, b))
UNARY(negate, -a)
ASSIGNMENT(add_assign, a += b)
ASSIGNMENT(subtract_assign, a -= b)
ASSIGNMENT(multiply_assign, a *= b)

template <class From, class To> struct convert {
    typedef From first;
    typedef nothing second;
    static To apply(const From& from, nothing) { return To(from); }
};
// A value that was there before: assignment, not construction.
template <class From, class To> struct assign {
    typedef From first;
    typedef nothing second;
    static To apply(const From& from, nothing) {
        To to = To(0);
        to = from;
        return to;
    }
};
// The kernels' own words (hlsgen/arith.h).
template <class From, class To> struct kernel_cast {
    typedef From first;
    typedef nothing second;
    static To apply(const From& from, nothing) { return hlsgen::cast<To>(from); }
};
template <class T> struct raw {
    typedef long long first;
    typedef nothing second;
    typedef hlsgen::mantissa<T::width, hlsgen::traits<T>::is_signed> word;
    static T apply(long long bits, nothing) { return hlsgen::from_mantissa<T>((word)bits); }
};
template <class T, class R> struct table {
    typedef T first;
    typedef nothing second;
    typedef hlsgen::mantissa<R::width, hlsgen::traits<R>::is_signed> word;
    struct rom {
        word data[1 << T::width];
        rom() {
            const int spare = 64 - R::width;
            for (uint64_t i = 0; i < sizeof data / sizeof *data; i++) {
                const uint64_t bits = (i * 0x9e3779b97f4a7c15 + 12345) << spare;
                data[i] = hlsgen::traits<R>::is_signed ? (word)((int64_t)bits >> spare) : (word)(bits >> spare);
            }
        }
    };
    static R apply(const T& x, nothing) {
        static const rom memory;
        return hlsgen::lookup<R>(memory.data, x);
    }
};
// a + a*b + b in an accumulator that holds it.
template <class Acc, class A, class B> struct accumulation {
    typedef A first;
    typedef B second;
    static Acc apply(const A& a, const B& b) {
        Acc sum = hlsgen::cast<Acc>(a);
        hlsgen::accumulate(sum, a * b);
        hlsgen::accumulate(sum, b);
        return sum;
    }
};
#ifdef VENDOR
UNARY(to_double, a.to_double())
UNARY(to_float, a.to_float())
#endif
