// mlp: the configuration of every layer. Written by hlsgen.
#ifndef MLP_PARAMETERS_H_
#define MLP_PARAMETERS_H_

#include <hlsgen/dense.h>
#include <hlsgen/relu.h>
#include <hlsgen/softmax.h>

#include "types.h"
#include "weights.h"

// layer 'fc 1' (Dense) -> (5,)
struct fc_1_config {
    // types
    typedef ap_fixed<8,4,AP_RND,AP_SAT> input_t;
    typedef ap_fixed<12,6> output_t;
    typedef ap_fixed<12,6> sum_t;
    typedef ap_fixed<12,6> accum_t;
    typedef ap_fixed<4,2> weight_t;
    typedef ap_fixed<3,1> bias_t;
    typedef hlsgen::mantissa<4, true> weight_word;
    typedef hlsgen::mantissa<3, true> bias_word;
    // shape
    static const int n_in = 4;
    static const int n_out = 5;
    static const int positions = 1;
    // schedule
    static const hlsgen::strategy strategy = hlsgen::strategy::resource;
    static const int turns = 4;
    static const int multipliers = 5;
    static const int interval = 1;
};

// layer 'relu' (ReLU) -> (5,)
struct relu_config {
    // types
    typedef ap_fixed<12,6> input_t;
    typedef ap_ufixed<11,5> output_t;
    typedef ap_ufixed<1,1> slope_t;
    typedef hlsgen::mantissa<1, false> slope_word;
    typedef ap_ufixed<1,1> max_t;
    typedef hlsgen::mantissa<1, false> max_word;
    typedef ap_fixed<12,6> value_t;
    // shape
    static const int size = 5;
    static const bool has_slope = false;
    static const bool has_max = false;
    static const long long slope_mantissa = 0LL;
    static const long long max_mantissa = 0LL;
    // schedule
    static const int reuse_factor = 1;
};

// layer '分类' (Dense) -> (3,)
struct n_config {
    // types
    typedef ap_ufixed<11,5> input_t;
    typedef ap_fixed<15,7> output_t;
    typedef ap_fixed<15,7> sum_t;
    typedef ap_fixed<15,7> accum_t;
    typedef ap_fixed<4,2> weight_t;
    typedef ap_fixed<3,1> bias_t;
    typedef hlsgen::mantissa<4, true> weight_word;
    typedef hlsgen::mantissa<3, true> bias_word;
    // shape
    static const int n_in = 5;
    static const int n_out = 3;
    static const int positions = 1;
    // schedule
    static const hlsgen::strategy strategy = hlsgen::strategy::latency;
    static const int turns = 1;
    static const int multipliers = 15;
    static const int interval = 1;
};

// layer 'softmax' (Softmax) -> (3,)
struct softmax_config {
    // types
    typedef ap_fixed<15,7> input_t;
    typedef ap_ufixed<17,1,AP_RND,AP_WRAP> output_t;
    typedef ap_ufixed<15,7> distance_t;
    typedef ap_ufixed<12,4,AP_RND,AP_SAT> distance_index_t;
    typedef ap_ufixed<6,6> share_t;
    typedef ap_ufixed<23,1,AP_RND,AP_SAT> exp_t;
    typedef hlsgen::mantissa<23, false> exp_word;
    typedef ap_ufixed<24,2> sum_t;
    typedef ap_ufixed<19,1,AP_RND,AP_SAT> inverse_t;
    typedef ap_ufixed<22,2,AP_RND,AP_SAT> index_t;
    typedef ap_ufixed<22,22> place_t;
    typedef ap_ufixed<11,11> piece_t;
    typedef ap_ufixed<11,0> offset_t;
    typedef ap_fixed<35,0> packed_t;
    typedef hlsgen::mantissa<35, true> packed_word;
    typedef ap_ufixed<22,1> c0_t;
    typedef ap_fixed<13,-8> c1_t;
    // shape
    static const int positions = 1;
    static const int n = 3;
    static const int tables = 2;
    static const int ranges = 1;
    static const int stride = 3;
    static const int degree = 1;
    static const int offset_bits = 11;
    static const int words = 1;
    static const int c0_word = 0;
    static const int c0_bit = 0;
    static const int c1_word = 0;
    static const int c1_bit = 22;
    // schedule
    static const int reuse_factor = 1;
};

#endif
