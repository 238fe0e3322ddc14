// cnn: the constants of this thread's design; bound before each run. Written by hlsgen.
#ifndef CNN_WEIGHTS_H_
#define CNN_WEIGHTS_H_

#include <hlsgen/constants.h>

static thread_local hlsgen::bound<4, true, 18> conv_w;
static thread_local hlsgen::bound<1, false, 2> conv_b;
static thread_local hlsgen::bound<4, true, 36> conv2_w;
static thread_local hlsgen::bound<2, false, 2> conv2_b;
static thread_local hlsgen::bound<4, true, 54> classes_w;
static thread_local hlsgen::bound<3, true, 3> classes_b;

#endif
