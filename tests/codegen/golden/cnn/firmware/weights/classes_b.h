// Of layer 'classes' (Dense): 3 words (output) of 3 bits. Written by hlsgen.
#ifndef CNN_CLASSES_B_H_
#define CNN_CLASSES_B_H_

static const hlsgen::mantissa<3, true> classes_b[3] = {
    -3, -4, 2
};

#endif
