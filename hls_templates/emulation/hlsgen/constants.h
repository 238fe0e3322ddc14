// Constants in the emulator: data that are bound when a design is loaded, where hardware has them in its text.
//
// How many words there are and what they can hold is part of the text all the same: kernels are compiled for exactly
// that (hlsgen::rom), it is what a design says of itself, and nothing else can be bound.
#ifndef HLSGEN_CONSTANTS_H
#define HLSGEN_CONSTANTS_H

#include <hlsgen/arith.h>
#include <hlsgen/pool.h>

namespace hlsgen {
namespace emu {

// What a design says of a constant: the number of words, the bytes of each, and the bits of those that are used.
struct constant {
    long count;
    int bytes;  // 2, 4, 8 or 16
    int width;
    bool is_signed;
};

}  // namespace emu

// The words that are bound as a constant.
struct constant_data {
    const void* words;
    long count;
};

// A constant of N words of W bits, as it stands for an array of them: one pointer, bound by each thread.
template <int W, bool S, int N> struct bound {
    typedef mantissa<W, S> word;

    const word* words;

    operator rom<word, N>() const { return *reinterpret_cast<const word (*)[N]>(words); }

    // As rows of words, in which some kernels of hardware take them.
    template <int Rows, int Length> using matrix = const word (&)[Rows][Length];
    template <int Rows, int Length, class = typename std::enable_if<Rows * Length == N>::type>
    operator matrix<Rows, Length>() const {
        return *reinterpret_cast<const word (*)[Rows][Length]>(words);
    }

    void bind(const constant_data& data) {
        if (data.count != N) throw emulation_error("a constant has another number of words than its kernel reads", "");
        words = static_cast<const word*>(data.words);
    }

    static constexpr emu::constant description() { return emu::constant{N, int(sizeof(word)), W, S}; }
};

}  // namespace hlsgen

#endif
