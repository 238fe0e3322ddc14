// One call of predict: its chunks of samples, shared by threads that take them until none is left.
#ifndef HLSGEN_BINDINGS_BATCH_H
#define HLSGEN_BINDINGS_BATCH_H

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include "inputs.h"
#include "outputs.h"

namespace hlsgen {
namespace bindings {

struct arrays {
    std::vector<input_view> inputs;
    std::vector<output_view> outputs;
    long samples;
};

// Calls f with a value of the type of the port's lanes.
template <class F> void with_word(const emu::port& p, F f) {
    const bool is_signed = p.type.is_signed || p.type.width < 8 * p.native_bytes;
    switch (p.native_bytes) {
    case 2: return is_signed ? f(int16_t()) : f(uint16_t());
    case 4: return is_signed ? f(int32_t()) : f(uint32_t());
    case 8: return is_signed ? f(int64_t()) : f(uint64_t());
    default: return is_signed ? f(int128()) : f(uint128());
    }
}

class batch {
    // A thread's view of the batch: the chunk it works on, and what it counted.
    struct job : emu::chunk {
        const batch* whole;
        long first;   // sample of lane 0
        int samples;  // fewer than L in the last chunk
        mutable std::vector<long> outside;
    };

    static const long small_design = 1 << 20, spare_stack = 16 << 20;

    const emu::design& design;
    const constant_data* constants;
    prepared::store& store;
    const arrays& data;
    const std::function<void(long)> attend;
    const long chunks, group;
    std::vector<quantizer> quantizers;
    std::vector<long> outside;
    std::atomic<long> next{0};
    std::mutex guard;
    std::condition_variable ended;
    std::exception_ptr failure;
    long running = 0;

public:
    // `attention` is called now and then on the calling thread, with the samples that are begun, and may throw.
    batch(const emu::design& d, const constant_data* weights, prepared::store& forms, const arrays& given, int threads,
          std::function<void(long)> attention)
        : design(d), constants(weights), store(forms), data(given), attend(std::move(attention)),
          chunks((given.samples + L - 1) / L), group(std::max(1l, std::min(64l, chunks / (8l * threads)))), outside(d.n_inputs) {
        for (int i = 0; i < d.n_inputs; i++) quantizers.emplace_back(d.inputs[i].type);
    }

    // Tensors of a design live on the stack. Where the caller's may be too small, all work is done on threads
    // with stacks of their own; only pages that are touched cost memory.
    // Returns how many values of each input were out of range.
    std::vector<long> run(int threads) {
        const long useful = std::max(1l, std::min<long>(threads, (chunks + group - 1) / group));
        if (design.tensors > small_design) run_on_large_stacks(useful);
        else run_on_small_stacks(useful);
        if (failure) std::rethrow_exception(failure);
        return outside;
    }

private:
    static void fill(const emu::chunk& self, int port, long first, long n, void* lanes) {
        const job& j = static_cast<const job&>(self);
        const batch& b = *j.whole;
        with_word(b.design.inputs[port], [&](auto word) {
            fill_lanes(b.quantizers[port], b.data.inputs[port], j.first, j.samples, first, n,
                       static_cast<decltype(word)*>(lanes), &j.outside[port]);
        });
    }

    static void drain(const emu::chunk& self, int port, long first, long n, const void* lanes) {
        const job& j = static_cast<const job&>(self);
        const emu::port& p = j.whole->design.outputs[port];
        with_word(p, [&](auto word) {
            drain_to(p, j.whole->data.outputs[port], j.first, j.samples, first, n,
                     static_cast<const decltype(word)*>(lanes));
        });
    }

    void work(bool attends) noexcept {
        try {
            design.bind(constants, store);
            job j;
            j.fill = fill;
            j.drain = drain;
            j.whole = this;
            j.outside.assign(design.n_inputs, 0);
            auto last = std::chrono::steady_clock::now();
            for (long start; (start = next.fetch_add(group)) < chunks;) {
                for (long c = start; c < std::min(start + group, chunks); c++) {
                    j.first = c * L;
                    j.samples = int(std::min<long>(L, data.samples - j.first));
                    design.run(j);
                }
                const auto now = std::chrono::steady_clock::now();
                if (attends && now - last > std::chrono::milliseconds(200)) {
                    last = now;
                    attend(begun());
                }
            }
            std::lock_guard<std::mutex> lock(guard);
            for (int p = 0; p < design.n_inputs; p++) outside[p] += j.outside[p];
        } catch (...) {
            fail();
        }
    }

    long begun() const { return std::min(data.samples, next.load() * L); }

    void fail() {
        std::lock_guard<std::mutex> lock(guard);
        if (!failure) failure = std::current_exception();
        next = chunks;
    }

    void run_on_small_stacks(long threads) {
        std::vector<std::thread> others;
        try {
            for (long t = 1; t < threads; t++) others.emplace_back([this] { work(false); });
        } catch (...) {
            fail();
        }
        work(true);
        for (std::thread& t : others) t.join();
    }

    static void* work_of(void* self) {
        batch& b = *static_cast<batch*>(self);
        b.work(false);
        std::lock_guard<std::mutex> lock(b.guard);
        b.running--;
        b.ended.notify_all();
        return nullptr;
    }

    void run_on_large_stacks(long threads) {
        const size_t bytes = size_t(4 * design.tensors + spare_stack);
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, bytes);
        std::vector<pthread_t> workers;
        running = threads;
        for (long t = 0; t < threads; t++) {
            pthread_t id;
            if (pthread_create(&id, &attributes, work_of, this) == 0) {
                workers.push_back(id);
                continue;
            }
            std::lock_guard<std::mutex> lock(guard);
            running--;
            if (!failure)
                failure = std::make_exception_ptr(
                    std::runtime_error("a thread with a stack of " + std::to_string(bytes) + " bytes cannot be made"));
            next = chunks;
        }
        pthread_attr_destroy(&attributes);
        wait_for_workers();
        for (const pthread_t id : workers) pthread_join(id, nullptr);
    }

    void wait_for_workers() {
        std::unique_lock<std::mutex> lock(guard);
        while (!ended.wait_for(lock, std::chrono::milliseconds(200), [this] { return running == 0; })) {
            lock.unlock();
            try {
                attend(begun());
            } catch (...) {
                fail();
            }
            lock.lock();
        }
    }
};

}  // namespace bindings
}  // namespace hlsgen

#endif
