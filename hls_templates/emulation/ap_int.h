// ap_int and ap_uint for emulation: fixed point without a fraction.
#ifndef HLSGEN_AP_INT_H
#define HLSGEN_AP_INT_H

#include <ap_fixed.h>

template <int W> using ap_int = ap_fixed<W, W>;
template <int W> using ap_uint = ap_ufixed<W, W>;

#endif
