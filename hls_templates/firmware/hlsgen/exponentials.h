// What softmax.h and log_softmax.h share: the largest of a position, exponentials of distances to it, and how often a
// position comes.
//
// softmax_largest<C>(x)                        the largest of C::n
// softmax_exponential<C>(largest, x_i, exps)   exp(x_i - largest), of type exp_t
// softmax_schedule<C, X, Y>                    packs of the smaller side, and cycles from position to position
// What is read of C: see softmax.h.
#ifndef HLSGEN_EXPONENTIALS_H
#define HLSGEN_EXPONENTIALS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class C>
constexpr int softmax_entries() {
    return C::tables << traits<typename C::share_t>::width;
}

// The largest, by a tree of comparisons: as deep as n has bits, where a chain would be n deep.
template <class C>
typename C::input_t softmax_largest(const typename C::input_t x[C::n]) {
#pragma HLS INLINE
    typename C::input_t largest[C::n];
#pragma HLS ARRAY_PARTITION variable=largest complete
Start:
    for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
        largest[i] = x[i];
    }
Level:
    for (int level = 0; level < detail::bits_of<C::n - 1>::value; level++) {
#pragma HLS UNROLL
        const int apart = 1 << level;
    Pair:
        for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
            const bool first = (i & (2 * apart - 1)) == 0 && i + apart < C::n;
            const int other = first ? i + apart : i;
            if (first) largest[i] = select(largest[other] > largest[i], largest[other], largest[i]);
        }
    }
    return largest[0];
}

// Cycles from position to position: as many as packs of one, on either side, if that is more than the reuse factor.
template <class C, class X, class Y>
struct softmax_schedule {
    static const int smaller = X::size < Y::size ? X::size : Y::size;
    static const int packs = C::n / smaller;
    static const int interval = packs > C::reuse_factor ? packs : C::reuse_factor;
};

// exp(-k) from tables 0 .. Last, which read its top bits.
template <class C, int Last>
struct softmax_exp {
    static const int share = traits<typename C::share_t>::width;
    template <class K>
    static typename C::exp_t of(const K& k, const typename C::exp_word exps[softmax_entries<C>()]) {
#pragma HLS INLINE
        typedef typename C::exp_t exp_t;
        const typename C::share_t bits = slice<typename C::share_t, (C::tables - 1 - Last) * share>(k);
        return cast<exp_t>(softmax_exp<C, Last - 1>::of(k, exps) * lookup<exp_t>(exps + (Last << share), bits));
    }
};
template <class C>
struct softmax_exp<C, 0> {
    static const int share = traits<typename C::share_t>::width;
    template <class K>
    static typename C::exp_t of(const K& k, const typename C::exp_word exps[softmax_entries<C>()]) {
#pragma HLS INLINE
        return lookup<typename C::exp_t>(exps, slice<typename C::share_t, (C::tables - 1) * share>(k));
    }
};

template <class C>
typename C::exp_t softmax_exponential(const typename C::input_t& largest, const typename C::input_t& x,
                                      const typename C::exp_word exps[softmax_entries<C>()]) {
#pragma HLS INLINE
    const typename C::distance_t distance = cast<typename C::distance_t>(largest - x);
    return softmax_exp<C, C::tables - 1>::of(cast<typename C::distance_index_t>(distance), exps);
}

}  // namespace hlsgen

#endif
