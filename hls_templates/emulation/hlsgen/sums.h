// The end of a linear layer, as firmware/hlsgen/sums.h, for sums that may be held without their lowest bits (matvec.h).
#ifndef HLSGEN_SUMS_H
#define HLSGEN_SUMS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class C, class Sum>
HLSGEN_INLINE void cast_sums(const Sum* sum, typename C::output_t* y) {
    for (int j = 0; j < C::n_out; j++) {
        if constexpr (lanes::same<Sum, typename C::sum_t>::value)
            y[j] = cast<typename C::output_t>(cast<typename C::accum_t>(sum[j]));
        else y[j] = cast<typename C::output_t>(sum[j]);  // then the accumulator holds every sum
    }
}

}  // namespace hlsgen

#endif
