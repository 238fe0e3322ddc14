// Of layer 'conv' (Conv2D): 2 words (output) of 1 bits, unsigned. Written by hlsgen.
#ifndef CNN_CONV_B_H_
#define CNN_CONV_B_H_

static const hlsgen::mantissa<1, false> conv_b[2] = {
    0, 0
};

#endif
