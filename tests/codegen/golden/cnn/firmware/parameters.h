// cnn: the configuration of every layer. Written by hlsgen.
#ifndef CNN_PARAMETERS_H_
#define CNN_PARAMETERS_H_

#include <hlsgen/axis_port.h>
#include <hlsgen/clone.h>
#include <hlsgen/conv2d.h>
#include <hlsgen/convert.h>
#include <hlsgen/dense.h>
#include <hlsgen/merge.h>
#include <hlsgen/pooling2d.h>
#include <hlsgen/relu.h>

#include "types.h"
#include "weights.h"

// the words of port image
struct image_packs_config {
    // shape
    static const int size = 36;
};

// layer 'conv' (Conv2D) -> (6, 6, 2)
struct conv_config {
    // types
    typedef ap_ufixed<8,0,AP_RND,AP_SAT> input_t;
    typedef ap_fixed<13,3> output_t;
    typedef ap_fixed<13,3> sum_t;
    typedef ap_fixed<13,3> accum_t;
    typedef ap_fixed<4,2> weight_t;
    typedef ap_ufixed<1,1> bias_t;
    typedef hlsgen::mantissa<4, true> weight_word;
    typedef hlsgen::mantissa<1, false> bias_word;
    // shape
    static const int n_in = 9;
    static const int n_out = 2;
    static const int in_height = 6;
    static const int in_width = 6;
    static const int in_channels = 1;
    static const int out_height = 6;
    static const int out_width = 6;
    static const int stride_height = 1;
    static const int stride_width = 1;
    static const int pad_top = 1;
    static const int pad_bottom = 1;
    static const int pad_left = 1;
    static const int pad_right = 1;
    static const int kernel_height = 3;
    static const int kernel_width = 3;
    static const int dilation_height = 1;
    static const int dilation_width = 1;
    // schedule
    static const hlsgen::strategy strategy = hlsgen::strategy::latency;
    static const int turns = 1;
    static const int multipliers = 18;
    static const int interval = 1;
    static const int parallel_rows = 1;
    static const int parallel_columns = 1;
    static const int all_multipliers = 18;
};

// layer 'relu' (ReLU) -> (6, 6, 2)
struct relu_config {
    // types
    typedef ap_fixed<13,3> input_t;
    typedef ap_ufixed<12,2> output_t;
    typedef ap_ufixed<1,1> slope_t;
    typedef hlsgen::mantissa<1, false> slope_word;
    typedef ap_ufixed<1,1> max_t;
    typedef hlsgen::mantissa<1, false> max_word;
    typedef ap_fixed<13,3> value_t;
    // shape
    static const int size = 72;
    static const bool has_slope = false;
    static const bool has_max = false;
    static const long long slope_mantissa = 0LL;
    static const long long max_mantissa = 0LL;
    // schedule
    static const int reuse_factor = 1;
};

// copy 1 of relu
struct relu_branch_config {
    // types
    typedef ap_ufixed<12,2> input_t;
    typedef ap_ufixed<12,2> output_t;
    // shape
    static const int size = 72;
};

// layer 'conv2' (Conv2D) -> (6, 6, 2)
struct conv2_config {
    // types
    typedef ap_ufixed<12,2> input_t;
    typedef ap_fixed<17,5> output_t;
    typedef ap_fixed<17,5> sum_t;
    typedef ap_fixed<17,5> accum_t;
    typedef ap_fixed<4,2> weight_t;
    typedef ap_ufixed<2,0> bias_t;
    typedef hlsgen::mantissa<4, true> weight_word;
    typedef hlsgen::mantissa<2, false> bias_word;
    // shape
    static const int n_in = 18;
    static const int n_out = 2;
    static const int in_height = 6;
    static const int in_width = 6;
    static const int in_channels = 2;
    static const int out_height = 6;
    static const int out_width = 6;
    static const int stride_height = 1;
    static const int stride_width = 1;
    static const int pad_top = 1;
    static const int pad_bottom = 1;
    static const int pad_left = 1;
    static const int pad_right = 1;
    static const int kernel_height = 3;
    static const int kernel_width = 3;
    static const int dilation_height = 1;
    static const int dilation_width = 1;
    // schedule
    static const hlsgen::strategy strategy = hlsgen::strategy::latency;
    static const int turns = 1;
    static const int multipliers = 36;
    static const int interval = 1;
    static const int parallel_rows = 1;
    static const int parallel_columns = 1;
    static const int all_multipliers = 36;
};

// layer 'skip' (Add) -> (6, 6, 2)
struct skip_config {
    // types
    typedef ap_fixed<17,5> output_t;
    typedef ap_ufixed<12,2> input0_t;
    typedef ap_fixed<17,5> input1_t;
    typedef ap_fixed<17,5> value_t;
    // shape
    static const int size = 72;
    static const int inner = 72;
    static const bool broadcast = false;
    static const hlsgen::merge_op op = hlsgen::merge_op::add;
    // schedule
    static const int reuse_factor = 1;
};

// layer 'pool' (MaxPooling2D) -> (3, 3, 2)
struct pool_config {
    // types
    typedef ap_fixed<17,5> input_t;
    typedef ap_fixed<17,5> output_t;
    // shape
    static const int in_height = 6;
    static const int in_width = 6;
    static const int in_channels = 2;
    static const int out_height = 3;
    static const int out_width = 3;
    static const int stride_height = 2;
    static const int stride_width = 2;
    static const int pad_top = 0;
    static const int pad_bottom = 0;
    static const int pad_left = 0;
    static const int pad_right = 0;
    static const int pool_height = 2;
    static const int pool_width = 2;
    static const hlsgen::pooling kind = hlsgen::pooling::max;
    // schedule
    static const int reuse_factor = 1;
};

// copy 1 of pool
struct pool_branch_config {
    // types
    typedef ap_fixed<17,5> input_t;
    typedef ap_fixed<17,5> output_t;
    // shape
    static const int size = 18;
};

// copy of pool
struct pool_copy_config {
    // types
    typedef ap_fixed<17,5> input_t;
    typedef ap_fixed<17,5> output_t;
    // shape
    static const int size = 18;
    // schedule
    static const int reuse_factor = 1;
};

// layer 'classes' (Dense) -> (3,)
struct classes_config {
    // types
    typedef ap_fixed<17,5> input_t;
    typedef ap_fixed<22,8> output_t;
    typedef ap_fixed<22,8> sum_t;
    typedef ap_fixed<22,8> accum_t;
    typedef ap_fixed<4,2> weight_t;
    typedef ap_fixed<3,1> bias_t;
    typedef hlsgen::mantissa<4, true> weight_word;
    typedef hlsgen::mantissa<3, true> bias_word;
    // shape
    static const int n_in = 18;
    static const int n_out = 3;
    static const int positions = 1;
    // schedule
    static const hlsgen::strategy strategy = hlsgen::strategy::latency;
    static const int turns = 1;
    static const int multipliers = 54;
    static const int interval = 1;
};

// to the words of port classes
struct classes_port_config {
    // shape
    static const int size = 3;
};

// to the words of port pool_copy
struct pool_copy_port_config {
    // shape
    static const int size = 18;
};

#endif
