// From mantissas in lanes to NumPy's numbers.
#ifndef HLSGEN_BINDINGS_OUTPUTS_H
#define HLSGEN_BINDINGS_OUTPUTS_H

#include <cmath>
#include <cstring>

#include <hlsgen/emulate.h>

#include "transpose.h"

namespace hlsgen {
namespace bindings {

enum class form { f32, f64, raw, raw_pair };

// One output array of shape (samples, elements), contiguous.
struct output_view {
    form type;
    void* data;   // float, double, int64_t, or the upper halves
    void* lower;  // uint64_t, of raw_pair only
};

// float32 where its 24 bits and its exponents hold the format.
inline form output_form(const format& f, bool raw) {
    if (raw) return f.width > 63 ? form::raw_pair : form::raw;
    const bool narrow = f.width - f.is_signed <= 24 && f.frac <= 126 && f.width - f.frac <= 127;
    return narrow ? form::f32 : form::f64;
}

// 2^-frac, as a factor where it is a normal number.
struct scaling {
    int frac;
    bool plain;
    double factor;
    explicit scaling(int bits) : frac(bits), plain(bits > -900 && bits < 900), factor(plain ? std::ldexp(1.0, -bits) : 0) {}
};

template <class T, class W> T value_of(W word, const scaling& s) {
    if constexpr (std::is_integral<T>::value) return T(word);
    else if (std::is_same<T, float>::value) return T(word) * T(s.factor);
    else return s.plain ? T(word) * T(s.factor) : T(std::ldexp(T(word), -s.frac));
}

// n elements of the first `samples` lanes, to rows `elements` apart.
template <class T, class W> void drain_lanes(const W* in, long n, int samples, T* out, long elements, const scaling& s) {
    long i = 0;
    if constexpr (sizeof(W) <= 4) {
        typedef typename lanes::element<32, (W(-1) < W(0))>::type word;
        for (; s.plain && i + L <= n; i += L) {
            vec<word> block[L];
            for (int k = 0; k < L; k++) {
                vec<W> words;
                std::memcpy(&words, in + (i + k) * L, sizeof words);
                block[k] = lanes::convert<word, W>(words);
            }
            transpose<word>(block);
            for (int l = 0; l < samples; l++) {
                vec<T> values = __builtin_convertvector(block[l], vec<T>);
                if constexpr (!std::is_integral<T>::value) values *= T(s.factor);
                std::memcpy(out + l * elements + i, &values, sizeof values);
            }
        }
    }
    for (; i < n; i++)
        for (int l = 0; l < samples; l++) out[l * elements + i] = value_of<T>(in[i * L + l], s);
}

template <class W> void drain_pairs(const W* in, long n, int samples, int64_t* upper, uint64_t* lower, long elements) {
    for (int l = 0; l < samples; l++)
        for (long i = 0; i < n; i++) {
            const uint128 bits = uint128(in[i * L + l]);
            upper[l * elements + i] = int64_t(uint64_t(bits >> 64));
            lower[l * elements + i] = uint64_t(bits);
        }
}

// Elements first .. first + n - 1 of the samples from `sample` on, from lanes.
template <class W> void drain_to(const emu::port& p, const output_view& v, long sample, int samples, long first, long n,
                                 const W* in) {
    const scaling s(p.type.frac);
    const long at = sample * p.elements + first;
    switch (v.type) {
    case form::f32: return drain_lanes<float>(in, n, samples, static_cast<float*>(v.data) + at, p.elements, s);
    case form::f64: return drain_lanes<double>(in, n, samples, static_cast<double*>(v.data) + at, p.elements, s);
    case form::raw: return drain_lanes<int64_t>(in, n, samples, static_cast<int64_t*>(v.data) + at, p.elements, s);
    case form::raw_pair:
        return drain_pairs(in, n, samples, static_cast<int64_t*>(v.data) + at, static_cast<uint64_t*>(v.lower) + at,
                           p.elements);
    }
}

}  // namespace bindings
}  // namespace hlsgen

#endif
