// Sums of adders in place of a product: strategy distributed_arithmetic.
//
// C::adders writes out a matrix as sums of inputs, each of a type that is proved to hold it, and those that several
// outputs have in common once: add_to<C>(x, sum) adds to each sum what the matrix makes of x, exactly. A C without it
// multiplies.
//
// only_turn                          the turns of what takes one
// sum_by_adders<C, inputs>(x, b, sum)   sum = b + what the adders make of x
#ifndef HLSGEN_SHARED_ADDERS_H
#define HLSGEN_SHARED_ADDERS_H

#include <hlsgen/arith.h>

namespace hlsgen {
namespace detail {

template <class C, class = void> struct has_adders {
    static const bool value = false;
};
template <class C> struct has_adders<C, decltype(static_cast<void>(sizeof(typename C::adders)))> {
    static const bool value = true;
};

struct only_turn {
    bool is_first() const { return true; }
    bool is_last() const { return true; }
    void advance() {}
};

template <class C, int inputs>
void sum_by_adders(const typename C::input_t x[inputs], const typename C::bias_word b[C::n_out],
                   typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
Start:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        sum[j] = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
    }
    C::adders::template add_to<C>(x, sum);
}

}  // namespace detail
}  // namespace hlsgen

#endif
