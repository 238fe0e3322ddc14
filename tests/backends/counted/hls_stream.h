// hls::stream and pipelined loops that count: the cycle at which the step of every word begins, if nothing ever waits.
//
// The tests put a `counted::step` in the place of every `#pragma HLS PIPELINE`. A loop that is pipelined unrolls those
// inside of it, so only the outermost of nested steps count.
#ifndef COUNTED_HLS_STREAM_H
#define COUNTED_HLS_STREAM_H

#include <cstdio>
#include <deque>
#include <vector>

namespace counted {

struct clock {
    long steps = 0, now = 0, next = 0;
    int open = 0;
};
inline clock time;

struct step {
    explicit step(long interval) {
        if (time.open++ == 0) {
            time.steps++;
            time.now = time.next;
            time.next += interval;
        }
    }
    ~step() { time.open--; }
    step(const step&) = delete;
};

// Behind a loop it is the cycle after its last step.
inline long cycle() { return time.open ? time.now : time.next; }

inline void print(const char* what, const std::vector<long>& cycles) {
    std::printf("%s", what);
    for (long c : cycles) std::printf(" %ld", c);
    std::printf("\n");
}

}  // namespace counted

namespace hls {

template <class T, int Depth = 0> class stream {
    std::deque<T> words;

public:
    typedef T value_type;
    std::vector<long> reads, writes;

    explicit stream(const char* = "") {}
    void fill(long n) { words.resize(size_t(n)); }
    T read() {
        const long next = reads.empty() ? 0 : reads.back() + 1;  // one word a cycle, also in one step
        reads.push_back(counted::cycle() > next ? counted::cycle() : next);
        const T word = words.at(0);
        words.pop_front();
        return word;
    }
    void write(const T& word) {
        writes.push_back(counted::cycle());
        words.push_back(word);
    }
};

}  // namespace hls

#endif
