// A stand-in for the tool's ap_axi_sdata.h, which is not among its open headers: the fields of a word of an AXI stream
// with TDATA, TKEEP, TSTRB and TLAST, as the user guide names them. Other side channels have no bits here.
#ifndef AP_AXI_SDATA_H
#define AP_AXI_SDATA_H

#include <cstddef>

#include <ap_int.h>

namespace hls {
template <class T, std::size_t WUser, std::size_t WId, std::size_t WDest> struct axis;

template <int W> struct axis<ap_uint<W>, 0, 0, 0> {
    ap_uint<W> data;
    ap_uint<(W + 7) / 8> keep;
    ap_uint<(W + 7) / 8> strb;
    ap_uint<1> last;
};
}  // namespace hls

template <std::size_t WData, std::size_t WUser, std::size_t WId, std::size_t WDest>
using ap_axiu = hls::axis<ap_uint<WData>, WUser, WId, WDest>;

#endif
