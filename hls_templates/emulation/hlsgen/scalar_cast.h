// The cast of one exact number to a fixed-point type known at run time.
//
// Semantics of every mode are the vendor's; tests/vendor proves it. Used for constants and for
// the input values the vectorised conversion does not take.
#ifndef HLSGEN_SCALAR_CAST_H
#define HLSGEN_SCALAR_CAST_H

#include <stdint.h>

// The vendor's enumerations, with its names and order.
enum ap_q_mode { AP_RND, AP_RND_ZERO, AP_RND_MIN_INF, AP_RND_INF, AP_RND_CONV, AP_TRN, AP_TRN_ZERO };
enum ap_o_mode { AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP, AP_WRAP_SM };

namespace hlsgen {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

// A fixed-point type; `frac` bits right of the binary point.
struct format {
    int width, frac;
    bool is_signed;
    int rounding, overflow, saturation_bits;
};

namespace scalar {

inline uint128 low_bits(int n) { return n <= 0 ? 0 : n >= 128 ? ~uint128(0) : (uint128(1) << n) - 1; }

inline int bit_length(uint128 v) {
    const uint64_t high = uint64_t(v >> 64), low = uint64_t(v);
    return high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
}

inline bool rounds_up(int mode, bool half, bool rest, bool negative, bool odd) {
    switch (mode) {
    case AP_RND: return half;
    case AP_RND_ZERO: return half && (negative || rest);
    case AP_RND_MIN_INF: return half && rest;
    case AP_RND_INF: return half && (!negative || rest);
    case AP_RND_CONV: return half && (odd || rest);
    case AP_TRN_ZERO: return negative && (half || rest);
    default: return false;
    }
}

// Bits of a value outside the range, for the modes that neither clip nor drop bits.
// `deleted` is the lowest bit that does not fit, before rounding: the vendor's definition.
inline uint128 wrap_bits(const format& f, uint128 bits, bool negative, bool deleted) {
    const int w = f.width, n = f.saturation_bits;
    const uint128 sign = uint128(1) << (w - 1);
    const uint128 guard = f.is_signed ? low_bits(w - 1) & ~low_bits(w - n) : low_bits(w) & ~low_bits(w - n);
    if (f.overflow == AP_WRAP && n == 0) return bits;
    if (!f.is_signed) return bits | guard;
    if (f.overflow == AP_WRAP_SM) {
        const bool top = (bits & sign) != 0;
        if (n == 0) {
            if (deleted == top) return bits;
            return (~bits & ~sign) | (deleted ? sign : 0);
        }
        const bool flip = n == 1 ? negative != top : negative == (((bits >> (w - n)) & 1) != 0);
        if (flip) bits = ~bits;
    }
    bits = negative ? bits & ~guard : bits | guard;
    return negative ? bits | sign : bits & ~sign;
}

// The mantissa's bits of `value * 2**-frac` cast to `f`; the low `f.width` bits, sign-extended if signed.
// `value` is in two's complement if `source_signed`. `outside` tells whether the rounded value was out of range.
inline int128 cast_bits(const format& f, uint128 value, bool source_signed, int frac, bool* outside = nullptr) {
    const int shift = frac - f.frac;
    const bool source_negative = source_signed && int128(value) < 0;
    bool negative = source_negative;
    uint128 bits;
    int length;  // bits of the magnitude
    if (shift > 0) {
        const bool far = shift > 127;
        const uint128 sign_only = negative ? ~uint128(0) : 0;
        const uint128 down = far ? sign_only : negative ? uint128(int128(value) >> shift) : value >> shift;
        const uint128 dropped = value & (far ? ~uint128(0) : low_bits(shift));
        const bool half = shift > 128 ? negative : ((dropped >> (shift - 1)) & 1) != 0;
        const bool rest = (dropped & low_bits(shift - 1)) != 0;
        bits = down + rounds_up(f.rounding, half, rest, negative, (down & 1) != 0);
        negative = negative && int128(bits) < 0;
        length = bit_length(negative ? -bits : bits);
    } else {
        bits = -shift > 127 ? 0 : value << -shift;
        length = value == 0 ? 0 : bit_length(negative ? -value : value) - shift;
    }
    const auto source_bit = [&](int i) {
        return i > 127 ? source_negative : i >= 0 && ((value >> i) & 1) != 0;
    };
    const int w = f.width;
    bool over = !negative && length > w - f.is_signed;
    bool under = negative && (!f.is_signed || length > w ||
                              (length == w && (bits & low_bits(w - 1)) != 0));
    if (f.overflow == AP_SAT_SYM && f.is_signed && w > 1 && negative && length == w) under = true;
    if (outside) *outside = over || under;
    if (over || under) {
        const uint128 sign = uint128(1) << (w - 1);
        switch (f.overflow) {
        case AP_SAT_ZERO: bits = 0; break;
        case AP_SAT:
        case AP_SAT_SYM:
            if (over) bits = f.is_signed ? ~sign : ~uint128(0);
            else bits = f.is_signed ? sign | (f.overflow == AP_SAT_SYM ? 1 : 0) : 0;
            break;
        default:
            bits = wrap_bits(f, bits & low_bits(w), negative, source_bit(w + shift));
        }
    }
    bits &= low_bits(w);
    if (f.is_signed && w < 128 && ((bits >> (w - 1)) & 1)) bits |= ~low_bits(w);
    return int128(bits);
}

inline int128 cast(const format& f, int128 value, int frac, bool* outside = nullptr) {
    return cast_bits(f, uint128(value), true, frac, outside);
}

// `x` as an exact integer times 2**-frac; x must be finite.
inline int128 decompose(double x, int* frac) {
    uint64_t word;
    __builtin_memcpy(&word, &x, 8);
    const int exponent = int(word >> 52) & 2047;
    const int64_t magnitude = int64_t(word & 0xfffffffffffffull) | (exponent ? int64_t(1) << 52 : 0);
    *frac = 1075 - (exponent ? exponent : 1);
    return word >> 63 ? -magnitude : magnitude;
}

}  // namespace scalar
}  // namespace hlsgen

#endif
