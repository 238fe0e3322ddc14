// Of layer 'conv2' (Conv2D): 2 x 18 words (output, input) of 4 bits. Written by hlsgen.
#ifndef CNN_CONV2_W_H_
#define CNN_CONV2_W_H_

static const hlsgen::mantissa<4, true> conv2_w[36] = {
    4, 3, -3, -1, 4, 3, -4, 0, 0, -1, -4, 0, 3, 3, 4, -1, -1, 4, -2, -2, -3, -3, 3, -1, -2, 1, 1, 1, 4, -3,
    -1, -2, -4, -3, -1, -1
};

#endif
