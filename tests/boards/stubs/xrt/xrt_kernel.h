// Calls of a kernel. What it computes is given by a test: it gets the card's memory of each argument.
#ifndef XRT_KERNEL_H
#define XRT_KERNEL_H

#include <map>
#include <string>
#include <vector>

#include "xrt_bo.h"

enum ert_cmd_state { ERT_CMD_STATE_NEW = 1, ERT_CMD_STATE_COMPLETED = 4, ERT_CMD_STATE_ABORT = 6 };

// The kernel's name, its number of buffers, what it computes, and how calls end.
extern const char* const stub_name;
extern const int stub_buffers;
void stub_compute(const std::vector<unsigned char*>& memory, int samples);
ert_cmd_state stub_end();

namespace xrt {

class kernel {
  public:
    kernel(const device&, const uuid& id, const std::string& name) { STUB_REQUIRE(id.of == "binary" && name == stub_name); }

    int group_id(int place) const {
        STUB_REQUIRE(place >= 0 && place < stub_buffers);
        return 100 + place;
    }
};

class run {
  public:
    run() = default;

    explicit run(const kernel&) {}

    void set_arg(int place, const bo& buffer) {
        STUB_REQUIRE(!is_under_way && buffer.group == 100 + place);
        buffers.insert({place, buffer});
    }

    void set_arg(int place, int value) {
        STUB_REQUIRE(!is_under_way && place == stub_buffers && value > 0);
        samples = value;
    }

    void start() {
        STUB_REQUIRE(!is_under_way && int(buffers.size()) == stub_buffers && samples > 0);
        is_under_way = true;
    }

    // Nothing is computed before: a host that does not wait sees nothing.
    ert_cmd_state wait() {
        STUB_REQUIRE(is_under_way);
        is_under_way = false;
        std::vector<unsigned char*> memory;
        for (const auto& buffer : buffers) memory.push_back(buffer.second.on_card());
        stub_compute(memory, samples);
        return stub_end();
    }

  private:
    std::map<int, bo> buffers;
    int samples = 0;
    bool is_under_way = false;
};

}  // namespace xrt

#endif
