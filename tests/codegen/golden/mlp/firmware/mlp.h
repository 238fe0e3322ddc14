// mlp: the top function. Written by hlsgen.
//
//   features             fixed<8,4,RND,SAT>, 4 elements in a word of 32 bits: one port, element 0 in the lowest bits
//   softmax              ufixed<17,1,RND,WRAP>, 3 elements in ports of 17 bits: one port an element, numbered behind the name
#ifndef MLP_H_
#define MLP_H_

#include "types.h"

void mlp(const features_t features[4], softmax_t softmax[3]);

#endif
