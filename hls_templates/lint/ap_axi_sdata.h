// Words of an AXI4-Stream with side channels, for `hlsgen lint`: the fields that the tool's user guide names.
#ifndef AP_AXI_SDATA_H
#define AP_AXI_SDATA_H

#include <ap_int.h>

namespace hls {

template <class T, decltype(sizeof(0)) WUser = 0, decltype(sizeof(0)) WId = 0, decltype(sizeof(0)) WDest = 0>
struct axis {
    T data;
    ap_uint<(T::width + 7) / 8> keep, strb;
    ap_uint<(WUser > 0 ? WUser : 1)> user;
    ap_uint<1> last;
    ap_uint<(WId > 0 ? WId : 1)> id;
    ap_uint<(WDest > 0 ? WDest : 1)> dest;
};

}  // namespace hls

template <decltype(sizeof(0)) WData, decltype(sizeof(0)) WUser, decltype(sizeof(0)) WId, decltype(sizeof(0)) WDest>
using ap_axis = hls::axis<ap_int<WData>, WUser, WId, WDest>;
template <decltype(sizeof(0)) WData, decltype(sizeof(0)) WUser, decltype(sizeof(0)) WId, decltype(sizeof(0)) WDest>
using ap_axiu = hls::axis<ap_uint<WData>, WUser, WId, WDest>;

#endif
