// Sums of terms that share what they have in common: the pattern of two terms that saves most becomes a node, again and
// again, until none occurs twice (Hartley 1996; over matrices, Aksoy et al. 2012).
//
// A sum is a set of signed digits: +1 or -1 at (node, shift). A pattern is two nodes with the distance of their shifts
// and the product of their signs. Patterns of nodes that are there can only become rarer (those of a node that comes
// again are counted anew). So the queue of patterns is lazy: what comes out is counted again, and goes back if it has
// become rarer.
#ifndef HLSGEN_ADDERS_SHARING_H
#define HLSGEN_ADDERS_SHARING_H

#include <cstddef>
#include <functional>

#include "depth.h"
#include "graph.h"

namespace hlsgen {
namespace adders {

using Sum = std::vector<Term>;

// How deep a sum may get, and how much of that is taken by what is not among its terms.
struct Allowance {
    uint64_t all;  // 2^limit; 0: no limit
    uint64_t reserved;
};

class Sharing {
   public:
    // `checkpoint` is called now and then, and may end the work by an exception.
    Sharing(Graph& graph, const std::vector<Sum>& sums, const std::vector<Allowance>& allowances,
            const std::function<void()>& checkpoint)
        : graph_(graph),
          allowances_(allowances),
          checkpoint_(checkpoint),
          present_(sums.size()),
          used_(sums.size(), 0) {
        for (size_t c = 0; c < sums.size(); c++)
            for (const Term& t : sums[c]) insert(row_of(t.node), int(c), t.shift, t.sign);
        for (int a = 0; a < int(rows_.size()); a++) {
            checkpoint_();
            count_with_rows_up_to(a, a);
        }
        share();
    }

    // What is left of every sum.
    std::vector<Sum> sums() const {
        std::vector<Sum> all(present_.size());
        for (const Row& row : rows_)
            for (size_t i = 0; i < row.columns.size(); i++)
                for (int sign : {1, -1})
                    for (uint64_t m = sign > 0 ? row.digits[i].plus : row.digits[i].minus; m; m &= m - 1)
                        all[row.columns[i]].push_back({row.node, __builtin_ctzll(m), sign});
        return all;
    }

   private:
    struct Digits {  // shifts as bits of a mask
        uint64_t plus, minus;
        uint64_t any() const { return plus | minus; }
    };

    struct Row {  // where a node has digits
        int node;
        std::vector<int> columns;  // ascending
        std::vector<Digits> digits;
    };

    struct Pattern {  // +1 at (a, 0), sign at (b, shift); a <= b are rows
        int a, b, shift, sign;
    };

    struct Candidate {
        Pattern pattern;
        int count;
        int bits;  // that each occurrence takes from its sum

        // Of patterns that save no bits, only adders, the frequent ones count a little.
        size_t score() const { return bits > 0 ? size_t(count) * size_t(bits) : size_t(count) / 4; }
    };

    // A priority queue with a list for each score; of equals, the first that came.
    class Queue {
       public:
        bool empty() {
            while (!lists_.empty() && lists_.back().taken == lists_.back().all.size()) lists_.pop_back();
            return lists_.empty();
        }
        Candidate take() { return lists_.back().all[lists_.back().taken++]; }
        void put(const Candidate& c) {
            if (c.score() >= lists_.size()) lists_.resize(c.score() + 1);
            lists_[c.score()].all.push_back(c);
        }

       private:
        struct List {
            std::vector<Candidate> all;
            size_t taken = 0;
        };
        std::vector<List> lists_;
    };

    struct Found {
        int column, shift, sign;
    };

    Graph& graph_;
    const std::vector<Allowance>& allowances_;
    const std::function<void()>& checkpoint_;
    std::vector<Row> rows_;
    std::unordered_map<int, int> row_of_node_;
    std::vector<std::vector<int>> present_;  // rows of a column
    std::vector<uint64_t> used_;             // load of a column's terms
    Queue queue_;
    std::vector<uint32_t> counts_;  // of patterns with one row: by the other row, shift and sign
    std::vector<size_t> touched_;

    void share() {
        for (size_t step = 0; !queue_.empty(); step++) {
            if (step % 1024 == 0) checkpoint_();
            const Candidate next = queue_.take();
            const int n = count(next.pattern);
            if (n < 2) continue;
            if (n < next.count)
                queue_.put({next.pattern, n, next.bits});
            else
                replace(next.pattern);
        }
    }

    int row_of(int node) {
        const auto found = row_of_node_.emplace(node, int(rows_.size()));
        if (found.second) rows_.push_back({node, {}, {}});
        return found.first->second;
    }

    int depth(int row) const { return graph_.facts(rows_[row].node).depth; }

    Digits* digits_of(int row, int column) {
        Row& r = rows_[row];
        const size_t i = size_t(column);
        if (i < r.columns.size() && r.columns[i] == column) return &r.digits[i];  // no column before it is missing
        const auto at = std::lower_bound(r.columns.begin(), r.columns.end(), column);
        return at == r.columns.end() || *at != column ? nullptr : &r.digits[size_t(at - r.columns.begin())];
    }

    Digits& digits_made(int row, int column) {
        if (Digits* there = digits_of(row, column)) return *there;
        Row& r = rows_[row];
        const auto at = std::lower_bound(r.columns.begin(), r.columns.end(), column);
        const auto place = at - r.columns.begin();
        r.columns.insert(at, column);
        present_[column].push_back(row);
        return *r.digits.insert(r.digits.begin() + place, {0, 0});
    }

    void insert(int row, int column, int shift, int sign) {
        Digits& d = digits_made(row, column);
        const uint64_t load = load_of(depth(row));
        for (;; shift++) {
            const uint64_t bit = uint64_t(1) << shift;
            uint64_t& mine = sign > 0 ? d.plus : d.minus;
            uint64_t& other = sign > 0 ? d.minus : d.plus;
            if (other & bit) {  // they cancel
                other &= ~bit;
                used_[column] -= load;
                return;
            }
            if (!(mine & bit)) {
                mine |= bit;
                used_[column] += load;
                return;
            }
            mine &= ~bit;  // two of them are one at the next shift
            used_[column] -= load;
        }
    }

    void remove(int row, int column, int shift) {
        Digits& d = *digits_of(row, column);
        const uint64_t bit = uint64_t(1) << shift;
        d.plus &= ~bit;
        d.minus &= ~bit;
        used_[column] -= load_of(depth(row));
    }

    // How many occurrences a column's depth allows.
    int allowed(int column, const Pattern& p) const {
        constexpr uint64_t all = 64;
        const Allowance& allowance = allowances_[column];
        const uint64_t more = load_of_sum(depth(p.a), depth(p.b));
        if (allowance.all == 0 || more == 0) return int(all);
        return int(std::min(all, (allowance.all - allowance.reserved - used_[column]) / more));
    }

    static uint64_t moved(uint64_t bits, int shift) { return shift >= 0 ? bits << shift : bits >> -shift; }

    // The digits of `a` that have their partner in `b`.
    static Digits matches(const Pattern& p, const Digits& a, const Digits& b) {
        const uint64_t plus = moved(p.sign > 0 ? b.plus : b.minus, -p.shift);
        const uint64_t minus = moved(p.sign > 0 ? b.minus : b.plus, -p.shift);
        const Digits found{a.plus & plus, a.minus & minus};
        return p.a != p.b ? found : apart(found, p.shift);
    }

    // Of matches within one node, those in which no digit takes part twice.
    static Digits apart(const Digits& found, int shift) {
        uint64_t taken = 0, kept = 0;
        for (uint64_t m = found.any(); m; m &= m - 1) {
            const uint64_t bit = m & -m;
            if (taken & bit) continue;
            taken |= bit | bit << shift;
            kept |= bit;
        }
        return {found.plus & kept, found.minus & kept};
    }

    template <class Visit>
    void each_match(const Pattern& p, Visit visit) {
        const bool first = rows_[p.a].columns.size() <= rows_[p.b].columns.size();
        const Row& fewer = rows_[first ? p.a : p.b];
        const int more = first ? p.b : p.a;
        for (size_t i = 0; i < fewer.columns.size(); i++) {
            const Digits mine = fewer.digits[i];
            if (!mine.any()) continue;
            const Digits* other = digits_of(more, fewer.columns[i]);
            if (other == nullptr) continue;
            const Digits found = first ? matches(p, mine, *other) : matches(p, *other, mine);
            if (found.any()) visit(fewer.columns[i], found);
        }
    }

    int count(const Pattern& p) {
        int n = 0;
        each_match(p, [&](int column, const Digits& found) {
            n += std::min(__builtin_popcountll(found.any()), allowed(column, p));
        });
        return n;
    }

    void replace(const Pattern& p) {
        std::vector<Found> found;
        each_match(p, [&](int column, const Digits& d) {
            int left = allowed(column, p);
            for (uint64_t m = d.any(); m && left > 0; m &= m - 1, left--)
                found.push_back({column, __builtin_ctzll(m), d.plus & m & -m ? 1 : -1});
        });
        for (const Found& f : found) {
            remove(p.a, f.column, f.shift);
            remove(p.b, f.column, f.shift + p.shift);
        }
        const int down = std::min(0, p.shift);
        const Term made = graph_.sum({rows_[p.a].node, -down, 1}, {rows_[p.b].node, p.shift - down, p.sign});
        const int row = row_of(made.node);
        for (const Found& f : found) insert(row, f.column, f.shift + down + made.shift, f.sign * made.sign);
        count_with_rows_up_to(row, int(rows_.size()) - 1);
    }

    // Put into the queue what patterns a row makes with the rows up to `last`.
    void count_with_rows_up_to(int row, int last) {
        counts_.resize(rows_.size() * slots, 0);
        touched_.clear();
        for (size_t i = 0; i < rows_[row].columns.size(); i++) {
            const Digits mine = rows_[row].digits[i];
            if (!mine.any()) continue;
            const int column = rows_[row].columns[i];
            for (const int other : present_[column])
                if (other <= last) count_pairs(mine, other, *digits_of(other, column), other == row);
        }
        for (const size_t slot : touched_) {
            const int n = int(counts_[slot]);
            counts_[slot] = 0;
            if (n < 2) continue;
            const int other = int(slot / slots), shift = int(slot % slots / 2) - 64, sign = slot % 2 ? -1 : 1;
            const Pattern p = row <= other ? Pattern{row, other, shift, sign} : Pattern{other, row, -shift, sign};
            queue_.put({p, n, bits_saved(p)});
        }
    }

    static constexpr size_t slots = 256;  // shifts from -64 to 63, two signs

    void count_pairs(const Digits& mine, int other, const Digits& theirs, bool same_row) {
        for (uint64_t m = mine.any(); m; m &= m - 1) {
            const int p = __builtin_ctzll(m);
            for (uint64_t o = theirs.any(); o; o &= o - 1) {
                const int q = __builtin_ctzll(o);
                if (same_row && q <= p) continue;
                const uint64_t opposite = (mine.minus >> p ^ theirs.minus >> q) & 1;
                const size_t slot = size_t(other) * slots + size_t(q - p + 64) * 2 + opposite;
                if (counts_[slot]++ == 0) touched_.push_back(slot);
            }
        }
    }

    // Full adders take bits from a sum, one each: those that a pattern has less than its two terms are saved at each of
    // its occurrences.
    int bits_saved(const Pattern& p) const {
        const Facts& a = graph_.facts(rows_[p.a].node);
        const Facts& b = graph_.facts(rows_[p.b].node);
        const int down = std::min(0, p.shift), from_a = a.zeros - down, from_b = b.zeros + p.shift - down;
        const double x = std::ldexp(1.0, -down), y = std::ldexp(1.0, p.shift - down);
        const double low = a.low * x + (p.sign > 0 ? b.low : -b.high) * y;
        const double high = a.high * x + (p.sign > 0 ? b.high : -b.low) * y;
        const int before = bits_of(a.low, a.high) - a.zeros + bits_of(b.low, b.high) - b.zeros;
        return before - (bits_of(low, high) - std::min(from_a, from_b));
    }
};

}  // namespace adders
}  // namespace hlsgen

#endif
