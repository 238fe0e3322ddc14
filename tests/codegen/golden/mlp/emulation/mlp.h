// mlp: the top function. Written by hlsgen.
//
//   features             fixed<8,4,RND,SAT>, 4 elements, element 0 in the lowest 8 bits
//   softmax              ufixed<17,1,RND,WRAP>, 3 elements, element 0 in the lowest 17 bits
#ifndef MLP_H_
#define MLP_H_

#include "types.h"

void mlp(const features_t features[4], softmax_t softmax[3]);

#endif
