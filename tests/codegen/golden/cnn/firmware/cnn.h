// cnn: the top function. Written by hlsgen.
//
//   image                ufixed<8,0,RND,SAT>, 36 elements in 36 words of 1 (8 bits): an AXI stream of words, element 0 in the lowest bits, no gaps between elements, zeros above the last
//   classes              fixed<22,8>, 3 elements in 1 words of 3 (72 bits): an AXI stream of words, element 0 in the lowest bits, no gaps between elements, zeros above the last
//   pool_copy            fixed<17,5>, 18 elements in 9 words of 2 (40 bits): an AXI stream of words, element 0 in the lowest bits, no gaps between elements, zeros above the last
#ifndef CNN_H_
#define CNN_H_

#include "types.h"

void cnn(hls::stream<image_word>& image, hls::stream<classes_word>& classes, hls::stream<pool_copy_word>& pool_copy);

#endif
