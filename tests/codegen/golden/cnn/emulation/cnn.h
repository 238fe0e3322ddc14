// cnn: the top function. Written by hlsgen.
#ifndef CNN_H_
#define CNN_H_

#include "types.h"

void cnn(hls::stream<image_word>& image, hls::stream<classes_word>& classes, hls::stream<pool_copy_word>& pool_copy);

#endif
