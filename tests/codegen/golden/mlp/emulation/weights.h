// mlp: the constants of this thread's design; bound before each run. Written by hlsgen.
#ifndef MLP_WEIGHTS_H_
#define MLP_WEIGHTS_H_

#include <hlsgen/arith.h>

static thread_local const hlsgen::mantissa<4, true>* fc_1_w;
static thread_local const hlsgen::mantissa<3, true>* fc_1_b;
static thread_local const hlsgen::mantissa<4, true>* n_w;
static thread_local const hlsgen::mantissa<3, true>* n_b;
static thread_local const hlsgen::mantissa<23, false>* softmax_exps;
static thread_local const hlsgen::mantissa<35, true>* softmax_inverse;

#endif
