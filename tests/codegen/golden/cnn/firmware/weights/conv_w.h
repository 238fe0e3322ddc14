// Of layer 'conv' (Conv2D): 2 x 9 words (output, input) of 4 bits. Written by hlsgen.
#ifndef CNN_CONV_W_H_
#define CNN_CONV_W_H_

static const hlsgen::mantissa<4, true> conv_w[18] = {
    2, -2, -3, 1, 1, -4, 1, -1, -4, -2, 4, -2, 3, 3, -1, -1, -1, -4
};

#endif
