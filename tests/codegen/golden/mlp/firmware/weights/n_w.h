// Of layer '分类' (Dense): 3 x 5 words (output, input) of 4 bits. Written by hlsgen.
#ifndef MLP_N_W_H_
#define MLP_N_W_H_

static const hlsgen::mantissa<4, true> n_w[15] = {
    -2, 0, 0, 3, 1, 4, 0, 0, 3, -1, 0, 1, 4, 2, 4
};

#endif
