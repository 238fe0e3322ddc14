// The adder graph while it grows: nodes, what each is worth in the inputs, and what an adder costs.
//
// A node is an input or `(left << left_shift) ± (right << right_shift)`, one of the shifts being 0. Two ways to one
// linear form, or to its double or its negative, give one node. Ranges are doubles here: they steer the search, and
// Python states the exact ones (hlsgen/adders/graph.py), by the same formulas.
#ifndef HLSGEN_ADDERS_GRAPH_H
#define HLSGEN_ADDERS_GRAPH_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "depth.h"

namespace hlsgen {
namespace adders {

// A node as it is used: sign · (node << shift).
struct Term {
    int node;
    int shift;
    int sign;

    Term times(int other_sign, int more_shift) const { return {node, shift + more_shift, sign * other_sign}; }
};

struct Adder {
    int left, left_shift;
    int right, right_shift;
    bool subtract;
};

// What is known of the values of a node: bounds, zeros that always stand at its lower end, adders on the way to it.
struct Facts {
    double low, high;
    int zeros;
    int depth;
};

// Bits of a word that holds all integers of a range, its sign included.
inline int bits_of(double low, double high) {
    const double most = low < 0 ? std::max(high, -low - 1) : high;
    return (most >= 1 ? std::ilogb(most) + 1 : 0) + (low < 0 ? 1 : 0);
}

// Full adders of `left << left_shift ± right << right_shift` whose values span `low` to `high`: one for each bit of the
// result above those that pass unchanged, because only an operand that is added has bits there.
inline int full_adders(const Facts& left, int left_shift, const Facts& right, int right_shift, bool subtract,
                       double low, double high) {
    const int from_left = left_shift + left.zeros, from_right = right_shift + right.zeros;
    const bool left_is_lower = from_left <= from_right;
    const int first = subtract && !left_is_lower ? from_right : std::max(from_left, from_right);
    const Facts& lower = left_is_lower ? left : right;
    const int lower_top = (left_is_lower ? left_shift : right_shift) + bits_of(lower.low, lower.high);
    if (!subtract && from_left != from_right && lower.low >= 0 && lower_top <= first) return 0;  // side by side
    return std::max(0, bits_of(low, high) - first);
}

class Graph {
   public:
    // `unit`: full adders come in blocks of so many. `bounded`: no node is taken that lies deeper than a new one would.
    Graph(const std::vector<double>& low, const std::vector<double>& high, int unit, bool bounded)
        : inputs_(int(low.size())), unit_(unit), bounded_(bounded) {
        for (int i = 0; i < inputs_; i++) {
            std::vector<int64_t> weights(inputs_, 0);
            weights[i] = 1;
            add(weights, {low[i], high[i], 0, 0});
        }
    }

    int size() const { return int(facts_.size()); }
    const Facts& facts(int node) const { return facts_[node]; }
    const std::vector<Adder>& adders() const { return adders_; }
    int64_t cost() const { return cost_; }
    int width(int node) const { return bits_of(facts_[node].low, facts_[node].high); }

    // What it costs to negate a node: 0 - node.
    int64_t negation(int node) const {
        const Facts& f = facts_[node];
        return in_units(std::max(0, bits_of(-f.high, -f.low) - f.zeros));
    }

    // The sum of two terms, by a node that is there or by a new one. `positive`: a sign of +1, even if that costs bits.
    Term sum(const Term& a, const Term& b, bool positive = false) {
        const bool b_first = b.shift != a.shift ? b.shift < a.shift : b.sign > a.sign;
        const Term& low = b_first ? b : a;  // its low bits pass through, so it is what is added to
        const Term& up = b_first ? a : b;
        const int shift = up.shift - low.shift;
        std::vector<int64_t> weights = sum_of_weights(low, up, shift);
        const Term known = find(weights, bounded_ ? std::max(depth(a), depth(b)) + 1 : deepest);
        if (known.node >= 0 && known.shift >= 0) return known.times(low.sign, low.shift);
        if (positive && low.sign < 0 && up.sign > 0) {
            for (int64_t& w : weights) w = -w;
            return {grow({up.node, shift, low.node, 0, true}, weights), low.shift, 1};
        }
        return {grow({low.node, 0, up.node, shift, low.sign != up.sign}, weights), low.shift, low.sign};
    }

   private:
    int inputs_, unit_;
    bool bounded_;
    int64_t cost_ = 0;
    std::vector<Facts> facts_;
    std::vector<Adder> adders_;
    std::vector<int64_t> weights_;  // of each node, in the inputs
    std::unordered_multimap<uint64_t, int> by_hash_;

    int depth(const Term& t) const { return facts_[t.node].depth; }

    // Of `low ± up << shift`, subtracted if their signs differ.
    std::vector<int64_t> sum_of_weights(const Term& low, const Term& up, int shift) const {
        std::vector<int64_t> weights(inputs_);
        const int64_t* lows = &weights_[size_t(low.node) * inputs_];
        const int64_t* ups = &weights_[size_t(up.node) * inputs_];
        const uint64_t factor = (low.sign == up.sign ? uint64_t(1) : -uint64_t(1)) << shift;
        for (int i = 0; i < inputs_; i++) weights[i] = int64_t(uint64_t(lows[i]) + factor * uint64_t(ups[i]));
        return weights;
    }

    int in_units(int bits) const { return (bits + unit_ - 1) / unit_ * unit_; }

    int grow(const Adder& adder, const std::vector<int64_t>& weights) {
        Facts made{0, 0, 62, 0};
        const Facts left = facts_[adder.left], right = facts_[adder.right];
        for (int i = 0; i < inputs_; i++) {
            if (weights[i] == 0) continue;
            const double w = double(weights[i]);
            made.low += w * (w > 0 ? facts_[i].low : facts_[i].high);
            made.high += w * (w > 0 ? facts_[i].high : facts_[i].low);
            made.zeros = std::min(made.zeros, __builtin_ctzll(uint64_t(weights[i])));
        }
        made.depth = std::max(left.depth, right.depth) + 1;
        cost_ += in_units(
            full_adders(left, adder.left_shift, right, adder.right_shift, adder.subtract, made.low, made.high));
        adders_.push_back(adder);
        return add(weights, made);
    }

    int add(const std::vector<int64_t>& weights, const Facts& facts) {
        by_hash_.emplace(hash(weights.data()), size());
        weights_.insert(weights_.end(), weights.begin(), weights.end());
        facts_.push_back(facts);
        return size() - 1;
    }

    // A node that is this linear form but for sign and shift, and not too deep; node -1 if there is none.
    Term find(const std::vector<int64_t>& weights, int most_depth) const {
        const int zeros = zeros_of(weights.data());
        const auto nonzero = std::find_if(weights.begin(), weights.end(), [](int64_t w) { return w != 0; });
        const int first = int(nonzero - weights.begin());
        if (first == inputs_) return {-1, 0, 1};
        const auto range = by_hash_.equal_range(hash(weights.data()));
        int best = -1;
        for (auto it = range.first; it != range.second; ++it)
            if ((best < 0 || it->second < best) && facts_[it->second].depth <= most_depth &&
                same(&weights_[size_t(it->second) * inputs_], weights, first, zeros))
                best = it->second;
        if (best < 0) return {-1, 0, 1};
        const int64_t there = weights_[size_t(best) * inputs_ + first];
        return {best, zeros - facts_[best].zeros, (there < 0) == (weights[first] < 0) ? 1 : -1};
    }

    bool same(const int64_t* known, const std::vector<int64_t>& weights, int first, int zeros) const {
        if (known[first] == 0) return false;
        const int there = zeros_of(known);
        const int64_t sign = (known[first] < 0) == (weights[first] < 0) ? 1 : -1;
        for (int i = 0; i < inputs_; i++)
            if ((known[i] >> there) * sign != weights[i] >> zeros) return false;
        return true;
    }

    int zeros_of(const int64_t* weights) const {
        uint64_t any = 0;
        for (int i = 0; i < inputs_; i++) any |= uint64_t(weights[i]);
        return any ? __builtin_ctzll(any) : 0;
    }

    // The same for a form, its double and its negative.
    uint64_t hash(const int64_t* weights) const {
        const int zeros = zeros_of(weights);
        uint64_t state = 0;
        int64_t sign = 0;
        for (int i = 0; i < inputs_; i++) {
            if (sign == 0 && weights[i] != 0) sign = weights[i] < 0 ? -1 : 1;
            state = (state ^ uint64_t((weights[i] >> zeros) * sign)) * 0x9E3779B97F4A7C15u;
            state ^= state >> 29;
        }
        return state;
    }
};

}  // namespace adders
}  // namespace hlsgen

#endif
