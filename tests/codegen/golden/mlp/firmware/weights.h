// mlp: all constants, as integer mantissas. Written by hlsgen.
#ifndef MLP_WEIGHTS_H_
#define MLP_WEIGHTS_H_

#include <hlsgen/arith.h>

#include "weights/fc_1_w.h"
#include "weights/fc_1_b.h"
#include "weights/n_w.h"
#include "weights/n_b.h"
#include "weights/softmax_exps.h"
#include "weights/softmax_inverse.h"

#endif
