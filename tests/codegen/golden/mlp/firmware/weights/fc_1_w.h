// Of layer 'fc 1' (Dense): 5 x 4 words (output, input) of 4 bits. Written by hlsgen.
#ifndef MLP_FC_1_W_H_
#define MLP_FC_1_W_H_

static const hlsgen::mantissa<4, true> fc_1_w[5][4] = {
    {4, 2, -2, 3}, {1, 3, 3, -3}, {2, -2, 4, 3}, {4, -4, -4, -3}, {1, -2, 0, 0}
};

#endif
