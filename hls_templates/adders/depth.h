// How deep a sum has to be. Terms at depths d fit a tree of adders of depth L if their 2^d add up to at most 2^L
// (Kraft's inequality), and adding two of them, whichever, keeps that true if the sum of all still is.
#ifndef HLSGEN_ADDERS_DEPTH_H
#define HLSGEN_ADDERS_DEPTH_H

#include <algorithm>
#include <cstdint>

namespace hlsgen {
namespace adders {

constexpr int deepest = 62;  // counts as no limit

inline uint64_t load_of(int depth) { return uint64_t(1) << std::min(depth, deepest); }

// What the sum of two terms weighs more than they do.
inline uint64_t load_of_sum(int a, int b) { return load_of(std::max(a, b) + 1) - load_of(a) - load_of(b); }

// The least depth of a load.
inline int depth_of(uint64_t load) { return load <= 1 ? 0 : 64 - __builtin_clzll(load - 1); }

}  // namespace adders
}  // namespace hlsgen

#endif
