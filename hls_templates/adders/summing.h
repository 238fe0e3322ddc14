// A sum of terms that nobody shares, as a tree of adders within a depth.
#ifndef HLSGEN_ADDERS_SUMMING_H
#define HLSGEN_ADDERS_SUMMING_H

#include "sharing.h"

namespace hlsgen {
namespace adders {

// Adds up terms, the two whose top bits are lowest first: what one operand has alone at its top costs full adders that
// take no bit away.
class Summing {
   public:
    Summing(Graph& graph, const Sum& terms, uint64_t allowed) : graph_(graph), terms_(terms), allowed_(allowed) {
        std::sort(terms_.begin(), terms_.end(), [this](const Term& a, const Term& b) { return is_lower(a, b); });
        for (const Term& t : terms_) used_ += load_of(depth(t));
    }

    // The sum; node -1 if there are no terms.
    Term result() {
        if (terms_.empty()) return {-1, 0, 1};
        while (terms_.size() > 1) {
            const auto pair = next_pair();
            const Term first = terms_[pair.first], second = terms_[pair.second];
            terms_.erase(terms_.begin() + std::ptrdiff_t(pair.second));
            terms_.erase(terms_.begin() + std::ptrdiff_t(pair.first));
            const bool last_plus = std::none_of(terms_.begin(), terms_.end(), [](const Term& t) { return t.sign > 0; });
            const Term made = graph_.sum(first, second, last_plus);  // a sum of negatives alone would cost a negation
            used_ += load_of(depth(made)) - load_of(depth(first)) - load_of(depth(second));
            const auto lower = [this](const Term& a, const Term& b) { return is_lower(a, b); };
            terms_.insert(std::lower_bound(terms_.begin(), terms_.end(), made, lower), made);
        }
        return terms_[0];
    }

   private:
    Graph& graph_;
    Sum terms_;
    uint64_t allowed_;  // 0: any depth
    uint64_t used_ = 0;

    int depth(const Term& t) const { return graph_.facts(t.node).depth; }
    int top(const Term& t) const { return t.shift + graph_.width(t.node); }

    bool is_lower(const Term& a, const Term& b) const {
        if (top(a) != top(b)) return top(a) < top(b);
        if (a.shift != b.shift) return a.shift < b.shift;
        return a.node != b.node ? a.node < b.node : a.sign < b.sign;
    }

    // The two lowest terms that may be added without the rest getting too deep; two of least depth always may.
    std::pair<size_t, size_t> next_pair() const {
        for (size_t i = 0; i < terms_.size(); i++)
            for (size_t k = i + 1; k < terms_.size(); k++)
                if (allowed_ == 0 || load_of_sum(depth(terms_[i]), depth(terms_[k])) <= allowed_ - used_) return {i, k};
        return {0, 1};
    }
};

}  // namespace adders
}  // namespace hlsgen

#endif
