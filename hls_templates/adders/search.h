// From a matrix of constants to a graph of adders.
#ifndef HLSGEN_ADDERS_SEARCH_H
#define HLSGEN_ADDERS_SEARCH_H

#include <array>

#include "digits.h"
#include "summing.h"
#include "tree.h"

namespace hlsgen {
namespace adders {

struct Request {
    Matrix matrix;
    std::vector<double> low, high;  // of each input
    int slack;                      // adders that the deepest path may have beyond the fewest; < 0: any number
    int unit;                       // full adders in a block
};

struct Program {
    Graph graph;
    std::vector<Term> outputs;  // node -1: zero

    int64_t cost() const {
        int64_t sum = graph.cost();
        for (const Term& t : outputs)
            if (t.node >= 0 && t.sign < 0) sum += graph.negation(t.node);
        return sum;
    }
};

// The depth that the longest column needs with nothing shared, and the wished slack; -1: no limit.
inline int depth_limit(const Request& r) {
    if (r.slack < 0) return -1;
    int most = 0;
    for (int c = 0; c < r.matrix.columns; c++) most = std::max(most, r.matrix.digits(c, -1, 1));
    const int limit = depth_of(most) + r.slack;
    return limit < deepest ? limit : -1;
}

// The columns that a tree leaves to be shared, as sums of signed digits.
inline std::vector<Sum> differences(const Matrix& m, const Tree& tree) {
    std::vector<Sum> sums(m.columns);
    for (int c = 0; c < m.columns; c++) {
        const Branch& b = tree.branches[c];
        for (int r = 0; r < m.rows; r++)
            each_digit(m.without(r, c, b.parent, b.sign),
                       [&](int shift, int sign) { sums[c].push_back({r, shift, sign}); });
    }
    return sums;
}

inline std::vector<Allowance> allowances(const Tree& tree, int limit) {
    std::vector<Allowance> all(tree.branches.size(), {0, 0});
    if (limit < 0) return all;
    const std::vector<int> latest = deadlines(tree, limit);
    for (size_t c = 0; c < all.size(); c++) {
        const int parent = tree.branches[c].parent;
        all[c] = {load_of(latest[c]), parent < 0 ? 0 : load_of(latest[parent])};
    }
    return all;
}

// The graph for one tree.
inline Program program(const Request& r, const Tree& tree, int limit, const std::function<void()>& checkpoint) {
    Program made{Graph(r.low, r.high, r.unit, limit >= 0), std::vector<Term>(r.matrix.columns)};
    const std::vector<Allowance> allowed = allowances(tree, limit);
    std::vector<Sum> rests = Sharing(made.graph, differences(r.matrix, tree), allowed, checkpoint).sums();
    for (const int c : tree.order) {
        const Branch& b = tree.branches[c];
        if (b.parent >= 0 && made.outputs[b.parent].node >= 0)
            rests[c].push_back(made.outputs[b.parent].times(b.sign, 0));
        made.outputs[c] = Summing(made.graph, rests[c], allowed[c].all).result();
        checkpoint();
    }
    return made;
}

// What a parent has to save, in digits, in the order in which it is tried: what was best most often comes first
// (benchmarks/adders.py). -1 takes no matrix apart, which is best where parents would take all the depth there is.
constexpr int most_tries = 4;

inline std::array<int, most_tries> savings(const Request& r) {
    return r.slack == 0 ? std::array<int, most_tries>{-1, 5, 9, 2} : std::array<int, most_tries>{5, -1, 2, 9};
}

// The cheapest graph of so many tries.
inline Program search(const Request& r, int tries, const std::function<void()>& checkpoint) {
    const int limit = depth_limit(r);
    const std::array<int, most_tries> all = savings(r);
    Program best = program(r, spanning_tree(r.matrix, all[0], limit), limit, checkpoint);
    for (int i = 1; i < std::min(tries, most_tries); i++) {
        Program other = program(r, spanning_tree(r.matrix, all[size_t(i)], limit), limit, checkpoint);
        if (other.cost() < best.cost()) best = std::move(other);
    }
    return best;
}

}  // namespace adders
}  // namespace hlsgen

#endif
