// mlp: the type of every tensor. Written by hlsgen; edit the model or its configuration instead.
#ifndef MLP_TYPES_H_
#define MLP_TYPES_H_

#include <ap_fixed.h>
#include <ap_int.h>
#include <hls_stream.h>
#include <hlsgen/pack.h>

typedef ap_fixed<8,4,AP_RND,AP_SAT> features_t;
typedef ap_fixed<12,6> fc_1_t;
typedef ap_ufixed<11,5> relu_t;
typedef ap_fixed<15,7> n_t;
typedef ap_ufixed<17,1,AP_RND,AP_WRAP> softmax_t;

#endif
