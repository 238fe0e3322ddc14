// Of layer '分类' (Dense): 3 words (output) of 3 bits. Written by hlsgen.
#ifndef MLP_N_B_H_
#define MLP_N_B_H_

static const hlsgen::mantissa<3, true> n_b[3] = {
    0, -3, 3
};

#endif
