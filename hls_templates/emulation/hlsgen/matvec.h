// The matrix-vector product of emulation: the same sums as firmware/hlsgen/matvec.h, faster.
//
// All sums are exact modulo 2^32 or 2^64, and the contract says that the total fits sum_t; so the
// order of additions is free and intermediate overflow harmless, except where noted.
// Loops are run-time loops shared by all layers of equal word types: code size does not depend on
// the model. Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/matvec.h>
#endif
#ifndef HLSGEN_MATVEC_H
#define HLSGEN_MATVEC_H

#include <hlsgen/arith.h>
#include <hlsgen/pool.h>

#define HLSGEN_SHARED static __attribute__((noinline, noclone))

namespace hlsgen {
namespace dot {

using lanes::vec;
typedef vec<int32_t> v32;

// acc + low(x) * low(w) + high(x) * high(w), x and w two int16 in every 32-bit lane.
HLSGEN_INLINE v32 multiply_add_pair(v32 acc, v32 x, v32 w) {
#if HLSGEN_SIMD
    return simd::dot(acc, x, w);
#else
    return acc + ((x << 16) >> 16) * ((w << 16) >> 16) + (x >> 16) * (w >> 16);
#endif
}

HLSGEN_INLINE v32 interleave(vec<int16_t> even, vec<int16_t> odd) {
    return (lanes::convert<int32_t, int16_t>(even) & 0xffff) | (lanes::convert<int32_t, int16_t>(odd) << 16);
}
HLSGEN_INLINE v32 pair_of(const int16_t* w) {
    int32_t both;
    __builtin_memcpy(&both, w, 4);
    return lanes::broadcast<int32_t>(both);
}
HLSGEN_INLINE v32 single(const int16_t* w) { return lanes::broadcast<int32_t>(int32_t(uint16_t(*w))); }

// A path computes acc[r] = sum of x[i] * w[r * n + i] for Rows rows.

// int16 x int16 into 32 bits, modulo 2^32.
struct pairs_into_32 {
    typedef int32_t acc_word;
    template <int Rows> HLSGEN_SHARED void rows(const v32* x, const int16_t* w, long n, v32* out) {
        v32 acc[Rows] = {};
        const long pairs = n / 2;
        for (long i = 0; i < pairs; i++)
            for (int r = 0; r < Rows; r++) acc[r] = multiply_add_pair(acc[r], x[i], pair_of(w + r * n + 2 * i));
        if (n % 2)
            for (int r = 0; r < Rows; r++) acc[r] = multiply_add_pair(acc[r], x[pairs], single(w + r * n + n - 1));
        for (int r = 0; r < Rows; r++) out[r] = acc[r];
    }
};

// int16 x int16 into 64 bits. Runs of Run pairs are summed in 32 bits, where they provably fit, and
// then split: `high` sums the upper halves, `total` everything modulo 2^32. The sum of the lower
// halves is below 2^32 for fewer than 2^16 runs, so total and high give it back.
// Run == 1 takes any int16: the one product sum that does not fit, 2^31, does after subtracting 1.
template <int Run> struct pairs_into_64 {
    typedef int64_t acc_word;
    static const long most_inputs = 2 * 65000;
    template <int Rows> HLSGEN_SHARED void rows(const v32* x, const int16_t* w, long n, vec<int64_t>* out) {
        const int32_t offset = Run == 1 ? -1 : 0;
        v32 high[Rows] = {}, total[Rows] = {};
        long runs = 0, i = 0;
        const long pairs = n / 2;
        while (i < pairs) {
            const long end = Run < pairs - i ? i + Run : pairs;
            v32 acc[Rows];
            for (int r = 0; r < Rows; r++) acc[r] = lanes::broadcast<int32_t>(offset);
            for (; i < end; i++)
                for (int r = 0; r < Rows; r++) acc[r] = multiply_add_pair(acc[r], x[i], pair_of(w + r * n + 2 * i));
            for (int r = 0; r < Rows; r++) {
                high[r] += acc[r] >> 16;
                total[r] += acc[r];
            }
            runs++;
        }
        for (int r = 0; r < Rows; r++) {
            if (n % 2) {
                const v32 last = multiply_add_pair(lanes::broadcast<int32_t>(offset), x[pairs], single(w + r * n + n - 1));
                high[r] += last >> 16;
                total[r] += last;
            }
            const vec<uint32_t> low = (vec<uint32_t>)(total[r] - (high[r] << 16));
            out[r] = (lanes::convert<int64_t, int32_t>(high[r]) << 16) + lanes::convert<int64_t, uint32_t>(low) -
                     (runs + n % 2) * int64_t(offset);
        }
    }
};

// Words of any kind into 32 bits, modulo 2^32.
template <class W> struct words_into_32 {
    typedef int32_t acc_word;
    template <int Rows> HLSGEN_SHARED void rows(const v32* x, const W* w, long n, v32* out) {
        v32 acc[Rows] = {};
        for (long i = 0; i < n; i++)
            for (int r = 0; r < Rows; r++) acc[r] += x[i] * int32_t(w[r * n + i]);
        for (int r = 0; r < Rows; r++) out[r] = acc[r];
    }
};

#if HLSGEN_SIMD
const int part_bytes = HLSGEN_SIMD;
#else
const int part_bytes = 16;
#endif
typedef int64_t part64 __attribute__((vector_size(part_bytes), may_alias));

// a * b where both fit 32 bits signed.
HLSGEN_INLINE part64 multiply_narrow(part64 a, part64 b) {
#if HLSGEN_SIMD >= 32
    return simd::multiply_low(a, b);
#else
    return a * b;
#endif
}

// Words of any kind into 64 bits, modulo 2^64. Narrow: inputs and weights fit 32 bits signed.
template <class W, bool Narrow> struct words_into_64 {
    typedef int64_t acc_word;
    static const int parts = 8 * lanes::count / part_bytes;
    template <int Rows> HLSGEN_SHARED void rows(const vec<int64_t>* x, const W* w, long n, vec<int64_t>* out) {
        if constexpr (Rows > 4) {
            rows<4>(x, w, n, out);
            rows<Rows - 4>(x, w + 4 * n, n, out + 4);
        } else {
            part64 acc[Rows][parts] = {};
            const part64* xs = reinterpret_cast<const part64*>(x);
            for (long i = 0; i < n; i++)
                for (int r = 0; r < Rows; r++)
                    for (int p = 0; p < parts; p++) {
                        const part64 weight = part64{} + int64_t(w[r * n + i]);
                        if constexpr (Narrow) acc[r][p] += multiply_narrow(xs[i * parts + p], weight);
                        else acc[r][p] += xs[i * parts + p] * weight;
                    }
            __builtin_memcpy(out, acc, sizeof acc);
        }
    }
};

template <class E, class W> HLSGEN_INLINE E shifted(W value, int shift) {
    return E(uint128(int128(value)) << shift);
}

template <class W> HLSGEN_SHARED int32_t row_sum(const W* w, long n) {
    int32_t sum = 0;
    for (long i = 0; i < n; i++) sum += w[i];
    return sum;
}

// All rows in blocks; every total shifted to sum_t's step, plus its bias.
// Offset: x holds the inputs minus 2^15, so a row's sum of weights is added back.
template <class C, class Path, bool Offset, class X>
HLSGEN_INLINE void all_rows(const X* x, const typename C::weight_word* w, const typename C::bias_word* b,
                            typename C::sum_t* sum) {
    typedef typename Path::acc_word acc_word;
    typedef typename C::sum_t::word word;
    constexpr int product_shift = C::sum_t::frac - C::input_t::frac - C::weight_t::frac;
    constexpr int bias_shift = C::sum_t::frac - C::bias_t::frac;
    vec<acc_word> acc[8];
    for (int j = 0; j < C::n_out;) {
        const int left = C::n_out - j;
        const typename C::weight_word* first = w + long(j) * C::n_in;
        int rows = 1;
        if (left >= 8) Path::template rows<8>(x, first, C::n_in, acc), rows = 8;
        else if (left >= 4) Path::template rows<4>(x, first, C::n_in, acc), rows = 4;
        else if (left >= 2) Path::template rows<2>(x, first, C::n_in, acc), rows = 2;
        else Path::template rows<1>(x, first, C::n_in, acc);
        for (int r = 0; r < rows; r++, j++) {
            typedef typename lanes::element<8 * sizeof(word), true>::type signed_word;
            vec<acc_word> total = acc[r];
            if constexpr (Offset) total += acc_word(row_sum(first + long(r) * C::n_in, C::n_in)) * 32768;
            if constexpr (product_shift > 0 && product_shift < 8 * int(sizeof(acc_word))) total = total << product_shift;
            const signed_word bias = bias_shift < 8 * int(sizeof(word)) ? shifted<signed_word>(b[j], bias_shift) : 0;
            sum[j].V = (vec<word>)(lanes::convert<signed_word, acc_word>(total) + bias);
        }
    }
}

template <class C> void plain(const typename C::input_t* x, const typename C::weight_word* w,
                              const typename C::bias_word* b, typename C::sum_t* sum) {
    for (int j = 0; j < C::n_out; j++) {
        typename C::sum_t total = from_mantissa<typename C::bias_t>(b[j]);
        for (int i = 0; i < C::n_in; i++)
            accumulate(total, x[i] * from_mantissa<typename C::weight_t>(w[long(j) * C::n_in + i]));
        sum[j] = total;
    }
}

// Run lengths worth a separate loop; the longest below what 32 bits prove.
constexpr int run_length(long provable) { return provable >= 64 ? 64 : provable >= 16 ? 16 : provable >= 4 ? 4 : 1; }

}  // namespace dot

template <class C>
void matvec(const typename C::input_t x[C::n_in], const typename C::weight_word w[C::n_in * C::n_out],
            const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
    using namespace dot;
    typedef typename C::input_t T;
    typedef typename C::weight_t weight_t;
    typedef typename T::word input_word;
    typedef typename C::weight_word weight_word;
    constexpr int n = C::n_in;
    constexpr int bytes = sizeof(typename C::sum_t::word);
    static_assert(C::sum_t::frac >= T::frac + weight_t::frac && C::sum_t::frac >= C::bias_t::frac,
                  "matvec: sum_t has a coarser step than a product or the bias");
    // Unsigned 16-bit inputs become signed by subtracting 2^15.
    constexpr bool offset = lanes::same<input_word, uint16_t>::value && n < 65536;
    constexpr bool pairs =
        (lanes::same<input_word, int16_t>::value || offset) && lanes::same<weight_word, int16_t>::value;
    constexpr int magnitude = T::width - (T::is_signed || offset) + weight_t::width - weight_t::is_signed + 1;  // bits of a pair's sum
    constexpr int run = magnitude >= 31 ? 1 : run_length(0x7fffffffl >> magnitude);

    if constexpr (bytes > 8 || (bytes == 8 && pairs && n > pairs_into_64<1>::most_inputs)) {
        plain<C>(x, w, b, sum);
    } else if constexpr (pairs) {
        pool::scratch<v32> memory((n + 1) / 2);
        v32* interleaved = memory.data();
        const auto input = [&](int i) {
            if constexpr (offset) return (vec<int16_t>)(x[i].V ^ uint16_t(0x8000));
            else return x[i].V;
        };
        for (int i = 0; i < n / 2; i++) interleaved[i] = interleave(input(2 * i), input(2 * i + 1));
        if (n % 2) interleaved[n / 2] = lanes::convert<int32_t, int16_t>(input(n - 1)) & 0xffff;
        if constexpr (bytes <= 4) all_rows<C, pairs_into_32, offset>(interleaved, w, b, sum);
        else all_rows<C, pairs_into_64<run>, offset>(interleaved, w, b, sum);
    } else {
        typedef typename lanes::element<(bytes <= 4 ? 32 : 64), true>::type word;
        constexpr bool narrow = T::width + !T::is_signed <= 32 && sizeof(weight_word) <= 4;
        pool::scratch<vec<word> > memory(n);
        vec<word>* widened = memory.data();
        for (int i = 0; i < n; i++) widened[i] = lanes::convert<word, input_word>(x[i].V);
        if constexpr (bytes <= 4) all_rows<C, words_into_32<weight_word>, false>(widened, w, b, sum);
        else all_rows<C, words_into_64<weight_word, narrow>, false>(widened, w, b, sum);
    }
}

}  // namespace hlsgen

#undef HLSGEN_SHARED

#endif
