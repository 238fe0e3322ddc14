// Of layer 'softmax' (Softmax): 64 words (high bits of the distance) of 18 bits, unsigned. Written by hlsgen.
#ifndef MLP_SOFTMAX_EXP_HIGH_H_
#define MLP_SOFTMAX_EXP_HIGH_H_

static const hlsgen::mantissa<18, false> softmax_exp_high[64] = {
    131072, 102079, 79499, 61914, 48219, 37553, 29246, 22777, 17739, 13815, 10759, 8379, 6526, 5082, 3958,
    3083, 2401, 1870, 1456, 1134, 883, 688, 536, 417, 325, 253, 197, 153, 120, 93, 72, 56, 44, 34, 27, 21,
    16, 13, 10, 8, 6, 5, 4, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
};

#endif
