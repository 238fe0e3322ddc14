// mlp: the top function. Written by hlsgen.
#ifndef MLP_H_
#define MLP_H_

#include "types.h"

void mlp(const features_t features[4], softmax_t softmax[3]);

#endif
