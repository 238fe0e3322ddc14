// Real values to the words of a port, and back. Written by hlsgen.
//
// Elements of a word lie side by side without gaps, element 0 in the lowest bits, zeros above the last; a word lies in
// memory with its lowest byte first. An element is an integer mantissa in two's complement (unsigned types: plain).
#ifndef BOARD_PACKING_H
#define BOARD_PACKING_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace board {

// An element's bits as an integer. The widest type has 120.
__extension__ typedef __int128 Mantissa;
__extension__ typedef unsigned __int128 Bits;

enum class Rounding { RND, RND_MIN_INF, RND_ZERO, RND_INF, RND_CONV, TRN, TRN_ZERO };
enum class Overflow { WRAP, SAT, SAT_ZERO, SAT_SYM, WRAP_SM };  // WRAP_SM of outputs alone, which are not made here

// What a port carries a sample: `words` of `elements` elements in `bits` bits, each of `width` bits. An element holds
// the real value times 2**fraction, of inputs with exponents also times 2**exponents[c] for channel c (the last axis).
struct Port {
    const char* name;
    std::size_t size;  // elements of a sample
    int width, fraction;
    bool is_signed;
    Rounding rounding;
    Overflow overflow;
    std::size_t elements, bits, words;
    std::vector<int> exponents;

    std::size_t bytes() const { return words * bits / 8; }

    Mantissa high() const { return (Mantissa(1) << (width - is_signed)) - 1; }

    // One bit keeps -1 where others are symmetric.
    Mantissa low() const { return is_signed ? -high() - (overflow == Overflow::SAT_SYM && width > 1 ? 0 : 1) : 0; }
};

// A whole number, or an infinity.
inline double rounded(Rounding mode, double x) {
    const double nearest = std::rint(x);
    const bool tie = std::isfinite(x) && std::fabs(x - nearest) == 0.5;
    switch (mode) {
        case Rounding::TRN: return std::floor(x);
        case Rounding::TRN_ZERO: return std::trunc(x);
        case Rounding::RND: return tie ? std::ceil(x) : nearest;
        case Rounding::RND_MIN_INF: return tie ? std::floor(x) : nearest;
        case Rounding::RND_ZERO: return tie ? std::trunc(x) : nearest;
        case Rounding::RND_INF: return tie ? std::copysign(std::ceil(std::fabs(x)), x) : nearest;
        case Rounding::RND_CONV: break;
    }
    return nearest;
}

// The lowest bits of a port's width as the number they stand for.
inline Mantissa number(const Port& port, Bits bits) {
    const Bits sign = Bits(1) << (port.width - 1);
    bits &= (sign << 1) - 1;
    return port.is_signed && (bits & sign) ? Mantissa(bits) - Mantissa(sign << 1) : Mantissa(bits);
}

// A whole number within the port's type; infinities become the ends of its range whatever the overflow mode.
inline Mantissa limited(const Port& port, double whole) {
    const Mantissa low = port.low(), high = port.high();
    const bool is_far = std::fabs(whole) >= std::ldexp(1.0, 124);  // beyond every type
    const Mantissa near = is_far ? 0 : Mantissa(whole);
    const bool is_above = is_far ? whole > 0 : near > high, is_below = is_far ? whole < 0 : near < low;
    if (!is_above && !is_below) return near;
    if (port.overflow == Overflow::SAT_ZERO && std::isfinite(whole)) return 0;
    if (port.overflow == Overflow::WRAP && std::isfinite(whole))
        return number(port, Bits(Mantissa(std::fmod(whole, std::ldexp(1.0, port.width)))));
    return is_above ? high : low;
}

// A real value of element `i` of a sample as a mantissa. Throws std::invalid_argument for NaN.
inline Mantissa quantize(const Port& port, double x, std::size_t i) {
    if (std::isnan(x)) throw std::invalid_argument(std::string(port.name) + ": a value is NaN, and fixed point has none");
    const int shift = port.fraction + (port.exponents.empty() ? 0 : port.exponents[i % port.exponents.size()]);
    const double speck = std::ldexp(1.0, -10), giant = std::ldexp(1.0, 1000);  // as is what is smaller, and larger
    double scaled = std::ldexp(x, shift);
    if (x != 0 && std::fabs(scaled) < speck) scaled = std::copysign(speck, x);
    if (std::isfinite(x) && std::fabs(scaled) > giant) scaled = std::copysign(giant, x);
    return limited(port, rounded(port.rounding, scaled));
}

// The real value of a mantissa of an output.
inline double real(const Port& port, Mantissa mantissa) { return std::ldexp(double(mantissa), -port.fraction); }

// The mantissas of a sample as the bytes of its words.
inline void pack(const Port& port, const Mantissa* mantissas, unsigned char* bytes) {
    const std::size_t width = std::size_t(port.width);
    for (std::size_t b = 0; b < port.bytes(); b++) bytes[b] = 0;
    for (std::size_t i = 0; i < port.size; i++) {
        const std::size_t first = i / port.elements * port.bits + i % port.elements * width;
        const Bits bits = Bits(mantissas[i]);
        for (std::size_t done = 0; done < width;) {
            const std::size_t place = (first + done) % 8, taken = std::min(8 - place, width - done);
            const unsigned part = unsigned(bits >> done) & ((1u << taken) - 1);
            bytes[(first + done) / 8] = static_cast<unsigned char>(bytes[(first + done) / 8] | part << place);
            done += taken;
        }
    }
}

// The reverse. Throws std::runtime_error for bits above the elements of a word.
inline void unpack(const Port& port, const unsigned char* bytes, Mantissa* mantissas) {
    const std::size_t width = std::size_t(port.width), used = port.elements * width;
    for (std::size_t w = 0; w < port.words; w++)
        for (std::size_t b = used; b < port.bits; b++)
            if (bytes[(w * port.bits + b) / 8] >> b % 8 & 1)
                throw std::runtime_error(std::string(port.name) + ": bits above the elements of a word are set; the binary is of another project");
    for (std::size_t i = 0; i < port.size; i++) {
        const std::size_t first = i / port.elements * port.bits + i % port.elements * width;
        Bits bits = 0;
        for (std::size_t done = 0; done < width;) {
            const std::size_t place = (first + done) % 8, taken = std::min(8 - place, width - done);
            bits |= Bits(bytes[(first + done) / 8] >> place & ((1u << taken) - 1)) << done;
            done += taken;
        }
        mantissas[i] = number(port, bits);
    }
}

// A mantissa from decimal text. Throws std::invalid_argument for anything else.
inline Mantissa parsed(const std::string& text) {
    const bool is_negative = !text.empty() && text[0] == '-';
    if (text.size() == std::size_t(is_negative) || text.size() > 38) throw std::invalid_argument("no integer: '" + text + "'");
    Mantissa value = 0;
    for (std::size_t i = is_negative; i < text.size(); i++) {
        if (text[i] < '0' || text[i] > '9') throw std::invalid_argument("no integer: '" + text + "'");
        value = value * 10 + (text[i] - '0');
    }
    return is_negative ? -value : value;
}

// A mantissa in decimal.
inline std::string text(Mantissa value) {
    const bool is_negative = value < 0;
    Bits rest = is_negative ? -Bits(value) : Bits(value);
    std::string digits;
    do {
        digits.insert(digits.begin(), char('0' + int(rest % 10)));
        rest /= 10;
    } while (rest != 0);
    return is_negative ? "-" + digits : digits;
}

}  // namespace board

#endif
