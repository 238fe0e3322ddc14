// cnn: the type of every tensor. Written by hlsgen; edit the model or its configuration instead.
#ifndef CNN_TYPES_H_
#define CNN_TYPES_H_

#include <ap_fixed.h>
#include <ap_int.h>
#include <hls_stream.h>
#include <hlsgen/pack.h>

typedef ap_ufixed<8,0,AP_RND,AP_SAT> image_t;
typedef ap_uint<8> image_word;
typedef ap_fixed<13,3> conv_t;
typedef hlsgen::pack<conv_t, 2> conv_word;
typedef ap_ufixed<12,2> relu_t;
typedef hlsgen::pack<relu_t, 2> relu_word;
typedef ap_ufixed<12,2> relu_branch_t;
typedef hlsgen::pack<relu_branch_t, 2> relu_branch_word;
typedef ap_ufixed<12,2> relu_branch_2_t;
typedef hlsgen::pack<relu_branch_2_t, 2> relu_branch_2_word;
typedef ap_fixed<17,5> conv2_t;
typedef hlsgen::pack<conv2_t, 2> conv2_word;
typedef ap_fixed<17,5> skip_t;
typedef hlsgen::pack<skip_t, 2> skip_word;
typedef ap_fixed<17,5> pool_t;
typedef hlsgen::pack<pool_t, 2> pool_word;
typedef ap_fixed<17,5> pool_branch_t;
typedef hlsgen::pack<pool_branch_t, 2> pool_branch_word;
typedef ap_fixed<17,5> pool_branch_2_t;
typedef hlsgen::pack<pool_branch_2_t, 2> pool_branch_2_word;
typedef ap_ufixed<8,0,AP_RND,AP_SAT> image_packs_t;
typedef hlsgen::pack<image_packs_t, 1> image_packs_word;
typedef ap_fixed<22,8> classes_packs_t;
typedef hlsgen::pack<classes_packs_t, 3> classes_packs_word;
typedef ap_fixed<17,5> pool_copy_packs_t;
typedef hlsgen::pack<pool_copy_packs_t, 2> pool_copy_packs_word;
typedef ap_fixed<22,8> classes_t;
typedef ap_uint<72> classes_word;
typedef ap_fixed<17,5> pool_copy_t;
typedef ap_uint<40> pool_copy_word;

#endif
