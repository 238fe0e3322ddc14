// Of layer 'fc 1' (Dense): 5 words (output) of 3 bits. Written by hlsgen.
#ifndef MLP_FC_1_B_H_
#define MLP_FC_1_B_H_

static const hlsgen::mantissa<3, true> fc_1_b[5] = {
    3, -2, -1, -2, 2
};

#endif
