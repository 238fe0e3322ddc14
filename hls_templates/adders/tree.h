// Which output is computed from which other: a minimum spanning tree over the columns of the matrix.
//
// A column may be the digits of itself, or one column before it, added or subtracted, and the digits of the difference.
// So the matrix is taken apart into a matrix of differences and one of the tree's edges.
#ifndef HLSGEN_ADDERS_TREE_H
#define HLSGEN_ADDERS_TREE_H

#include "depth.h"
#include "digits.h"

namespace hlsgen {
namespace adders {

struct Branch {
    int parent;    // column, or -1: from nothing
    int sign;      // of the parent
    int digits;    // of the difference
    int earliest;  // least depth at which the column can be there
};

// The tree, and its columns in an order in which parents come first.
struct Tree {
    std::vector<Branch> branches;
    std::vector<int> order;
};

// Prim's algorithm. `saving`: digits that a parent has to save, for a difference shares less with others than a column
// does; < 0: every column from nothing. `depth_limit` < 0: none.
inline Tree spanning_tree(const Matrix& m, int saving, int depth_limit) {
    Tree tree{std::vector<Branch>(m.columns), {}};
    std::vector<bool> done(m.columns, false);
    for (int c = 0; c < m.columns; c++) {
        const int n = m.digits(c, -1, 1);
        tree.branches[c] = {-1, 1, n, depth_of(n)};
    }
    const auto weight = [&](const Branch& b) { return b.parent < 0 || b.digits == 0 ? b.digits : b.digits + saving; };
    for (int step = 0; step < m.columns; step++) {
        int next = -1;
        for (int c = 0; c < m.columns; c++)
            if (!done[c] && (next < 0 || weight(tree.branches[c]) < weight(tree.branches[next]))) next = c;
        done[next] = true;
        tree.order.push_back(next);
        const int there = tree.branches[next].earliest;
        if (saving < 0 || there >= deepest) continue;
        for (int c = 0; c < m.columns; c++)
            for (int sign : {1, -1}) {
                if (done[c]) continue;
                const int n = m.digits(c, next, sign);
                const Branch made{next, sign, n, depth_of((uint64_t(1) << there) + uint64_t(n))};
                const bool in_time = depth_limit < 0 || made.earliest <= depth_limit;
                if (in_time && weight(made) < weight(tree.branches[c])) tree.branches[c] = made;
            }
    }
    return tree;
}

// The depth at which each column has to be there, so that the last of its descendants can be within the limit.
inline std::vector<int> deadlines(const Tree& tree, int depth_limit) {
    std::vector<int> latest(tree.branches.size(), depth_limit);
    if (depth_limit < 0) return latest;
    for (size_t i = tree.order.size(); i-- > 0;) {
        const int c = tree.order[i];
        const Branch& b = tree.branches[c];
        if (b.parent < 0) continue;
        const uint64_t left = (uint64_t(1) << std::min(latest[c], 62)) - uint64_t(b.digits);
        latest[b.parent] = std::min(latest[b.parent], 63 - __builtin_clzll(left));
    }
    return latest;
}

}  // namespace adders
}  // namespace hlsgen

#endif
