// Of layer 'conv2' (Conv2D): 2 words (output) of 2 bits, unsigned. Written by hlsgen.
#ifndef CNN_CONV2_B_H_
#define CNN_CONV2_B_H_

static const hlsgen::mantissa<2, false> conv2_b[2] = {
    2, 1
};

#endif
