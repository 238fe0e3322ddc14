// mlp: the constants of this thread's design; bound before each run. Written by hlsgen.
#ifndef MLP_WEIGHTS_H_
#define MLP_WEIGHTS_H_

#include <hlsgen/constants.h>

static thread_local hlsgen::bound<4, true, 20> fc_1_w;
static thread_local hlsgen::bound<3, true, 5> fc_1_b;
static thread_local hlsgen::bound<4, true, 15> n_w;
static thread_local hlsgen::bound<3, true, 3> n_b;
static thread_local hlsgen::bound<23, false, 128> softmax_exps;
static thread_local hlsgen::bound<35, true, 2048> softmax_inverse;

#endif
