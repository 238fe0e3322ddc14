// cnn: layer by layer. Written by hlsgen.
#include "cnn.h"

#include "parameters.h"

void cnn(hls::stream<image_word>& image, hls::stream<classes_word>& classes, hls::stream<pool_copy_word>& pool_copy) {
#pragma HLS INTERFACE mode=axis port=image
#pragma HLS INTERFACE mode=axis port=classes
#pragma HLS INTERFACE mode=axis port=pool_copy
#pragma HLS INTERFACE mode=ap_ctrl_hs port=return
#pragma HLS DATAFLOW

    // the words of port image
    hls::stream<image_packs_word> image_packs("image_packs");
#pragma HLS STREAM variable=image_packs depth=2
    hlsgen::read_words<image_packs_config>(image, image_packs);

    // layer 'conv' (Conv2D) -> (6, 6, 2)
    //   proved range before any cast: -3.48633 .. 2.49023
    //   18 multipliers a position
    hls::stream<conv_word> conv("conv");
#pragma HLS STREAM variable=conv depth=2
    hlsgen::conv2d<conv_config>(image_packs, conv, conv_w, conv_b);

    // layer 'relu' (ReLU) -> (6, 6, 2)
    hls::stream<relu_word> relu("relu");
#pragma HLS STREAM variable=relu depth=2
    hlsgen::relu<relu_config>(conv, relu);

    // copy 1 of relu
    hls::stream<relu_branch_word> relu_branch("relu_branch");
#pragma HLS STREAM variable=relu_branch depth=32
    hls::stream<relu_branch_2_word> relu_branch_2("relu_branch_2");
#pragma HLS STREAM variable=relu_branch_2 depth=2
    hlsgen::clone<relu_branch_config>(relu, relu_branch, relu_branch_2);

    // layer 'conv2' (Conv2D) -> (6, 6, 2)
    //   proved range before any cast: -13.135 .. 13.2625
    //   36 multipliers a position
    hls::stream<conv2_word> conv2("conv2");
#pragma HLS STREAM variable=conv2 depth=16
    hlsgen::conv2d<conv2_config>(relu_branch_2, conv2, conv2_w, conv2_b);

    // layer 'skip' (Add) -> (6, 6, 2)
    //   proved range before any cast: -13.135 .. 14.5076
    hls::stream<skip_word> skip("skip");
#pragma HLS STREAM variable=skip depth=2
    hlsgen::merge<skip_config>(relu_branch, conv2, skip);

    // layer 'pool' (MaxPooling2D) -> (3, 3, 2)
    hls::stream<pool_word> pool("pool");
#pragma HLS STREAM variable=pool depth=2
    hlsgen::max_pooling2d<pool_config>(skip, pool);

    // copy 1 of pool
    hls::stream<pool_branch_word> pool_branch("pool_branch");
#pragma HLS STREAM variable=pool_branch depth=2
    hls::stream<pool_branch_2_word> pool_branch_2("pool_branch_2");
#pragma HLS STREAM variable=pool_branch_2 depth=2
    hlsgen::clone<pool_branch_config>(pool, pool_branch, pool_branch_2);

    // copy of pool
    hls::stream<pool_copy_packs_word> pool_copy_packs("pool_copy_packs");
#pragma HLS STREAM variable=pool_copy_packs depth=2
    hlsgen::convert<pool_copy_config>(pool_branch_2, pool_copy_packs);

    // layer 'classes' (Dense) -> (3,)
    //   proved range before any cast: -102.999 .. 112.717
    //   54 multipliers a position
    hls::stream<classes_packs_word> classes_packs("classes_packs");
#pragma HLS STREAM variable=classes_packs depth=2
    hlsgen::dense<classes_config>(pool_branch, classes_packs, classes_w, classes_b);

    // to the words of port classes
    hlsgen::write_words<classes_port_config>(classes_packs, classes);

    // to the words of port pool_copy
    hlsgen::write_words<pool_copy_port_config>(pool_copy_packs, pool_copy);
}
