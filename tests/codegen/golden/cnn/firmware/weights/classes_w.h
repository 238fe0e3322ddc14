// Of layer 'classes' (Dense): 3 x 18 words (output, input) of 4 bits. Written by hlsgen.
#ifndef CNN_CLASSES_W_H_
#define CNN_CLASSES_W_H_

static const hlsgen::mantissa<4, true> classes_w[54] = {
    -1, 1, -3, -2, -4, 0, 1, -4, -4, 4, -4, 0, 0, 0, -2, 0, 0, -2, 0, -1, -3, 3, -1, 2, 3, -3, 2, 4, -1, -3,
    -2, 4, 0, 1, 2, 2, -4, -2, 4, -4, 4, 2, -2, 4, 0, -3, -1, 2, -3, -2, 2, 1, 3, 1
};

#endif
