// From NumPy's numbers to mantissas in lanes.
//
// Arrays are read where they lie: any strides, any dtype of real numbers, either byte order. Formats of up
// to 30 bits take a vectorised way; all else, and every value that way cannot take, is converted exactly
// one by one. Both give the vendor's result of every rounding and overflow mode.
#ifndef HLSGEN_BINDINGS_INPUTS_H
#define HLSGEN_BINDINGS_INPUTS_H

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include <hlsgen/emulate.h>

#include "transpose.h"

namespace hlsgen {
namespace bindings {

constexpr long tile = 64;        // elements of a sample converted at a time
constexpr int fast_width = 30;   // widest format of the vectorised way

// IEEE half precision, which C++ does not know.
struct half {
    uint16_t bits;
    explicit operator float() const {
        const uint32_t sign = uint32_t(bits & 0x8000) << 16, rest = uint32_t(bits & 0x7fff) << 13;
        const bool finite = (bits & 0x7c00) != 0x7c00;
        uint32_t word = sign | (finite ? rest : rest | 0x7f800000);
        float value;
        std::memcpy(&value, &word, sizeof value);
        return finite ? value * 0x1p112f : value;  // the exponents' biases differ by 112; exact for subnormals too
    }
};

template <class T> struct is_real : std::is_floating_point<T> {};
template <> struct is_real<half> : std::true_type {};

enum class kind { f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

// One input array: samples, and the elements of each in row-major order. Steps and offsets are bytes.
struct input_view {
    int port;
    kind type;
    bool swapped;  // bytes in the order that is not the machine's
    const char* data;
    long row_step;
    long column_step;           // from element to element, if that is the same everywhere
    std::vector<long> offsets;  // else of every element

    const char* at(long sample, long element) const {
        return data + sample * row_step + (offsets.empty() ? element * column_step : offsets[size_t(element)]);
    }
};

// The value at p.
template <class T> T read(const input_view& v, const char* p) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, p, sizeof bytes);
    if (v.swapped)
        for (size_t i = 0; i < sizeof bytes / 2; i++) std::swap(bytes[i], bytes[sizeof bytes - 1 - i]);
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

// Calls f with a value of the C type of `k`.
template <class F> auto with_type(kind k, F f) {
    switch (k) {
    case kind::f16: return f(half());
    case kind::f32: return f(float());
    case kind::f64: return f(double());
    case kind::i8: return f(int8_t());
    case kind::i16: return f(int16_t());
    case kind::i32: return f(int32_t());
    case kind::i64: return f(int64_t());
    case kind::u8: return f(uint8_t());
    case kind::u16: return f(uint16_t());
    case kind::u32: return f(uint32_t());
    default: return f(uint64_t());
    }
}

inline int128 largest(const format& f) { return int128(scalar::low_bits(f.width - f.is_signed)); }
inline int128 smallest(const format& f) {
    if (!f.is_signed) return 0;
    return -(int128(1) << (f.width - 1)) + (f.overflow == AP_SAT_SYM && f.width > 1);
}

// What `double` makes of a real sample is exact.
template <class T> double to_double(T sample) {
    if constexpr (std::is_same<T, half>::value) return double(float(sample));
    else return double(sample);
}

template <class T> bool is_nan(T sample) {
    if constexpr (is_real<T>::value) return std::isnan(to_double(sample));
    else return false;
}

// The exact conversion of one value that is not NaN. Infinities saturate whatever the overflow mode.
template <class T> int128 convert_exactly(const format& f, T sample, bool* outside) {
    if constexpr (is_real<T>::value) {
        const double value = to_double(sample);
        if (std::isinf(value)) {
            *outside = true;
            return value > 0 ? largest(f) : smallest(f);
        }
        int frac = 0;
        const int128 mantissa = scalar::decompose(value, &frac);
        return scalar::cast(f, mantissa, frac, outside);
    } else {
        return scalar::cast(f, int128(sample), 0, outside);
    }
}

// What the vectorised way needs to know of a format.
struct quantizer {
    format type;
    bool fast, clips, wraps;
    double scale;
    int32_t low, high;

    explicit quantizer(const format& f)
        : type(f), fast(is_fast(f)), clips(f.overflow == AP_SAT || f.overflow == AP_SAT_SYM),
          wraps(f.overflow == AP_WRAP), scale(fast ? std::ldexp(1.0, f.frac) : 0),
          low(fast ? int32_t(smallest(f)) : 0), high(fast ? int32_t(largest(f)) : 0) {}

private:
    static bool is_fast(const format& f) {
        const bool common = f.overflow == AP_SAT || f.overflow == AP_SAT_SYM || f.overflow == AP_SAT_ZERO ||
                            (f.overflow == AP_WRAP && f.saturation_bits == 0);
        return common && f.width <= fast_width && f.frac >= 0 && f.frac <= 90;
    }
};

typedef int32_t tile_rows[L][tile];  // mantissas: one row for each sample

// As many values as one register holds: g++ takes longer vectors apart.
template <class R> struct registers {
    static const int count = sizeof(R) > sizeof(int32_t) ? L / 2 : L;
    typedef R values __attribute__((vector_size(count * sizeof(R))));
    typedef int32_t words __attribute__((vector_size(count * sizeof(int32_t))));

    // The lanes of a comparison of values.
    template <class M> HLSGEN_INLINE static words mask(M m) {
        if constexpr (sizeof(R) == sizeof(int32_t)) return (words)m;
        else return __builtin_convertvector(m, words);
    }

    // A register of the n values from p on. Beyond the end: zero, which is in the range of every format.
    HLSGEN_INLINE static values load(const char* p, long n) {
        values y;
        if (n >= count) {
            std::memcpy(&y, p, sizeof y);
            return y;
        }
        R some[count] = {};
        if (n > 0) std::memcpy(some, p, size_t(n) * sizeof(R));
        std::memcpy(&y, some, sizeof y);
        return y;
    }

    // Adds up all lanes, from memory: a lane picked by a variable would keep the vector there all along.
    static long total(words v) {
        int32_t lanes[count];
        std::memcpy(lanes, &v, sizeof lanes);
        long sum = 0;
        for (int l = 0; l < count; l++) sum += lanes[l];
        return sum;
    }
};

// y truncated, with the steps that rounding by Q adds.
template <int Q, class R> HLSGEN_INLINE typename registers<R>::words round_by(typename registers<R>::values y) {
    typedef registers<R> reg;
    typedef typename reg::values values;
    typedef typename reg::words words;
    words m = __builtin_convertvector(y, words);
    if constexpr (Q == AP_TRN_ZERO) return m;
    const values rest = y - __builtin_convertvector(m, values);  // exact
    if constexpr (Q == AP_TRN) return reg::mask(rest < R(0)) ? m - 1 : m;
    const R half_step = R(0.5);
    const auto up = Q == AP_RND || Q == AP_RND_INF ? rest >= half_step : rest > half_step;
    const auto down = Q == AP_RND_INF || Q == AP_RND_MIN_INF ? rest <= -half_step : rest < -half_step;
    words ups = reg::mask(up), downs = reg::mask(down);
    if constexpr (Q == AP_RND_CONV) {
        const words odd = -(m & 1);
        ups |= odd & reg::mask(rest == half_step);
        downs |= odd & reg::mask(rest == -half_step);
    }
    m = ups ? m + 1 : m;
    return downs ? m - 1 : m;
}

// What the values of a tile were like: lanes that this way cannot take, and how many were out of range.
template <class R> struct findings {
    typename registers<R>::words unusable{}, outside{};
};

// The mantissas of a register of values times 2^frac, rounded by Q and brought into range.
template <int Q, class R>
HLSGEN_INLINE typename registers<R>::words quantize(const quantizer& q, typename registers<R>::values y, findings<R>& met) {
    typedef registers<R> reg;
    typedef typename reg::values values;
    typedef typename reg::words words;
    const values limit = values{} + R(1 << fast_width);
    const words low = words{} + q.low, high = words{} + q.high;
    if (q.clips) {
        met.unusable |= reg::mask(y != y);
        y = y < limit ? y : limit;
        y = y > -limit ? y : -limit;
        const words m = round_by<Q, R>(y);
        words fitted = m < high ? m : high;
        fitted = fitted > low ? fitted : low;
        met.outside = fitted != m ? met.outside + 1 : met.outside;
        return fitted;
    }
    const auto usable = (y >= -limit) & (y <= limit);  // false for NaN
    met.unusable |= ~reg::mask(usable);
    const words m = round_by<Q, R>(usable ? y : values{});
    const words beyond = (m > high) | (m < low);
    met.outside -= beyond;
    if (!q.wraps) return m & ~beyond;  // AP_SAT_ZERO
    const int spare = 32 - q.type.width;
    return q.type.is_signed ? (m << spare) >> spare : m & high;
}

// n <= tile values side by side in each row, the rows row_step bytes apart; they may be unaligned. Whole blocks
// of L are written. False if some value must be converted exactly.
template <int Q, class R>
bool quantize_rows(const quantizer& given, const char* p, long row_step, int samples, long n, tile_rows& out, long* outside) {
    typedef registers<R> reg;
    const quantizer q = given;
    const typename reg::values scale = typename reg::values{} + R(q.scale);
    // What is read next: the following tile, or the following samples. There need not be any.
    const long ahead = n == tile ? tile * long(sizeof(R)) : L * row_step;
    findings<R> met;
    for (int l = 0; l < samples; l++, p += row_step)
        for (long i = 0; i < (n + L - 1) / L * L; i += reg::count) {
            const char* from = p + i * long(sizeof(R));
            __builtin_prefetch(from + ahead);
            // Exact: the scale is a power of two, and nothing becomes subnormal.
            const typename reg::words m = quantize<Q, R>(q, reg::load(from, n - i) * scale, met);
            std::memcpy(&out[l][i], &m, sizeof m);
        }
    if (reg::total(met.unusable) != 0) return false;
    *outside += reg::total(met.outside);
    return true;
}

template <class R>
bool quantize_rows(const quantizer& q, const char* p, long row_step, int samples, long n, tile_rows& out, long* outside) {
    switch (q.type.rounding) {
    case AP_RND: return quantize_rows<AP_RND, R>(q, p, row_step, samples, n, out, outside);
    case AP_RND_ZERO: return quantize_rows<AP_RND_ZERO, R>(q, p, row_step, samples, n, out, outside);
    case AP_RND_MIN_INF: return quantize_rows<AP_RND_MIN_INF, R>(q, p, row_step, samples, n, out, outside);
    case AP_RND_INF: return quantize_rows<AP_RND_INF, R>(q, p, row_step, samples, n, out, outside);
    case AP_RND_CONV: return quantize_rows<AP_RND_CONV, R>(q, p, row_step, samples, n, out, outside);
    case AP_TRN_ZERO: return quantize_rows<AP_TRN_ZERO, R>(q, p, row_step, samples, n, out, outside);
    default: return quantize_rows<AP_TRN, R>(q, p, row_step, samples, n, out, outside);
    }
}

// The float type in which the vectorised way holds every T exactly (64-bit integers below 2^53, see usable_in).
template <class T>
using real_of = typename std::conditional<std::is_same<T, float>::value || sizeof(T) <= 2, float, double>::type;

template <class T> bool usable_in_double(T x) {
    if constexpr (sizeof(T) == 8 && !is_real<T>::value)
        return int128(x) < int128(1) << 53 && int128(x) > -(int128(1) << 53);
    else return true;
}

// n <= tile elements of the samples, from `first` on.
template <class T>
bool convert_fast(const quantizer& q, const input_view& v, long sample, int samples, long first, long n, tile_rows& out,
                  long* outside) {
    typedef real_of<T> R;
    if (std::is_same<T, R>::value && !v.swapped && v.offsets.empty() && v.column_step == long(sizeof(T)))
        return quantize_rows<R>(q, v.at(sample, first), v.row_step, samples, n, out, outside);
    R values[L][tile];
    bool usable = true;
    for (int l = 0; l < samples; l++)
        for (long i = 0; i < n; i++) {
            const T x = read<T>(v, v.at(sample + l, first + i));
            usable &= usable_in_double<T>(x);
            values[l][i] = R(x);
        }
    return usable && quantize_rows<R>(q, reinterpret_cast<const char*>(values), sizeof values[0], samples, n, out, outside);
}

// Where a NaN was found.
struct bad_value {
    int port;
    long sample, element;
};

// n elements of one sample from `first` on. Throws bad_value.
inline void convert_all_exactly(const format& f, const input_view& v, long sample, long first, long n, int128* out,
                                long* outside) {
    with_type(v.type, [&](auto value) {
        typedef decltype(value) T;
        for (long i = 0; i < n; i++) {
            bool clipped = false;
            const T x = read<T>(v, v.at(sample, first + i));
            if (is_nan(x)) throw bad_value{v.port, sample, first + i};
            out[i] = convert_exactly<T>(f, x, &clipped);
            *outside += clipped;
        }
    });
}

// n elements of L samples in rows, to n vectors of words.
template <class W> void turn_rows(const tile_rows& rows, long n, W* out) {
    for (long i = 0; i < n; i += L) {
        vec<int32_t> block[L];
        for (int l = 0; l < L; l++) std::memcpy(&block[l], &rows[l][i], sizeof block[l]);
        transpose<int32_t>(block);
        const long here = n - i < L ? n - i : L;
        for (long k = 0; k < here; k++) {
            const vec<W> words = lanes::convert<W, int32_t>(block[k]);
            std::memcpy(out + (i + k) * L, &words, sizeof words);
        }
    }
}

// n <= tile elements of the samples, in rows, of a format that the vectorised way takes. Throws bad_value.
inline void convert_tile(const quantizer& q, const input_view& v, long sample, int samples, long first, long n,
                         tile_rows& rows, long* outside) {
    if (with_type(v.type, [&](auto value) {
            return convert_fast<decltype(value)>(q, v, sample, samples, first, n, rows, outside);
        }))
        return;
    std::memset(rows, 0, sizeof rows);
    int128 exact[tile];
    for (int l = 0; l < samples; l++) {
        convert_all_exactly(q.type, v, sample + l, first, n, exact, outside);
        for (long i = 0; i < n; i++) rows[l][i] = int32_t(exact[i]);
    }
}

// n <= tile elements of the samples, to lanes of any format.
template <class W>
void fill_exactly(const format& f, const input_view& v, long sample, int samples, long first, long n, W* out, long* outside) {
    int128 exact[tile];
    for (int l = 0; l < L; l++) {
        if (l < samples) convert_all_exactly(f, v, sample + l, first, n, exact, outside);
        for (long i = 0; i < n; i++) out[i * L + l] = W(exact[i]);
    }
}

// Elements first .. first + n - 1 of the samples from `sample` on, to lanes; the last of fewer than L samples is
// repeated. `outside` counts values out of range. Throws bad_value.
template <class W>
void fill_lanes(const quantizer& q, const input_view& v, long sample, int samples, long first, long n, W* out, long* outside) {
    alignas(64) tile_rows rows;
    for (long start = 0; start < n; start += tile) {
        const long here = n - start < tile ? n - start : tile;
        if (!q.fast) {
            fill_exactly<W>(q.type, v, sample, samples, first + start, here, out + start * L, outside);
            continue;
        }
        convert_tile(q, v, sample, samples, first + start, here, rows, outside);
        for (int l = samples; l < L; l++) std::memcpy(rows[l], rows[samples - 1], sizeof rows[l]);
        turn_rows<W>(rows, here, out + start * L);
    }
}

}  // namespace bindings
}  // namespace hlsgen

#endif
