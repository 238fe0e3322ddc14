// The kernel on an Alveo card with XRT: predict, and a test with the project's stored vectors. Written by hlsgen.
//
// A call of the kernel computes many samples: a batch is divided into calls by the size of the buffers, of which there
// are two sets, so that the card computes while the next call is prepared. XRT aligns buffers to pages of 4 KiB.
#ifndef BOARD_DESIGN_H
#define BOARD_DESIGN_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

#include "packing.h"
#include "ports.h"

namespace board {

typedef std::vector<std::vector<double>> Values;       // of each port: sample after sample
typedef std::vector<std::vector<Mantissa>> Mantissas;  // the same

class Design {
  public:
    // `xclbin`: the linked binary. `device`: the card's number. `bytes_of_call`: of the port that has the most.
    explicit Design(const std::string& xclbin, unsigned device = 0, std::size_t bytes_of_call = std::size_t(1) << 22)
        : device_(device), kernel_(device_, device_.load_xclbin(xclbin), kernel_name) {
        std::size_t bytes = 1, words = 1;
        for (const std::vector<Port>* ports : {&inputs(), &outputs()})
            for (const Port& port : *ports) {
                bytes = std::max(bytes, port.bytes());
                words = std::max(words, port.words);
            }
        // The kernel counts the words of a call in 31 bits.
        most_ = std::max<std::size_t>(1, std::min(bytes_of_call / bytes, ((std::size_t(1) << 31) - 1) / words));
        for (Slot& slot : slots_) allocate(slot);
    }

    // Real values of each input to those of each output. Throws std::invalid_argument for inputs that do not fit.
    Values predict(const Values& x) {
        Mantissas given(x.size());
        for (std::size_t n = 0; n < x.size() && n < inputs().size(); n++) {
            given[n].reserve(x[n].size());
            for (std::size_t i = 0; i < x[n].size(); i++) given[n].push_back(quantize(inputs()[n], x[n][i], i % inputs()[n].size));
        }
        const Mantissas taken = run(given);
        Values y(taken.size());
        for (std::size_t n = 0; n < taken.size(); n++)
            for (const Mantissa mantissa : taken[n]) y[n].push_back(real(outputs()[n], mantissa));
        return y;
    }

    // The same in mantissas. Throws std::runtime_error if a call does not come to its end.
    Mantissas run(const Mantissas& x) {
        const std::size_t samples = checked(x);
        Mantissas y;
        for (const Port& port : outputs()) y.emplace_back(port.size * samples);
        std::size_t number = 0;
        for (std::size_t first = 0; first < samples; first += most_, number++) {
            start(slots_[number % 2], x, first, std::min(most_, samples - first));
            finish(slots_[(number + 1) % 2], y);  // the call before this one
        }
        for (Slot& slot : slots_) finish(slot, y);
        return y;
    }

    // Runs the stored vectors and returns how many samples were compared. Throws std::runtime_error that names the
    // first wrong element.
    std::size_t self_test(const std::string& folder) {
        const Mantissas given = stored(folder + "/inputs.dat", inputs()), wanted = stored(folder + "/expected.dat", outputs());
        const Mantissas found = run(given);
        for (std::size_t n = 0; n < found.size(); n++) compare(outputs()[n], found[n], wanted[n]);
        return found[0].size() / outputs()[0].size;
    }

  private:
    // A call that is under way, if any, and a buffer of it for each port.
    struct Slot {
        std::vector<xrt::bo> given, taken;
        xrt::run run;
        std::size_t first = 0, samples = 0;  // of the batch; none: nothing is under way
    };

    void allocate(Slot& slot) {
        slot.run = xrt::run(kernel_);
        int place = 0;
        for (const Port& port : inputs()) bind(slot, slot.given, port, place++);
        for (const Port& port : outputs()) bind(slot, slot.taken, port, place++);
    }

    void bind(Slot& slot, std::vector<xrt::bo>& buffers, const Port& port, int place) {
        buffers.emplace_back(device_, port.bytes() * most_, kernel_.group_id(place));
        slot.run.set_arg(place, buffers.back());
    }

    void start(Slot& slot, const Mantissas& x, std::size_t first, std::size_t samples) {
        for (std::size_t n = 0; n < slot.given.size(); n++) {
            const Port& port = inputs()[n];
            unsigned char* bytes = slot.given[n].map<unsigned char*>();
            for (std::size_t s = 0; s < samples; s++) pack(port, &x[n][(first + s) * port.size], bytes + s * port.bytes());
            slot.given[n].sync(XCL_BO_SYNC_BO_TO_DEVICE, samples * port.bytes(), 0);
        }
        slot.run.set_arg(int(slot.given.size() + slot.taken.size()), int(samples));
        slot.run.start();
        slot.first = first;
        slot.samples = samples;
    }

    void finish(Slot& slot, Mantissas& y) {
        const std::size_t samples = slot.samples;
        if (samples == 0) return;
        slot.samples = 0;
        if (slot.run.wait() != ERT_CMD_STATE_COMPLETED)
            throw std::runtime_error(std::string(kernel_name) + ": a call of the kernel has failed; is the binary of this project?");
        for (std::size_t n = 0; n < slot.taken.size(); n++) {
            const Port& port = outputs()[n];
            slot.taken[n].sync(XCL_BO_SYNC_BO_FROM_DEVICE, samples * port.bytes(), 0);
            const unsigned char* bytes = slot.taken[n].map<unsigned char*>();
            for (std::size_t s = 0; s < samples; s++) unpack(port, bytes + s * port.bytes(), &y[n][(slot.first + s) * port.size]);
        }
    }

    // How many samples there are. Throws std::invalid_argument.
    static std::size_t checked(const Mantissas& x) {
        if (x.size() != inputs().size()) throw std::invalid_argument("expected " + std::to_string(inputs().size()) + " inputs, found " + std::to_string(x.size()));
        for (std::size_t n = 0; n < x.size(); n++) {
            const Port& port = inputs()[n];
            if (x[n].size() % port.size != 0)
                throw std::invalid_argument(std::string(port.name) + ": " + std::to_string(x[n].size()) + " values are no samples of " + std::to_string(port.size));
            if (x[n].size() / port.size != x[0].size() / inputs()[0].size) throw std::invalid_argument("inputs differ in their number of samples");
        }
        return x[0].size() / inputs()[0].size;
    }

    // Mantissas of each port from a file with a sample a line, ports one after the other.
    static Mantissas stored(const std::string& path, const std::vector<Port>& ports) {
        std::ifstream file(path);
        if (!file) throw std::runtime_error(path + ": cannot be read");
        Mantissas found(ports.size());
        std::string line, word;
        while (std::getline(file, line)) {
            std::istringstream words(line);
            for (std::size_t n = 0; n < ports.size(); n++)
                for (std::size_t i = 0; i < ports[n].size; i++) {
                    if (!(words >> word)) throw std::runtime_error(path + ": a line is too short; it is of another project");
                    found[n].push_back(parsed(word));
                }
            if (words >> word) throw std::runtime_error(path + ": a line is too long; it is of another project");
        }
        if (found[0].empty()) throw std::runtime_error(path + ": holds no sample; write the project again");
        return found;
    }

    static void compare(const Port& port, const std::vector<Mantissa>& found, const std::vector<Mantissa>& wanted) {
        if (found.size() != wanted.size()) throw std::runtime_error("the stored vectors differ in their number of samples");
        const auto wrong = std::mismatch(found.begin(), found.end(), wanted.begin());
        if (wrong.first == found.end()) return;
        const std::size_t place = std::size_t(wrong.first - found.begin());
        throw std::runtime_error(std::string(port.name) + " is wrong; the first element is " + std::to_string(place % port.size) + " of sample " +
                                 std::to_string(place / port.size) + ": found " + text(*wrong.first) + ", expected " + text(*wrong.second));
    }

    xrt::device device_;
    xrt::kernel kernel_;
    std::size_t most_ = 1;  // samples of a call
    std::array<Slot, 2> slots_;
};

}  // namespace board

#endif
