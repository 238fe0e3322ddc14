// mlp: layer by layer. Written by hlsgen.
#include "mlp.h"

#include "parameters.h"

void mlp(const features_t features[4], softmax_t softmax[3]) {
#pragma HLS ARRAY_RESHAPE variable=features complete dim=0
#pragma HLS INTERFACE mode=ap_vld port=features
#pragma HLS ARRAY_PARTITION variable=softmax complete dim=0
#pragma HLS INTERFACE mode=ap_vld port=softmax
#pragma HLS INTERFACE mode=ap_ctrl_hs port=return
#pragma HLS DATAFLOW

    // layer 'fc 1' (Dense) -> (5,)
    //   proved range before any cast: -30.3281 .. 29.4375
    //   5 multipliers for 20 products a position
    fc_1_t fc_1[5];
#pragma HLS ARRAY_PARTITION variable=fc_1 complete dim=0
#pragma HLS ARRAY_RESHAPE variable=fc_1_w complete dim=1
#pragma HLS BIND_STORAGE variable=fc_1_w type=rom_1p impl=auto
    hlsgen::dense<fc_1_config>(features, fc_1, fc_1_w, fc_1_b);

    // layer 'relu' (ReLU) -> (5,)
    relu_t relu[5];
#pragma HLS ARRAY_PARTITION variable=relu complete dim=0
    hlsgen::relu<relu_config>(fc_1, relu);

    // layer '分类' (Dense) -> (3,)
    //   proved range before any cast: -11.3047 .. 48.4102
    //   15 multipliers a position
    n_t n[3];
#pragma HLS ARRAY_PARTITION variable=n complete dim=0
    hlsgen::dense<n_config>(relu, n, n_w, n_b);

    // layer 'softmax' (Softmax) -> (3,)
    //   proved range before any cast: 0 .. 1
    hlsgen::softmax<softmax_config>(n, softmax, softmax_exps, softmax_inverse);
}
