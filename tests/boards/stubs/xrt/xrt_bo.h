// Buffer objects of two copies, the host's and the card's, which differ until they are synchronised.
#ifndef XRT_BO_H
#define XRT_BO_H

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "xrt_device.h"

enum xclBOSyncDirection { XCL_BO_SYNC_BO_TO_DEVICE = 0, XCL_BO_SYNC_BO_FROM_DEVICE };

namespace xrt {

class bo {
  public:
    bo(const device&, std::size_t size, int group) : group(group), copies(new Copies(size)) {}

    template <class T> T map() { return reinterpret_cast<T>(copies->of_host.data()); }

    void sync(xclBOSyncDirection direction, std::size_t size, std::size_t offset) {
        STUB_REQUIRE(size > 0 && offset + size <= copies->of_host.size());
        unsigned char *host = copies->of_host.data() + offset, *card = copies->of_card.data() + offset;
        if (direction == XCL_BO_SYNC_BO_TO_DEVICE) std::memcpy(card, host, size);
        else std::memcpy(host, card, size);
    }

    unsigned char* on_card() const { return copies->of_card.data(); }

    int group;

  private:
    struct Copies {
        explicit Copies(std::size_t size) : of_host(size, 0xA5), of_card(size, 0x5A) {}
        std::vector<unsigned char> of_host, of_card;
    };
    std::shared_ptr<Copies> copies;  // as XRT's objects, which are handles
};

}  // namespace xrt

#endif
