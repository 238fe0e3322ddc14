// cnn: all constants, as integer mantissas. Written by hlsgen.
#ifndef CNN_WEIGHTS_H_
#define CNN_WEIGHTS_H_

#include <hlsgen/arith.h>

#include "weights/conv_w.h"
#include "weights/conv_b.h"
#include "weights/conv2_w.h"
#include "weights/conv2_b.h"
#include "weights/classes_w.h"
#include "weights/classes_b.h"

#endif
