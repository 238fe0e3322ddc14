// A card without a card: what a host uses of XRT's native API, by the documented names. Strict where XRT is not.
#ifndef XRT_DEVICE_H
#define XRT_DEVICE_H

#include <cstdio>
#include <cstdlib>
#include <string>

#define STUB_REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            std::fprintf(stderr, "STUB: %s\n", #condition); \
            std::abort(); \
        } \
    } while (false)

namespace xrt {

struct uuid {
    std::string of;
};

class device {
  public:
    explicit device(unsigned number) { STUB_REQUIRE(number == 0); }

    uuid load_xclbin(const std::string& path) { return uuid{path}; }
};

}  // namespace xrt

#endif
