// cnn: the constants of this thread's design; bound before each run. Written by hlsgen.
#ifndef CNN_WEIGHTS_H_
#define CNN_WEIGHTS_H_

#include <hlsgen/arith.h>

static thread_local const hlsgen::mantissa<4, true>* conv_w;
static thread_local const hlsgen::mantissa<1, false>* conv_b;
static thread_local const hlsgen::mantissa<4, true>* conv2_w;
static thread_local const hlsgen::mantissa<2, false>* conv2_b;
static thread_local const hlsgen::mantissa<4, true>* classes_w;
static thread_local const hlsgen::mantissa<3, true>* classes_b;

#endif
