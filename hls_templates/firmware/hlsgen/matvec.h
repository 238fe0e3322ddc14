// sum[j] = b[j] + sum over i of x[i] * w[j * n_in + i], exactly: the one primitive of linear layers.
//
// C gives n_in, n_out, input_t, weight_t, bias_t, weight_word, bias_word, sum_t, reuse_factor and
// strategy. sum_t holds every total and its step is no coarser than a product's and the bias's.
//
// latency:  everything unrolled; the caller's PIPELINE II=reuse_factor shares the multipliers.
// resource: reuse_factor turns of n_in * n_out / reuse_factor multipliers; weights come from a ROM
//           one block of a turn wide. Valid factors divide n_in, or are n_in times a divisor of n_out.
#ifndef HLSGEN_MATVEC_H
#define HLSGEN_MATVEC_H

#include <hlsgen/arith.h>

namespace hlsgen {
namespace detail {

template <class C, strategy S> struct matvec_as;

template <class C> struct matvec_as<C, strategy::latency> {
    static void run(const typename C::input_t x[C::n_in], const typename C::weight_word w[C::n_in * C::n_out],
                    const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
    rows:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            typename C::sum_t total = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
        columns:
            for (int i = 0; i < C::n_in; i++) {
#pragma HLS UNROLL
                accumulate(total, x[i] * from_mantissa<typename C::weight_t>(w[j * C::n_in + i]));
            }
            sum[j] = total;
        }
    }
};

template <class C> struct matvec_as<C, strategy::resource> {
    static const int n_weights = C::n_in * C::n_out;
    static const int turns = C::reuse_factor < n_weights ? C::reuse_factor : n_weights;
    static const int block_factor = n_weights / turns;  // multipliers
    static_assert(C::n_in % turns == 0 || (turns % C::n_in == 0 && C::n_out % (turns / C::n_in) == 0),
                  "reuse_factor must divide n_in, or be n_in times a divisor of n_out");

    static void run(const typename C::input_t x[C::n_in], const typename C::weight_word w[C::n_in * C::n_out],
                    const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE off
#pragma HLS ARRAY_RESHAPE variable=w block factor=block_factor
#pragma HLS BIND_STORAGE variable=w type=rom_1p impl=auto
#pragma HLS ARRAY_PARTITION variable=b complete
#pragma HLS ARRAY_PARTITION variable=sum complete
        typename C::sum_t total[C::n_out];
#pragma HLS ARRAY_PARTITION variable=total complete
    start:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            total[j] = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
        }
    turn:
        for (int ir = 0; ir < turns; ir++) {
#pragma HLS PIPELINE II=1
        multiplier:
            for (int im = 0; im < block_factor; im++) {
#pragma HLS UNROLL
                const int k = ir + turns * im;
                const int j = k / C::n_in, i = k % C::n_in;
                accumulate(total[j], x[i] * from_mantissa<typename C::weight_t>(w[k]));
            }
        }
    finish:
        for (int j = 0; j < C::n_out; j++) {
#pragma HLS UNROLL
            sum[j] = total[j];
        }
    }
};

}  // namespace detail

template <class C>
void matvec(const typename C::input_t x[C::n_in], const typename C::weight_word w[C::n_in * C::n_out],
            const typename C::bias_word b[C::n_out], typename C::sum_t sum[C::n_out]) {
#pragma HLS INLINE
    detail::matvec_as<C, C::strategy>::run(x, w, b, sum);
}

}  // namespace hlsgen

#endif
