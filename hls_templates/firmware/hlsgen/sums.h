// The end of a linear layer: y[j] = cast<output_t>(cast<accum_t>(sum[j])) for the n_out results of C.
#ifndef HLSGEN_SUMS_H
#define HLSGEN_SUMS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class C, class Sum>
void cast_sums(const Sum sum[C::n_out], typename C::output_t y[C::n_out]) {
#pragma HLS INLINE
Result:
    for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
        y[j] = cast<typename C::output_t>(cast<typename C::accum_t>(sum[j]));
    }
}

}  // namespace hlsgen

#endif
